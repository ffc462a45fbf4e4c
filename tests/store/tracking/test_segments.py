"""Packed points: what goes in comes out, whatever numbers it holds, and one key is found among many."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ropewalk.store.tracking.segments import (
    WIDTH,
    Point,
    between,
    ordered,
    outline,
    pack,
    pack_series,
    point_at,
    rank,
    unpack_key,
    unpack_keys,
    unpack_series,
)

LONG = st.integers(-(2**63), 2**63 - 1)
POINTS = st.lists(st.tuples(LONG, LONG, st.floats()), max_size=12)


def _bits(points: list[Point]) -> list[bytes]:
    return [struct.pack("<qqd", *point) for point in points]


@settings(max_examples=30)
@given(points=st.dictionaries(st.integers(0, 2**32 - 1), POINTS, max_size=4))
def test_a_segment_round_trip(points: dict[int, list[Point]]) -> None:
    """Every key has its points back, each once, bit for bit."""
    blob = pack(points)

    assert [key for key, _ in unpack_keys(blob)] == sorted(points)
    for key, series in points.items():
        assert set(_bits(list(unpack_key(blob, key)))) == set(_bits(series))


@settings(max_examples=20)
@given(points=POINTS, key=st.integers(0, 9))
def test_equal_points_are_equal_bytes(points: list[Point], key: int) -> None:
    """In whatever order they came, and however often: the digest of a batch tells that it came before."""
    assert pack({key: points}) == pack({key: [*reversed(points), *points]})


def test_a_key_that_is_not_there() -> None:
    """It has no points."""
    blob = pack({3: [(0, 0, 1.0)], 7: []})

    assert list(unpack_key(blob, 5)) == []
    assert list(unpack_key(blob, 7)) == []
    assert list(unpack_keys(pack({}))) == []


@settings(max_examples=30)
@given(points=POINTS)
def test_ordered(points: list[Point]) -> None:
    """By step, time and value, each once; NaN stands below every number."""
    found = ordered([pack_series(points)])

    assert found == sorted(found, key=rank) or any(math.isnan(value) for *_, value in found)
    assert [rank(point) for point in found] == sorted({rank(point) for point in points})


def test_a_retried_nan_counts_once() -> None:
    """Although it does not equal itself."""
    series = pack_series([(1, 2, math.nan), (1, 2, 0.5)])

    found = ordered([series, series])

    assert [value for *_, value in found][1:] == [0.5]
    assert len(found) == 2


@settings(max_examples=20)
@given(points=POINTS)
def test_a_series_round_trip(points: list[Point]) -> None:
    """A series is its points in their order, of one width each."""
    content = pack_series(points)

    assert len(content) == WIDTH * len(points)
    assert _bits(unpack_series(content)) == _bits(points)


def test_one_point_from_either_end() -> None:
    """Places count from the front, or from behind where they are negative."""
    content = pack_series([(step, 0, float(step)) for step in range(5)])

    assert [point_at(content, place)[0] for place in (0, 3, -1, -5)] == [0, 3, 4, 0]


@pytest.mark.parametrize(
    ("values", "parts", "steps"),
    [
        ([1.0], 1, [0]),
        ([3.0, 1.0, 2.0, 9.0, 5.0], 1, [0, 1, 3, 4]),
        ([3.0, math.nan, 2.0, 9.0, 5.0], 1, [0, 2, 3, 4]),
        ([math.nan, math.nan, math.nan], 1, [0, 2]),
        ([1.0, 5.0, 2.0, 7.0, 0.0, 6.0], 2, [0, 1, 3, 4, 5]),
        ([1.0, math.inf, 2.0, -math.inf, 3.0], 1, [0, 1, 3, 4]),
        ([1.0, 2.0], 5, [0, 1]),
    ],
)
def test_outline(values: list[float], parts: int, steps: list[int]) -> None:
    """First, lowest, highest and last of each part, in order; NaN is neither lowest nor highest."""
    content = pack_series([(step, 0, value) for step, value in enumerate(values)])

    assert [step for step, *_ in outline(content, parts)] == steps


@settings(max_examples=25)
@given(steps=st.lists(st.integers(-5, 5), max_size=12), first=st.integers(-6, 6), last=st.integers(-6, 6))
def test_between(steps: list[int], first: int, last: int) -> None:
    """What lies from one step to another, both included; nothing when they are the wrong way round."""
    content = pack_series([(step, 0, 0.0) for step in sorted(steps)])

    found = [step for step, *_ in unpack_series(between(content, first, last))]

    assert found == [step for step in sorted(steps) if first <= step <= last]
