"""What was parsed is kept where there is a state folder, and losing it costs nothing but time."""

from __future__ import annotations

import msgspec
import pytest

from ropewalk.project.parse_cache import ParseCache, content_digest


def never():
    raise AssertionError("this was kept")


def opened(folder, version="1", kind=str):
    return ParseCache(folder / "parsed", version, kind)


def kept(folder, **entries):
    cache = opened(folder)
    for key, value in entries.items():
        cache.get(key, lambda value=value: value)
    cache.save()
    return cache


def test_kept_from_one_to_the_next(tmp_path):
    """What one plan read, the next one does not read again."""
    kept(tmp_path, a="A")

    assert opened(tmp_path).get("a", never) == "A"


def test_read_once_at_most(tmp_path):
    """Within one plan nothing is read twice, even where nothing can be kept."""
    cache = opened(tmp_path / "none")

    assert cache.get("a", lambda: "A") == cache.get("a", never) == "A"
    cache.save()
    assert not (tmp_path / "none").exists()


def test_errors_are_not_kept(tmp_path):
    """A file that did not parse is parsed again after it was mended."""
    cache = opened(tmp_path)
    with pytest.raises(AssertionError):
        cache.get("a", never)

    assert cache.get("a", lambda: "A") == "A"


def test_other_version_or_kind_starts_anew(tmp_path):
    """What another version wrote, or what has another shape, counts as nothing."""
    kept(tmp_path, a="A")

    assert opened(tmp_path, version="2").get("a", lambda: "new") == "new"
    assert opened(tmp_path, kind=int).get("a", lambda: 7) == 7


@pytest.mark.parametrize(
    "content", [b"", b"\xc1", b"no cache", msgspec.msgpack.encode(("1", {"a": 1})), b"\x92\xa1\xff\x80"]
)
def test_damaged_file_counts_as_empty(tmp_path, content):
    """Whatever is in the file, planning goes on, and the next save mends it."""
    (tmp_path / "parsed").write_bytes(content)
    kept(tmp_path, a="A")

    assert opened(tmp_path).get("a", never) == "A"


def test_left_branch_is_remembered_for_a_while(tmp_path):
    """What was used before is kept beside as much that is new, and not for ever."""
    kept(tmp_path, a="A", b="B")
    kept(tmp_path, c="C")

    after = opened(tmp_path)
    assert after.get("c", never) == "C"
    assert [after.get(key, lambda: "again") for key in "ab"].count("again") == 1


def test_nothing_new_writes_nothing(tmp_path):
    """A plan that read nothing new leaves the file alone, and no partial file stays."""
    kept(tmp_path, a="A")
    before = (tmp_path / "parsed").stat().st_mtime_ns
    kept(tmp_path, a="other")

    assert (tmp_path / "parsed").stat().st_mtime_ns == before
    assert [path.name for path in tmp_path.iterdir()] == ["parsed"]


def test_digest_of_content():
    """Equal bytes, and no others, are the same content."""
    assert content_digest(b"a") == content_digest(b"a") != content_digest(b"a ")
    assert len(content_digest(b"")) == 32
