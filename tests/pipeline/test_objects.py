"""The object store: whole or not at all, once, and never changed."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from ropewalk.pipeline import ObjectMissing, ObjectStore, StoredObject


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return ObjectStore(tmp_path / "objects")


def files(store: ObjectStore) -> list[str]:
    return sorted(
        path.relative_to(store.folder).as_posix() for path in store.folder.rglob("*") if path.is_file()
    )


@given(content=st.binary(max_size=200))
def test_name_is_the_digest(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever bytes go in come out under their blake3 digest."""
    store = ObjectStore(tmp_path_factory.getbasetemp() / f"named-{os.getpid()}")

    stored = store.put_bytes(content)

    assert stored == StoredObject(blake3(content).hexdigest(), len(content))
    assert store.path(stored.digest).read_bytes() == content


def test_three_ways_in(store: ObjectStore, tmp_path: Path) -> None:
    """Bytes, a file and a stream of the same content are one object."""
    (tmp_path / "file").write_bytes(b"ab" * 1_000_000)

    async def blocks() -> AsyncIterator[bytes]:
        for _ in range(1_000_000):
            yield b"ab"

    streamed = asyncio.run(store.put_stream(blocks()))

    assert streamed == store.put_file(tmp_path / "file") == store.put_bytes(b"ab" * 1_000_000)
    assert len(files(store)) == 1


def test_second_copy_is_not_written(store: ObjectStore) -> None:
    """An object that is there already stays the very file it was."""
    first = store.path(store.put_bytes(b"x").digest).stat()

    again = store.path(store.put_bytes(b"x").digest).stat()

    assert (first.st_ino, first.st_mtime_ns) == (again.st_ino, again.st_mtime_ns)


def test_objects_are_read_only(store: ObjectStore) -> None:
    """Nothing that respects permissions changes an object."""
    path = store.path(store.put_bytes(b"x").digest)

    assert path.stat().st_mode & 0o777 == 0o444


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_broken_source(store: ObjectStore, error: type[BaseException]) -> None:
    """When the blocks break off, nothing of them stays."""

    def blocks() -> Iterator[bytes]:
        yield b"half"
        raise error

    with pytest.raises(error):
        store.put_blocks(blocks())

    assert files(store) == []


def test_broken_stream(store: ObjectStore) -> None:
    """When a client breaks off its upload, nothing of it stays."""

    async def blocks() -> AsyncIterator[bytes]:
        yield b"half"
        raise ConnectionError

    with pytest.raises(ConnectionError):
        asyncio.run(store.put_stream(blocks()))

    assert files(store) == []


def test_killed_writer(store: ObjectStore) -> None:
    """A writer killed in the middle leaves no object, and what it left is swept a day later."""
    code = (
        "import sys; from pathlib import Path; from ropewalk.pipeline import ObjectStore\n"
        "def blocks():\n    yield b'half' * 300000\n    print('in', flush=True)\n    input()\n"
        "ObjectStore(Path(sys.argv[1])).put_blocks(blocks())"
    )
    command = [sys.executable, "-c", code, str(store.folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.kill()

    (left,) = files(store)
    os.utime(store.folder / left, (time.time() - 90_000,) * 2)
    assert left.startswith("incoming/")
    assert files(ObjectStore(store.folder)) == []


def test_sweeping_spares_the_living(store: ObjectStore) -> None:
    """Opening the store again leaves alone what another process is just writing."""
    (store.folder / "incoming/young").touch()

    ObjectStore(store.folder)

    assert files(store) == ["incoming/young"]


@pytest.mark.parametrize("digest", ["0" * 64, "", "ab", "../../etc/passwd", "inc", "A" * 64, "incoming/x"])
def test_missing_object(store: ObjectStore, digest: str) -> None:
    """What is not there, and what is no digest at all, is missing: no path leads out of the store."""
    (store.folder / "incoming/x").touch()

    assert not store.has(digest)
    with pytest.raises(ObjectMissing, match="is not in the store"):
        store.path(digest)


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


def test_processes_write_at_once(store: ObjectStore) -> None:
    """Processes that store the same content at the same time agree on one object."""
    code = (
        "import sys; from pathlib import Path; from ropewalk.pipeline import ObjectStore\n"
        "print(ObjectStore(Path(sys.argv[1])).put_bytes(b'x' * 5_000_000).digest)"
    )
    command = [sys.executable, "-c", code, str(store.folder)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    digests = {process.communicate()[0].strip() for process in processes}

    assert digests == {blake3(b"x" * 5_000_000).hexdigest()}
    assert len(files(store)) == 1


def test_lost_object(store: ObjectStore) -> None:
    """An object that somebody deleted is missing, and storing it again brings it back."""
    stored = store.put_bytes(b"x")
    shutil.rmtree(store.path(stored.digest).parent)

    assert not store.has(stored.digest)
    assert store.put_bytes(b"x") == stored
    assert store.has(stored.digest)
