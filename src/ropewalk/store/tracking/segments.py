"""Packed metric points: loose segments of a batch with a directory of keys, and bare series in order.

A segment, little-endian: number of keys (u32); per key its number (u32) and its count of points (u32); then all
points, key by key, each as step (i64), time in milliseconds (i64) and value (f64, NaN and infinities as they are). A
series is points only, in the order of `rank`.
"""

from __future__ import annotations

import math
import struct
import sys
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import TypeAlias

Point: TypeAlias = tuple[int, int, float]  # step, time, value

# 24 bytes a point before compression: fixed places beat smaller ones while segments are short.
_COUNT = struct.Struct("<I")
_ENTRY = struct.Struct("<II")
_POINT = struct.Struct("<qqd")
WIDTH = _POINT.size


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
    """Yield the points of one key of a segment."""
    for number, series in unpack_keys(blob):
        if number == key:
            yield from _POINT.iter_unpack(series)
            return


def unpack_keys(blob: bytes) -> Iterator[tuple[int, memoryview]]:
    """Yield each key number of a segment with its packed points, which are in no order."""
    # Nothing is copied or read but the directory, so that one key is read by a slice.
    (keys,) = _COUNT.unpack_from(blob)
    start = _COUNT.size + keys * _ENTRY.size
    content = memoryview(blob)
    for number, count in _ENTRY.iter_unpack(content[_COUNT.size : start]):
        end = start + count * WIDTH
        yield number, content[start:end]
        start = end


def rank(point: Point) -> tuple[int, int, bool, float]:
    """Return what points are ordered by: step, time, then value, where NaN is below every number."""
    step, time, value = point
    is_number = value == value  # noqa: PLR0124  # only NaN differs from itself
    return step, time, is_number, value if is_number else 0.0


def ordered(series: Iterable[bytes | memoryview]) -> list[Point]:
    """Return the points of packed series in order, each once."""
    points = list(chain.from_iterable(map(_POINT.iter_unpack, series)))
    if any(point[2] != point[2] for point in points):  # is there any NaN
        # NaN does not equal itself, but one NaN is one object: so a retried point counts once here too.
        unique = {point if point[2] == point[2] else (point[0], point[1], math.nan) for point in points}
        return sorted(unique, key=rank)
    # Batches mostly come in order, which makes both of these passes over what is sorted already.
    points.sort()
    return list(dict.fromkeys(points))


def pack_series(points: Iterable[Point]) -> bytes:
    """Return points that are in order as one blob without a directory."""
    return b"".join([_POINT.pack(*point) for point in points])


def unpack_series(content: bytes | memoryview) -> list[Point]:
    """Return the points of a blob without a directory."""
    return list(_POINT.iter_unpack(content))


def point_at(content: bytes | memoryview, place: int) -> Point:
    """Return one point of a blob without a directory, counted from its end where `place` is negative."""
    return _POINT.unpack_from(content, place * WIDTH if place >= 0 else len(content) + place * WIDTH)


def outline(content: bytes | memoryview, parts: int = 1) -> list[Point]:
    """Return the first, lowest, highest and last point of a blob without a directory, in order, each once.

    Of so many `parts` of equal length the lowest and highest are there. The points between are never unpacked.
    """
    values = array("d", bytes(content))
    if sys.byteorder == "big":
        values.byteswap()
    # Every third number is a value; the others were never floats, and are not looked at.
    values = values[2::3]
    places = {0, len(values) - 1}
    for part in range(parts):
        start, end = part * len(values) // parts, (part + 1) * len(values) // parts
        places |= {start + place for place in _extremes(values[start:end])}
    return [point_at(content, place) for place in sorted(places)]


def _extremes(values: array[float]) -> set[int]:
    """Return the places of the lowest and of the highest number."""
    # A single NaN spoils any comparison, and the sum shows it without a look at each.
    total = sum(values)
    numbers = values if total == total else array("d", (v for v in values if v == v))  # noqa: PLR0124
    return {values.index(min(numbers)), values.index(max(numbers))} if numbers else set()


def between(content: bytes, first_step: int, last_step: int) -> bytes:
    """Return the part of a blob without a directory that is of these steps, both included."""
    places = range(len(content) // WIDTH)
    start = bisect_left(places, first_step, key=lambda place: point_at(content, place)[0])
    end = bisect_right(places, last_step, lo=start, key=lambda place: point_at(content, place)[0])
    return content[start * WIDTH : end * WIDTH]
