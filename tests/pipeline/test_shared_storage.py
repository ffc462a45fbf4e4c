"""Where results are shared: addresses that mean a storage, and what is told when one refuses."""

from __future__ import annotations

import pytest

from ropewalk.pipeline.object_errors import CacheRefused, CacheUnreachable, InvalidCacheAddress
from ropewalk.pipeline.shared_storage import _told, open_storage


@pytest.fixture
def storage(tmp_path):
    return open_storage("shared", tmp_path)


@pytest.mark.parametrize(
    "address",
    [
        "s3://",
        "s3://ab",
        "s3://UPPER/x",
        "s3://-bucket",
        "s3://bucket-",
        "s3://user:s3cr3t@bucket/x",
        "s3://bucket/x?key=s3cr3t",
        "s3://bucket/x#s3cr3t",
        "gs://bucket/s3cr3t",
        "https://host/s3cr3t",
        "://",
    ],
)
def test_address_that_is_none(tmp_path, address):
    """Anything but a folder or a bucket is refused, and what may be a credential is not repeated."""
    with pytest.raises(InvalidCacheAddress) as caught:
        open_storage(address, tmp_path)

    assert "s3cr3t" not in f"{caught.value.message} {caught.value.hint}"
    assert "AWS_ACCESS_KEY_ID" in (caught.value.hint or "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("address", ["s3://bucket", "s3://bucket/", "s3://my.bucket-1/a/b/"])
def test_bucket_is_not_asked_before_it_is_needed(tmp_path, address):
    """Opening sends nothing: a project on a train starts as fast as any."""
    assert open_storage(address, tmp_path).address == address


def test_folder_is_relative_to_the_project(tmp_path, storage):
    """A folder that is not there yet is made, below the project."""
    assert storage.create("a/b", b"one")

    assert (tmp_path / "shared/a/b").read_bytes() == b"one"


def test_name_is_written_once(storage):
    """Whoever comes second finds the first one's bytes."""
    assert [storage.create("a", b"one"), storage.create("a", b"two")] == [True, False]
    assert (storage.read("a"), storage.size("a")) == (b"one", 3)
    assert b"".join(storage.pieces("a")) == b"one"


def test_name_that_is_not_there(storage):
    """Nothing is no error: it is what a cache says most."""
    assert (storage.read("a"), storage.size("a"), list(storage.pieces("a"))) == (None, None, [])


def test_empty_content_is_content(storage):
    """No bytes are told from no object."""
    storage.create("a", b"")

    assert (storage.read("a"), storage.size("a")) == (b"", 0)


def test_replacing(storage, tmp_path):
    """What may change is written over, wherever it was."""
    (tmp_path / "new").write_bytes(b"new")
    storage.create("a", b"old")
    storage.replace("a", tmp_path / "new")

    assert storage.read("a") == b"new"


def test_folder_that_cannot_be_made(tmp_path):
    """A file in the way is told with its name."""
    (tmp_path / "file").write_text("")

    with pytest.raises(CacheRefused, match="file/shared of the shared cache cannot be made: Not a directory"):
        open_storage("file/shared", tmp_path)


def test_storage_that_failed_once_is_not_asked_again(storage, tmp_path):
    """A thousand nodes do not wait a thousand times for what is away."""
    (tmp_path / "shared/a").mkdir()
    (tmp_path / "shared/a/inside").write_text("")
    with pytest.raises(CacheUnreachable) as first:
        storage.replace("a", tmp_path / "shared/a/inside")

    with pytest.raises(CacheUnreachable) as second:
        storage.read("other")
    assert second.value.message == first.value.message


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a page\nof text", "a page"),
        ("Client error with status code: 403 Forbidden, body: x", "403 Forbidden"),
        ("status code: 404 Not Found\n<Code>NoSuchBucket</Code>", "404 Not Found, NoSuchBucket"),
        ("<Code>SlowDown</Code> and a request of 9,000 signs", "SlowDown"),
        ("x" * 900, "x" * 300),
        ("", ""),
    ],
)
def test_what_a_person_needs_of_an_answer(text, told):
    """Of the library's page the status and the storage's own word are told, or the first line."""
    assert _told(OSError(text)) == told
