"""Compressed content: recognised by its first bytes, unpacked within bounds, refused with a sentence."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ropewalk.mlops.registry.reading.machine import Unfollowable
from ropewalk.mlops.registry.reading.views import (
    Allowance,
    blocks_of,
    compression_of,
    keep_blocks,
    map_file,
    unpack,
)

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "lzma": lambda content: lzma.compress(content, format=lzma.FORMAT_ALONE),
    "zlib": zlib.compress,
}


@pytest.mark.parametrize("how", PACKERS)
@settings(max_examples=10)
@given(content=st.binary(max_size=2000))
def test_round_trip(how: str, content: bytes) -> None:
    """What each compression makes is recognised, and becomes what it was."""
    packed = PACKERS[how](content)

    assert compression_of(packed[:8]) == how
    assert unpack(BytesIO(packed), how, Allowance()).read() == content


@pytest.mark.parametrize("how", PACKERS)
def test_more_than_allowed(how: str) -> None:
    """A few bytes that unpack to many are refused."""
    packed = PACKERS[how](bytes(100_000))

    with pytest.raises(Unfollowable, match="unpacks to too much"):
        unpack(BytesIO(packed), how, Allowance(99_999))


@pytest.mark.parametrize("how", PACKERS)
def test_as_much_as_is_allowed(how: str) -> None:
    """The last byte of the allowance may be used, and then nothing is left."""
    allowance = Allowance(1000)

    assert len(unpack(BytesIO(PACKERS[how](bytes(1000))), how, allowance).read()) == 1000
    assert allowance.left == 0


@pytest.mark.parametrize("how", ["gzip", "bz2", "xz", "lzma"])
def test_damaged(how: str) -> None:
    """A stream that breaks off names its compression."""
    packed = PACKERS[how](bytes(range(256)) * 20)

    with pytest.raises(Unfollowable, match=how):
        unpack(BytesIO(packed[: len(packed) // 2]), how, Allowance())


@pytest.mark.parametrize(
    "head", [b"", b"x", b"PK\x03\x04", b"text of it", b"\x80\x04", b"x\x00", b"\x1f\x8c"]
)
def test_what_is_not_compressed(head: bytes) -> None:
    """Pickles, archives and text are left as they are."""
    assert compression_of(head) is None


def test_one_allowance_for_all() -> None:
    """What several files unpack to counts together."""
    allowance = Allowance(10)
    keep_blocks([b"12345"], allowance)
    keep_blocks([b"12345"], allowance)

    with pytest.raises(Unfollowable):
        keep_blocks([b"1"], allowance)


def test_blocks(tmp_path: Path) -> None:
    """A file is read whole, by blocks, from wherever it was read to."""
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    content = map_file(path)
    content.seek(4)

    assert b"".join(blocks_of(content)) == b"456789"
    assert list(blocks_of(content)) == []
