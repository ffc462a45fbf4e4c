"""The content-addressed object store: bytes named by their blake3 digest, written once, never changed.

An object appears by one rename of a fully written file, so a crash leaves either nothing or the whole object;
what a killed writer left in `incoming/` is swept a day later.
"""

from __future__ import annotations

import fcntl
import os
import re
import stat
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ropewalk.pipeline.object_errors import ObjectDamaged, ObjectMissing, said_clearly
from ropewalk.pipeline.object_links import Linker, shows
from ropewalk.pipeline.object_writer import ObjectWriter, settle
from ropewalk.pipeline.stat_cache import hash_descriptor

BLOCK = 1 << 20
ABANDONED_S = 24 * 3600
# What was stored this short a time ago is never removed, so it need not be marked as wanted again.
FRESH_S = 30
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class StoredObject:
    """An object's digest (64 hex digits of blake3) and its size in bytes."""

    digest: str
    size: int


@dataclass(frozen=True)
class Verification:
    """What `ObjectStore.verify` found: how much was read, and the objects that were not what their names say."""

    objects: int
    size: int
    damaged: tuple[str, ...]


class ObjectStore:
    """A folder of objects, `ab/cdef…` for the digest `abcdef…`.

    Whatever adds an object raises `StoreFull` when there is no room and `StoreReadOnly` when the folder cannot be
    written; nothing half-written stays.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._incoming = folder / "incoming"
        self._linker = Linker()
        # Asked for an object that is not here; it brings it in from elsewhere and returns whether it could.
        self.fetch: Callable[[str], bool] | None = None
        # A store that cannot be written can still be read.
        with suppress(OSError):
            self._incoming.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._sweep()

    def put_bytes(self, content: bytes) -> StoredObject:
        """Store `content` and return its name."""
        return self.put_blocks([content])

    def put_file(self, path: Path, *, move: bool = False) -> StoredObject:
        """Store the file at `path` and return its name.

        Args:
            path: the file.
            move: whether the file itself becomes the object, where that is possible; it is gone from `path` then.
                Nobody may have it open for writing.

        Raises:
            OSError: it cannot be read.
        """
        if move and (stored := self._take(path)):
            return stored
        with path.open("rb") as stream:
            stored = self.put_blocks(iter(lambda: stream.read(BLOCK), b""))
        if move:
            path.unlink()
        return stored

    def put_blocks(self, blocks: Iterable[bytes]) -> StoredObject:
        """Store the concatenation of `blocks` and return its name."""
        with ObjectWriter(self._incoming) as writer:
            for block in blocks:
                writer.write(block)
            return self._keep(writer)

    def put_expected(self, blocks: Iterable[bytes], digest: str) -> StoredObject:
        """Store the concatenation of `blocks` if it is what `digest` says.

        Raises:
            ObjectDamaged: it is not; nothing is kept.
        """
        with ObjectWriter(self._incoming) as writer:
            for block in blocks:
                writer.write(block)
            if writer.hash.hexdigest() != digest:
                raise ObjectDamaged(
                    f"{writer.size} bytes came as object {digest}, and are not it",
                    hint="fetch or make it again",
                )
            return self._keep(writer)

    async def put_stream(self, blocks: AsyncIterable[bytes]) -> StoredObject:
        """Store what arrives from `blocks` and return its name; nothing is kept when the stream breaks."""
        # Only servers take streams, and no command line should wait for their machinery.
        import asyncio

        # All that touches the disk runs in threads: one slow write or sync would hold up every other client.
        writer = await asyncio.to_thread(ObjectWriter, self._incoming)
        try:
            async for piece in _gathered(blocks):
                await asyncio.to_thread(writer.write, piece)
            return await asyncio.to_thread(self._keep, writer)
        finally:
            await asyncio.to_thread(writer.close)

    def path(self, digest: str) -> Path:
        """Return where the object is.

        Raises:
            ObjectMissing: it is not in the store.
        """
        if not self.has(digest) and not self._is_fetched(digest):
            raise ObjectMissing(
                f"object {digest} is not in the store", hint="run the step that made it again"
            )
        return self._place(digest)

    def _is_fetched(self, digest: str) -> bool:
        return self.fetch is not None and _DIGEST.fullmatch(digest) is not None and self.fetch(digest)

    def has(self, digest: str) -> bool:
        """Return whether the object is in the store."""
        # A digest may come from outside; one that is none could name a file elsewhere.
        return _DIGEST.fullmatch(digest) is not None and self._place(digest).is_file()

    def link(self, digest: str, target: Path) -> None:
        """Make the object appear at `target`, read-only, in place of what is there.

        Raises:
            ObjectMissing: it is not in the store.
            StoreFull: it had to be copied, and there is no room.
            StoreReadOnly: the target's folder cannot be written.
        """
        source = self.path(digest)
        if not shows(target, source):
            self._linker.place(source, target)

    def objects(self) -> Iterator[tuple[StoredObject, float]]:
        """Yield every object with the time (UTC seconds) at which it was stored last."""
        for folder in sorted(self.folder.glob("[0-9a-f][0-9a-f]")):
            for path in sorted(folder.iterdir()):
                digest = folder.name + path.name
                with suppress(FileNotFoundError):
                    found = path.stat()
                    if _DIGEST.fullmatch(digest):
                        yield StoredObject(digest, found.st_size), found.st_mtime

    def verify(self) -> Verification:
        """Read every object, and remove those that are not what their names say, to be made or fetched again."""
        count = size = 0
        damaged: list[str] = []
        for stored, _ in self.objects():
            count, size = count + 1, size + stored.size
            if not self._is_whole(stored.digest):
                damaged.append(stored.digest)
        return Verification(count, size, tuple(damaged))

    def require_whole(self, digest: str) -> None:
        """Read one object; when it is not what its name says, remove it.

        Raises:
            ObjectMissing: it is not in the store.
            ObjectDamaged: it was not what its name says, and is gone now.
        """
        self.path(digest)
        if not self._is_whole(digest):
            raise ObjectDamaged(
                f"object {digest} was damaged, and has been removed", hint="run the step that made it again"
            )

    def renew(self, digest: str) -> bool:
        """Return whether the object is in the store, and let it count as stored just now.

        Whoever is about to name an object in the database asks this: nobody removes it as unused meanwhile.
        """
        return _DIGEST.fullmatch(digest) is not None and self._is_kept(digest)

    def remove(self, digest: str, before_s: float) -> bool:
        """Remove the object if it was last stored before `before_s` (UTC seconds), and return whether it was.

        Raises:
            StoreReadOnly: the store cannot be written.
        """
        place = self._place(digest)
        with self._locked(fcntl.LOCK_EX), suppress(FileNotFoundError), said_clearly(self.folder):
            if place.stat().st_mtime < before_s:
                place.unlink()
                return True
        return False

    def _is_whole(self, digest: str) -> bool:
        place = self._place(digest)
        try:
            descriptor = os.open(place, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            # Removed by somebody else meanwhile, which does no harm.
            return True
        try:
            is_whole = hash_descriptor(descriptor) == digest
        except OSError:
            # A sector that cannot be read is damage too.
            is_whole = False
        finally:
            os.close(descriptor)
        if not is_whole:
            with said_clearly(self.folder):
                place.unlink(missing_ok=True)
        return is_whole

    def _take(self, path: Path) -> StoredObject | None:
        """Store the very file at `path`; None when only a copy will do."""
        found = path.lstat()
        # A link would move instead of its file, and a file with a second name can be written through that.
        if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1 or found.st_dev != self.folder.stat().st_dev:
            return None
        with path.open("rb") as stream:
            stored = StoredObject(hash_descriptor(stream.fileno()), found.st_size)
            with said_clearly(self.folder):
                if self._is_kept(stored.digest):
                    path.unlink()
                else:
                    settle(stream.fileno(), path, self._place(stored.digest))
        return stored

    def _sweep(self) -> None:
        oldest = time.time() - ABANDONED_S
        for path in self._incoming.iterdir():
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < oldest:
                    path.unlink()

    def _place(self, digest: str) -> Path:
        return self.folder / digest[:2] / digest[2:]

    def _keep(self, writer: ObjectWriter) -> StoredObject:
        stored = StoredObject(writer.hash.hexdigest(), writer.size)
        # Equal bytes have one name, so an object that is there already needs no second writing.
        if not self._is_kept(stored.digest):
            writer.finish(self._place(stored.digest))
        return stored

    def _is_kept(self, digest: str) -> bool:
        """Return whether the object is there, and make it count as stored just now."""
        place = self._place(digest)
        if not place.is_file():
            return False
        # Not while an unused object is being removed: whoever stores it again must find it there afterwards.
        with self._locked(fcntl.LOCK_SH):
            try:
                if place.stat().st_mtime < time.time() - FRESH_S:
                    os.utime(place)
            except FileNotFoundError:
                return False
        return True

    @contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        descriptor = os.open(self.folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, how)
            yield
        finally:
            os.close(descriptor)


async def _gathered(blocks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """Yield the bytes of `blocks` in pieces of about `BLOCK`: a thread's turn costs more than writing a few."""
    piece = bytearray()
    async for block in blocks:
        piece += block
        if len(piece) >= BLOCK:
            yield bytes(piece)
            piece.clear()
    yield bytes(piece)
