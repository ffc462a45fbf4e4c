"""Packed metric points: one blob per batch, with a directory of keys so that one key is read by a slice.

Layout, little-endian: number of keys (u32); per key its number (u32) and its count of points (u32); then all
points, key by key, each as step (i64), time in milliseconds (i64) and value (f64, NaN and infinities as they are).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

Point: TypeAlias = tuple[int, int, float]  # step, time, value

# 24 bytes a point before compression: fixed places beat smaller ones while segments are short.
_COUNT = struct.Struct("<I")
_ENTRY = struct.Struct("<II")
_POINT = struct.Struct("<qqd")


def pack(points: Mapping[int, Iterable[Point]]) -> bytes:
    """Return the points of each key number as one blob; equal points in any order give equal blobs."""
    directory, body = [_COUNT.pack(len(points))], bytearray()
    # Sorted throughout, so that the blob depends on the points only: its digest tells a repeated batch.
    for key in sorted(points):
        # Packed before sorting, because NaN has no place in an order of numbers.
        packed = sorted({_POINT.pack(*point) for point in points[key]})
        directory.append(_ENTRY.pack(key, len(packed)))
        body += b"".join(packed)
    return b"".join(directory) + bytes(body)


def unpack_key(blob: bytes, key: int) -> Iterator[Point]:
    """Yield the points of one key."""
    # Only the directory is read of a blob that lacks the key, and only its own slice of one that has it.
    (keys,) = _COUNT.unpack_from(blob)
    start = _COUNT.size + keys * _ENTRY.size
    directory = memoryview(blob)[_COUNT.size : start]
    for number, count in _ENTRY.iter_unpack(directory):
        end = start + count * _POINT.size
        if number == key:
            yield from _POINT.iter_unpack(memoryview(blob)[start:end])
            return
        start = end
