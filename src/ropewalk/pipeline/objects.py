"""The content-addressed object store: bytes named by their blake3 digest, written once, never changed.

An object appears by one rename of a fully written file, so a crash leaves either nothing or the whole object;
what a killed writer left in `incoming/` is swept a day later.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import tempfile
import time
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

from blake3 import blake3

from ropewalk.errors import NotFound

BLOCK = 1 << 20
ABANDONED_S = 24 * 3600
_DIGEST = re.compile(r"[0-9a-f]{64}")


class ObjectMissing(NotFound):
    """An object that the metadata names is not in the store."""

    code = "RW202"


@dataclass(frozen=True)
class StoredObject:
    """An object's digest (64 hex digits of blake3) and its size in bytes."""

    digest: str
    size: int


class ObjectStore:
    """A folder of objects, `ab/cdef…` for the digest `abcdef…`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._incoming = folder / "incoming"
        self._incoming.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._sweep()

    def put_bytes(self, content: bytes) -> StoredObject:
        """Store `content` and return its name."""
        return self.put_blocks([content])

    def put_file(self, path: Path) -> StoredObject:
        """Store a copy of the file at `path` and return its name."""
        with path.open("rb") as stream:
            return self.put_blocks(iter(lambda: stream.read(BLOCK), b""))

    def put_blocks(self, blocks: Iterable[bytes]) -> StoredObject:
        """Store the concatenation of `blocks` and return its name."""
        with _Writer(self._incoming) as writer:
            for block in blocks:
                writer.write(block)
            return self._keep(writer)

    async def put_stream(self, blocks: AsyncIterable[bytes]) -> StoredObject:
        """Store what arrives from `blocks` and return its name; nothing is kept when the stream breaks."""
        # All that touches the disk runs in threads: one slow write or sync would hold up every other client.
        writer = await asyncio.to_thread(_Writer, self._incoming)
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
        if not self.has(digest):
            raise ObjectMissing(
                f"object {digest} is not in the store", hint="run the step that made it again"
            )
        return self._place(digest)

    def has(self, digest: str) -> bool:
        """Return whether the object is in the store."""
        # A digest may come from outside; one that is none could name a file elsewhere.
        return _DIGEST.fullmatch(digest) is not None and self._place(digest).is_file()

    def link(self, digest: str, target: Path) -> None:
        """Make the object appear at `target`, in place of what is there: a hard link where that works, else a copy.

        Raises:
            ObjectMissing: it is not in the store.
        """
        source = self.path(digest)
        target.parent.mkdir(parents=True, exist_ok=True)
        # Never through `target` itself: it may be a link to another object, which writing to it would change.
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".link-") as folder:
            beside = Path(folder) / "object"
            try:
                beside.hardlink_to(source)
            except OSError:
                shutil.copyfile(source, beside)
                beside.chmod(0o444)
            beside.replace(target)

    def _sweep(self) -> None:
        oldest = time.time() - ABANDONED_S
        for path in self._incoming.iterdir():
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < oldest:
                    path.unlink()

    def _place(self, digest: str) -> Path:
        return self.folder / digest[:2] / digest[2:]

    def _keep(self, writer: _Writer) -> StoredObject:
        stored = StoredObject(writer.hash.hexdigest(), writer.size)
        place = self._place(stored.digest)
        # Equal bytes have one name, so an object that is there already needs no second writing.
        if not place.is_file():
            place.parent.mkdir(exist_ok=True)
            writer.finish(place)
        return stored


async def _gathered(blocks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """Yield the bytes of `blocks` in pieces of about `BLOCK`: a thread's turn costs more than writing a few."""
    piece = bytearray()
    async for block in blocks:
        piece += block
        if len(piece) >= BLOCK:
            yield bytes(piece)
            piece.clear()
    yield bytes(piece)


class _Writer:
    """A file being written under a temporary name; gone at the end unless it was finished."""

    def __init__(self, folder: Path) -> None:
        descriptor, name = tempfile.mkstemp(dir=folder)
        self.path = Path(name)
        self.stream: BinaryIO = os.fdopen(descriptor, "wb")
        self.hash = blake3()
        self.size = 0

    def write(self, block: bytes) -> None:
        self.stream.write(block)
        self.hash.update(block)
        self.size += len(block)

    def finish(self, place: Path) -> None:
        self.stream.flush()
        # Without this a power cut could leave the name without the bytes.
        os.fsync(self.stream.fileno())
        # Read-only, because workspaces hold hard links to it: writing through one would change all.
        self.path.chmod(0o444)
        self.path.replace(place)

    def close(self) -> None:
        self.stream.close()
        self.path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
