"""The object store: whole or not at all, once, and never changed."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from ropewalk.errors import Failed
from ropewalk.pipeline import ObjectDamaged, ObjectMissing, ObjectStore, StoredObject, Verification


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return ObjectStore(tmp_path / "objects")


def files(store: ObjectStore) -> list[str]:
    return sorted(
        path.relative_to(store.folder).as_posix() for path in store.folder.rglob("*") if path.is_file()
    )


def damage(store: ObjectStore, stored: StoredObject, content: bytes) -> None:
    """Write to an object, as only somebody can who insists."""
    place = store.path(stored.digest)
    place.chmod(0o644)
    place.write_bytes(content)


def in_small_file_system(folder: Path, code: str) -> str:
    """Run `code` with a store in a file system of two megabytes, and return what it prints."""
    start = (
        "import os, subprocess, sys, time; from pathlib import Path\n"
        "from ropewalk.pipeline import ObjectStore, StoreFull, StoreReadOnly\n"
        "store = ObjectStore(Path('objects'))\n"
    )
    script = f'mount -t tmpfs -o size=2m none "{folder}" && cd "{folder}" && exec "$0" -c "$1"'
    command = ["unshare", "--mount", "sh", "-c", script, sys.executable, start + code]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "permission denied" in done.stderr.lower() or "not permitted" in done.stderr:
        pytest.skip("mounting is not allowed here")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


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


def test_what_is_stored_again_is_young(store: ObjectStore) -> None:
    """An old object that somebody stores again counts as new, so that nobody removes it as unused meanwhile."""
    stored = store.put_bytes(b"x")
    os.utime(store.path(stored.digest), (1, 1))

    store.put_bytes(b"x")

    assert not store.remove(stored.digest, time.time() - 60)
    assert store.has(stored.digest)


def test_remove(store: ObjectStore) -> None:
    """What is old enough is removed, once."""
    stored = store.put_bytes(b"12345")
    os.utime(store.path(stored.digest), (1, 1))

    assert store.remove(stored.digest, 2)
    assert not store.remove(stored.digest, 2)
    assert not store.has(stored.digest)


def test_renew(store: ObjectStore) -> None:
    """Whoever is about to name an object can make it young; what is not there, or no digest, cannot be."""
    stored = store.put_bytes(b"x")
    os.utime(store.path(stored.digest), (1, 1))

    assert store.renew(stored.digest)
    assert not store.remove(stored.digest, time.time() - 60)
    assert not store.renew("0" * 64)
    assert not store.renew("../x")


def test_removed_and_stored_at_once(store: ObjectStore) -> None:
    """Of two that store and remove one old object at the same time, the one that stores has it in the end."""
    for number in range(200):
        content = b"%d" % number
        digest = store.put_bytes(content).digest
        os.utime(store.path(digest), (1, 1))
        remover = threading.Thread(target=store.remove, args=(digest, time.time() - 60))
        remover.start()
        store.put_bytes(content)
        remover.join()

        assert store.has(digest)


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


def test_move(store: ObjectStore, tmp_path: Path) -> None:
    """A staged file becomes the object itself: no second copy is written."""
    staged = tmp_path / "staged"
    staged.write_bytes(b"content")
    inode = staged.stat().st_ino

    stored = store.put_file(staged, move=True)

    assert stored == StoredObject(blake3(b"content").hexdigest(), 7)
    assert store.path(stored.digest).stat().st_ino == inode
    assert store.path(stored.digest).stat().st_mode & 0o777 == 0o444
    assert not staged.exists()


def test_move_of_what_is_there(store: ObjectStore, tmp_path: Path) -> None:
    """A staged file whose content is stored already just goes."""
    stored = store.put_bytes(b"content")
    (tmp_path / "staged").write_bytes(b"content")

    assert store.put_file(tmp_path / "staged", move=True) == stored
    assert not (tmp_path / "staged").exists()


@pytest.mark.parametrize("way", ["hard link", "symbolic link"])
def test_move_of_a_link(store: ObjectStore, tmp_path: Path, way: str) -> None:
    """A file that can be written through another name is copied, so that nobody writes to the object."""
    (tmp_path / "other").write_bytes(b"content")
    if way == "hard link":
        (tmp_path / "staged").hardlink_to(tmp_path / "other")
    else:
        (tmp_path / "staged").symlink_to(tmp_path / "other")

    stored = store.put_file(tmp_path / "staged", move=True)

    (tmp_path / "other").write_bytes(b"changed")
    assert store.path(stored.digest).read_bytes() == b"content"
    assert not (tmp_path / "staged").exists()


def test_move_from_another_file_system(store: ObjectStore, other_disk: Path) -> None:
    """Where renaming is not possible the file is copied, and is gone as well."""
    staged = other_disk / "staged"
    staged.write_bytes(b"content")

    stored = store.put_file(staged, move=True)

    assert store.path(stored.digest).read_bytes() == b"content"
    assert not staged.exists()


def test_verify(store: ObjectStore) -> None:
    """Damaged objects are found and removed, so that they are made again; whole ones stay."""
    whole, short, flipped = (store.put_bytes(content) for content in (b"whole", b"short", b"flipped"))
    damage(store, short, b"sho")
    damage(store, flipped, b"flopped")

    found = store.verify()

    assert (found.objects, set(found.damaged)) == (3, {short.digest, flipped.digest})
    assert [store.has(stored.digest) for stored in (whole, short, flipped)] == [True, False, False]
    assert store.verify() == Verification(1, 5, ())


def test_a_damaged_object_is_said(store: ObjectStore) -> None:
    """Whoever asks for a whole object hears of the damage, and then that it is gone."""
    stored = store.put_bytes(b"content")
    store.require_whole(stored.digest)
    damage(store, stored, b"contEnt")

    with pytest.raises(ObjectDamaged, match="was damaged"):
        store.require_whole(stored.digest)
    with pytest.raises(ObjectMissing):
        store.require_whole(stored.digest)


def test_an_object_that_cannot_be_read(store: ObjectStore) -> None:
    """A sector that does not come back is damage as well."""
    stored = store.put_bytes(b"content")
    place = store.path(stored.digest)
    place.unlink()
    place.symlink_to("/proc/self/mem")

    assert store.verify().damaged == (stored.digest,)


def test_list_of_objects(store: ObjectStore) -> None:
    """All objects and nothing else, with size and time."""
    stored = {store.put_bytes(content) for content in (b"1", b"22")}
    (store.folder / "ab").mkdir(exist_ok=True)
    (store.folder / "ab" / "stray").touch()

    found = list(store.objects())

    assert {entry for entry, _ in found} == stored
    assert all(abs(time.time() - stored_at) < 60 for _, stored_at in found)


@pytest.mark.parametrize(
    ("number", "code"), [(errno.ENOSPC, "RW413"), (errno.EDQUOT, "RW413"), (errno.EROFS, "RW416")]
)
def test_a_store_that_cannot_take_more(
    store: ObjectStore, monkeypatch: pytest.MonkeyPatch, number: int, code: str
) -> None:
    """What the file system says is said clearly, with what to do, and nothing half-written stays."""

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(Failed) as caught:
        store.put_bytes(b"x")

    assert caught.value.code == code
    assert caught.value.hint
    assert files(store) == []


def test_a_full_disk(tmp_path: Path) -> None:
    """On a real file system without room the error is clear, what was there is whole, and the rest is gone."""
    done = in_small_file_system(
        tmp_path,
        "kept = store.put_bytes(b'k' * 100_000)\n"
        "try:\n    store.put_bytes(b'x' * 5_000_000)\n"
        "except StoreFull as error:\n    print(error.code, store.verify().objects, os.listdir(store.folder / 'incoming'))\n"
        "Path('big').write_bytes(b'y' * 1_500_000)\n"
        "try:\n    store.put_file(Path('big'))\n"
        "except StoreFull as error:\n    print(error.code, Path('big').stat().st_size)\n"
        "print(store.put_file(Path('big'), move=True).size)\n",
    )

    assert done.split("\n") == ["RW413 1 []", "RW413 1500000", "1500000"]


def test_a_read_only_disk(tmp_path: Path) -> None:
    """A store that cannot be written can be read, and says so when it is to be written."""
    done = in_small_file_system(
        tmp_path,
        "kept = store.put_bytes(b'kept')\n"
        "subprocess.run(['mount', '-o', 'remount,ro', '.'], check=True)\n"
        "store = ObjectStore(Path('objects'))\n"
        "print(store.path(kept.digest).read_text())\n"
        "for act in (lambda: store.put_bytes(b'x'), lambda: store.link(kept.digest, Path('out/file')),\n"
        "            lambda: store.remove(kept.digest, time.time() + 1)):\n"
        "    try:\n        act()\n"
        "    except StoreReadOnly as error:\n        print(error.code)\n",
    )

    assert done.split("\n") == ["kept", "RW416", "RW416", "RW416"]


def test_lost_object(store: ObjectStore) -> None:
    """An object that somebody deleted is missing, and storing it again brings it back."""
    stored = store.put_bytes(b"x")
    shutil.rmtree(store.path(stored.digest).parent)

    assert not store.has(stored.digest)
    assert store.put_bytes(b"x") == stored
    assert store.has(stored.digest)
