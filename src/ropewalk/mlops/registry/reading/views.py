"""Bytes to be read, and what they unpack to: in memory while they are few, mapped from a file when they are many."""

from __future__ import annotations

import bz2
import gzip
import lzma
import mmap
import tempfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, cast

from ropewalk.mlops.registry.reading.machine import Unfollowable

# What a model may unpack to in all, and how deep one archive may lie in another.
MOST_BYTES = 4 << 30
DEEPEST = 5
_BLOCK = 1 << 20
_IN_MEMORY = 8 << 20
_MAGIC = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bz2",
    b"\xfd7zXZ\x00": "xz",
    b"\x5d\x00\x00": "lzma",
    b"\x28\xb5\x2f\xfd": "zstd",
}


@dataclass
class Allowance:
    """How many bytes may still be unpacked."""

    left: int = MOST_BYTES

    def take(self, count: int) -> None:
        """Count bytes.

        Raises:
            Unfollowable: they are too many.
        """
        self.left -= count
        if self.left < 0:
            raise Unfollowable("it unpacks to too much")


def map_file(path: Path) -> BinaryIO:
    """Return the content of a file: nothing is read of it before it is asked for."""
    with path.open("rb") as file:
        if path.stat().st_size < _IN_MEMORY:
            return BytesIO(file.read())
        # A map answers a request for a terabyte with what there is, where a file would first make room for it.
        return cast("BinaryIO", mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def keep_blocks(blocks: Iterable[bytes], allowance: Allowance) -> BinaryIO:
    """Return what the blocks hold, as long as there is an allowance for it.

    Raises:
        Unfollowable: they are too many bytes.
    """
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as kept:
        for block in blocks:
            allowance.take(len(block))
            kept.write(block)
        size = kept.tell()
        kept.seek(0)
        if size < _IN_MEMORY:
            return BytesIO(kept.read())
        return cast("BinaryIO", mmap.mmap(kept.fileno(), 0, access=mmap.ACCESS_READ))


def compression_of(head: bytes) -> str | None:
    """Return how content that begins so is compressed, or None."""
    for magic, name in _MAGIC.items():
        if head.startswith(magic):
            return name
    # RFC 1950: the method, and a check over the first two bytes. Text begins so too, and then does not unpack.
    if len(head) > 1 and head[0] == 0x78 and (head[0] * 256 + head[1]) % 31 == 0:
        return "zlib"
    return None


def unpack(content: BinaryIO, how: str, allowance: Allowance) -> BinaryIO:
    """Return what compressed content unpacks to.

    Raises:
        Unfollowable: it does not, or not in bounds, or not with what is installed.
    """
    try:
        return keep_blocks(_DECODERS[how](content), allowance)
    except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
        raise Unfollowable(f"its {how} is damaged: {str(error)[:200]}") from None


def blocks_of(stream: BinaryIO) -> Iterable[bytes]:
    """Yield what is left of a stream."""
    while block := stream.read(_BLOCK):
        yield block


def _lzma(content: BinaryIO) -> Iterable[bytes]:
    with lzma.LZMAFile(content) as unpacked:
        yield from blocks_of(cast("BinaryIO", unpacked))


def _zlib(content: BinaryIO) -> Iterable[bytes]:
    decoder = zlib.decompressobj()
    while block := content.read(_BLOCK):
        while block:
            yield decoder.decompress(block, _BLOCK)
            block = decoder.unconsumed_tail
    yield decoder.flush()


def _zstd(content: BinaryIO) -> Iterable[bytes]:
    try:
        import zstandard
    except ImportError:
        raise Unfollowable("it is compressed by zstd, which cannot be read here") from None
    try:
        yield from zstandard.ZstdDecompressor(max_window_size=1 << 27).read_to_iter(content)
    except zstandard.ZstdError as error:
        raise Unfollowable(f"its zstd is damaged: {str(error)[:200]}") from None


_DECODERS: dict[str, Callable[[BinaryIO], Iterable[bytes]]] = {
    "gzip": lambda content: blocks_of(cast("BinaryIO", gzip.GzipFile(fileobj=content))),
    "bz2": lambda content: blocks_of(cast("BinaryIO", bz2.BZ2File(content))),
    "xz": _lzma,
    "lzma": _lzma,
    "zlib": _zlib,
    "zstd": _zstd,
}
