"""Objects as files elsewhere: whole, read-only, and touched only where something differs."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ropewalk.pipeline import ObjectMissing, ObjectStore, StoreFull


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return ObjectStore(tmp_path / "objects")


@pytest.fixture
def no_links(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be on a file system where a file has one name."""

    def refuse(*_: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)


def tree(folder: Path) -> dict[str, str]:
    """Return the files below a folder with their text."""
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_link(store: ObjectStore, tmp_path: Path) -> None:
    """An object appears elsewhere as the same file, in folders made for it."""
    stored = store.put_bytes(b"x")

    store.link(stored.digest, tmp_path / "model/files/a.bin")

    assert (tmp_path / "model/files/a.bin").samefile(store.path(stored.digest))
    assert [path.name for path in (tmp_path / "model/files").iterdir()] == ["a.bin"]


def test_link_in_place_of_another(store: ObjectStore, tmp_path: Path) -> None:
    """Linking over a link to another object leaves both objects as they are."""
    one, two = store.put_bytes(b"one"), store.put_bytes(b"two")

    for stored in (one, two, two):
        store.link(stored.digest, tmp_path / "file")

    assert (tmp_path / "file").read_bytes() == store.path(two.digest).read_bytes() == b"two"
    assert store.path(one.digest).read_bytes() == b"one"


def test_link_across_filesystems(store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no hard link is possible the object is copied, read-only as well."""

    def refuse(*_: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    stored = store.put_bytes(b"x")
    monkeypatch.setattr(os, "link", refuse)

    store.link(stored.digest, tmp_path / "copy")

    assert (tmp_path / "copy").read_bytes() == b"x"
    assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o444
    assert not (tmp_path / "copy").samefile(store.path(stored.digest))


def test_link_of_nothing(store: ObjectStore, tmp_path: Path) -> None:
    """A missing object makes no file."""
    with pytest.raises(ObjectMissing):
        store.link("0" * 64, tmp_path / "file")

    assert not (tmp_path / "file").exists()


def test_link_to_what_is_there(store: ObjectStore, tmp_path: Path) -> None:
    """Linking again changes nothing at all, not even a time."""
    digest = store.put_bytes(b"x").digest
    store.link(digest, tmp_path / "file")
    before = (tmp_path / "file").stat()

    store.link(digest, tmp_path / "file")

    assert (tmp_path / "file").stat() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "objects"]


def test_link_over_a_symbolic_link(store: ObjectStore, tmp_path: Path) -> None:
    """A link in the target's place is replaced; what it leads to stays as it was."""
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "file").symlink_to(tmp_path / "precious")

    store.link(store.put_bytes(b"x").digest, tmp_path / "file")

    assert not (tmp_path / "file").is_symlink()
    assert (tmp_path / "precious").read_text() == "precious"


def test_a_changed_file_is_restored(store: ObjectStore, tmp_path: Path) -> None:
    """A file that somebody replaced by their own gets its content back."""
    digest = store.put_bytes(b"mine").digest
    (tmp_path / "file").write_text("edit")

    store.link(digest, tmp_path / "file")

    assert (tmp_path / "file").read_text() == "mine"


def test_copy_into_a_full_disk(
    store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_links: None
) -> None:
    """Where a copy has no room, what was there stays, and nothing half-written does."""

    def fill(source: Path, target: Path) -> None:
        target.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "out").mkdir()
    (tmp_path / "out/file").write_text("old")
    monkeypatch.setattr(shutil, "copyfile", fill)
    with pytest.raises(StoreFull, match="No space left"):
        store.link(store.put_bytes(b"x").digest, tmp_path / "out/file")

    assert tree(tmp_path / "out") == {"file": "old"}


@pytest.mark.parametrize("number", [errno.EOPNOTSUPP, errno.EINVAL, errno.EXDEV, errno.ENOTTY])
def test_no_clones_here(
    store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Where blocks cannot be shared this is asked once, and a second name is given."""
    asked: list[int] = []

    def refuse(descriptor: int, *_: object) -> None:
        asked.append(descriptor)
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "ioctl", refuse)
    for name in "abc":
        store.link(store.put_bytes(name.encode()).digest, tmp_path / "out" / name)

    assert len(asked) == 1
    assert tree(tmp_path / "out") == {"a": "a", "b": "b", "c": "c"}


def test_clones(tmp_path: Path) -> None:
    """Where blocks can be shared the file is one of its own: read-only, and the object survives whoever insists."""
    if os.geteuid() != 0 or shutil.which("mkfs.btrfs") is None:
        pytest.skip("a file system with clones cannot be made here")
    code = (
        "from pathlib import Path; from ropewalk.pipeline import ObjectStore\n"
        "store = ObjectStore(Path('objects')); digest = store.put_bytes(b'x' * 1_000_000).digest\n"
        "store.link(digest, Path('file')); file = Path('file')\n"
        "print(file.samefile(store.path(digest)), oct(file.stat().st_mode)[-3:])\n"
        "file.chmod(0o644); file.write_text('changed'); print(len(store.verify().damaged))\n"
    )
    script = 'truncate -s 150M disk && mkfs.btrfs -q disk >/dev/null && mkdir mnt && mount -o loop disk mnt && cd mnt && exec "$0" -c "$1"'
    command = ["unshare", "--mount", "sh", "-c", script, sys.executable, code]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    if done.returncode != 0 and "mount" in done.stderr:
        pytest.skip("mounting is not allowed here")

    assert done.stdout.split() == ["False", "444", "0"], done.stderr
