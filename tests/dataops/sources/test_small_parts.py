"""Small parts: remembered digests, redacted addresses and secrets."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from ropewalk.dataops.sources.errors import SecretMissing
from ropewalk.dataops.sources.file_digests import GRAIN_NS, FileDigests
from ropewalk.dataops.sources.redact import bare_url, origin, redact_url
from ropewalk.dataops.sources.secrets import resolve_secrets

OLD = time.time_ns() - 10 * GRAIN_NS


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Return the list of files whose bytes were read."""
    from ropewalk.dataops.sources import file_digests

    read: list[Path] = []
    plain = file_digests._hash

    def count(path: Path) -> str:
        read.append(path)
        return plain(path)

    monkeypatch.setattr(file_digests, "_hash", count)
    # A change time cannot be set back, so the grain is made small instead.
    monkeypatch.setattr(file_digests, "GRAIN_NS", 1_000_000)
    return read


def settled(path: Path, content: str) -> Path:
    path.write_text(content)
    time.sleep(0.02)
    return path


def test_a_file_is_read_once(tmp_path: Path, counted: list[Path]) -> None:
    """Also when another process asks, from what was saved."""
    path = settled(tmp_path / "a", "content")
    digests = FileDigests(tmp_path / "cache.json")

    first = digests.digest(path)
    digests.save()

    assert digests.digest(path) == first
    assert FileDigests(tmp_path / "cache.json").digest(path) == first
    assert counted == [path]


def test_a_file_changed_just_now_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within the clock's grain equal time stamps prove nothing."""
    path = tmp_path / "a"
    path.write_text("one")
    digests = FileDigests(tmp_path / "cache.json")
    first = digests.digest(path)

    stat = path.stat()
    path.write_text("two")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))

    assert digests.digest(path) != first


@pytest.mark.parametrize("way", ["content", "replaced", "back in time"])
def test_a_changed_file_is_read_again(tmp_path: Path, counted: list[Path], way: str) -> None:
    """Size, inode and both time stamps tell."""
    path = settled(tmp_path / "a", "one")
    digests = FileDigests(tmp_path / "cache.json")
    first = digests.digest(path)

    stat = path.stat()
    if way == "replaced":
        settled(tmp_path / "b", "two").replace(path)
    else:
        settled(path, "two")
    if way == "back in time":
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))

    assert digests.digest(path) != first


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"a": 1}', '{"a": [[1], 2, 3]}', "\x00"])
def test_a_damaged_memory_is_begun_anew(tmp_path: Path, damage: str) -> None:
    """It is a cache: nothing is lost with it."""
    (tmp_path / "cache.json").write_text(damage)
    path = settled(tmp_path / "a", "content")

    assert len(FileDigests(tmp_path / "cache.json").digest(path)) == 32


def test_saving_where_one_cannot(tmp_path: Path, counted: list[Path]) -> None:
    """A folder that is not there does not stop the work."""
    digests = FileDigests(tmp_path / "missing" / "cache.json")
    digests.digest(settled(tmp_path / "a", "content"))

    digests.save()


def test_nothing_new_is_not_saved(tmp_path: Path) -> None:
    """A plan over known files writes nothing."""
    FileDigests(tmp_path / "cache.json").save()

    assert not (tmp_path / "cache.json").exists()


def test_what_is_saved_is_small(tmp_path: Path, counted: list[Path]) -> None:
    """One line of JSON, stamps and digest by path."""
    path = settled(tmp_path / "a", "content")
    digests = FileDigests(tmp_path / "cache.json")
    digests.digest(path)
    digests.save()

    assert list(json.loads((tmp_path / "cache.json").read_text())) == [str(path)]


@pytest.mark.parametrize(
    ("url", "shown", "bare"),
    [
        ("http://host/x", "http://host/x", "http://host/x"),
        ("http://host:81/x?a=1&b=2", "http://host:81/x?a=***&b=***", "http://host:81/x"),
        ("https://me:pw@host/x#f", "https://host/x", "https://host/x"),
        ("https://token@host/?a=", "https://host/?a=***", "https://host/"),
        ("http://host/x?a", "http://host/x?a=***", "http://host/x"),
    ],
)
def test_redacted_addresses(url: str, shown: str, bare: str) -> None:
    """No user, no password, no query value, no fragment."""
    assert redact_url(url) == shown
    assert bare_url(url) == bare
    assert "@" not in origin(url)


def test_secrets_come_from_the_environment() -> None:
    """Only values that ask for one are replaced."""
    given = {"Authorization": "secret://TOKEN", "Accept": "text/plain"}

    assert resolve_secrets(given, {"TOKEN": "t"}) == {"Authorization": "t", "Accept": "text/plain"}


def test_a_missing_secret_names_the_nearest() -> None:
    """The name is shown, no value is."""
    with pytest.raises(SecretMissing) as caught:
        resolve_secrets({"A": "secret://API_TOKN"}, {"API_TOKEN": "hunter2"})

    assert caught.value.nearest == "API_TOKEN"
    assert "hunter2" not in str(caught.value.as_json())
