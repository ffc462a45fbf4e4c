"""Uploads and downloads that meet: at one path, half-way, again, and under names that headers could not hold."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from email.message import Message

import httpx
import pytest

from ropewalk.mlops.tracking.artifacts import find_artifact, list_artifacts
from ropewalk.pipeline import Workspace

PROXY = "/api/2.0/mlflow-artifacts/artifacts"


def _put(http: httpx.Client, path: str, content: bytes) -> int:
    return http.put(f"{PROXY}/{path}", content=content).status_code


def test_uploads_to_one_path(http: httpx.Client) -> None:
    """Of uploads to one path at once, the file is one of them as a whole."""
    contents = [bytes([number]) * 200_000 for number in range(6)]
    with ThreadPoolExecutor(6) as pool:
        codes = list(pool.map(lambda content: _put(http, "up/one", content), contents))

    assert codes == [200] * 6
    assert http.get(f"{PROXY}/up/one").content in contents


def test_uploads_that_exclude_each_other(http: httpx.Client, workspace: Workspace) -> None:
    """A path becomes a file or a folder, never both, also when clients ask for both at once."""
    for number in range(5):
        paths = [f"up/either{number}", f"up/either{number}/file"]
        with ThreadPoolExecutor(2) as pool:
            codes = list(pool.map(lambda path: _put(http, path, b"x"), paths))

        assert sorted(codes) == [200, 400]
        (entry,) = (e for e in list_artifacts(workspace, "up") if e.name == f"either{number}")
        assert entry.is_folder == (codes == [400, 200])


def test_a_download_outlives_a_replacement(http: httpx.Client) -> None:
    """Who began to read a file reads it to its end, also when another one takes its place meanwhile."""
    first, second = os.urandom(4 << 20), os.urandom(4 << 20)
    _put(http, "up/read", first)

    with http.stream("GET", f"{PROXY}/up/read") as answer:
        blocks = answer.iter_bytes(1 << 16)
        begun = next(blocks)
        _put(http, "up/read", second)
        rest = b"".join(blocks)

    assert begun + rest == first
    assert http.get(f"{PROXY}/up/read").content == second


def test_the_tag_is_the_contents(http: httpx.Client) -> None:
    """Equal bytes have one tag and others another, so that a resumed download knows its file."""
    tags = []
    for content in (b"one", b"two", b"one"):
        _put(http, "up/tagged", content)
        tags.append(http.get(f"{PROXY}/up/tagged").headers["etag"])

    assert tags[0] == tags[2] != tags[1]


def test_resuming_on_another_file(http: httpx.Client) -> None:
    """A download that resumes on a file that has changed gets all of the new one, not a mixture."""
    _put(http, "up/resumed", b"a" * 100)
    tag = http.get(f"{PROXY}/up/resumed").headers["etag"]
    _put(http, "up/resumed", b"b" * 100)

    part = http.get(f"{PROXY}/up/resumed", headers={"Range": "bytes=50-", "If-Range": tag})

    assert (part.status_code, part.content) == (200, b"b" * 100)


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1])
def test_sizes_around_a_block(http: httpx.Client, workspace: Workspace, size: int) -> None:
    """No byte is lost where one block ends and the next begins, and an empty file is a file."""
    content = os.urandom(size)
    _put(http, "up/sized", content)

    assert find_artifact(workspace, "up/sized").size == size
    assert http.get(f"{PROXY}/up/sized").content == content


def test_many_small_blocks(http: httpx.Client) -> None:
    """A body of many small pieces is the same file as one of a few large ones."""

    def pieces() -> Iterator[bytes]:
        for number in range(3000):
            yield b"%d," % number

    http.put(f"{PROXY}/up/pieces", content=pieces()).raise_for_status()

    assert http.get(f"{PROXY}/up/pieces").content == b"".join(pieces())


@pytest.mark.parametrize("name", ["two words", 'a"b', "a;b", "größe", "a,b", "100%25"])
def test_names_in_headers(http: httpx.Client, name: str) -> None:
    """Whatever a file is called, the header names that file and nothing else."""
    _put(http, f"up/names/{name}", b"x")
    header = Message()

    header["content-disposition"] = http.get(f"{PROXY}/up/names/{name}").headers["content-disposition"]

    assert header.get_content_disposition() == "attachment"
    assert header.get_filename() == name.replace("%25", "%")


def test_nothing_half_written_stays(http: httpx.Client, workspace: Workspace) -> None:
    """After any number of uploads no temporary file is left."""
    for number in range(5):
        _put(http, f"up/temporary{number}", b"x" * number)

    assert list((workspace.objects.folder / "incoming").iterdir()) == []


def test_a_deleted_file_can_be_put_again(http: httpx.Client) -> None:
    """Deleting takes a file out of the manifest; the same bytes can stand there again."""
    _put(http, "up/again", b"x")
    http.delete(f"{PROXY}/up/again").raise_for_status()
    assert http.get(f"{PROXY}/up/again").status_code == 404

    _put(http, "up/again", b"x")

    assert http.get(f"{PROXY}/up/again").content == b"x"


@pytest.mark.parametrize("path", ["up%2f../x", "..%2fx", "%2e%2e/x", "up//x", "%00", "C:/x"])
def test_refused_before_a_byte_is_stored(http: httpx.Client, workspace: Workspace, path: str) -> None:
    """An upload to a path that leads astray is refused and its bytes are kept nowhere."""
    content = f"never stored {path}".encode()
    digest = workspace.objects.put_bytes(content).digest
    workspace.objects.path(digest).unlink()

    status = _put(http, path, content)

    assert status == 400
    assert not workspace.objects.has(digest)
