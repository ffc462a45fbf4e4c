"""The series of one run between its source and here: what was fetched is read back."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ropewalk.mlops.migration.checks import points_digest
from ropewalk.mlops.migration.records import Point, RunRecord, Source
from ropewalk.mlops.migration.series import Series

POINTS = st.lists(st.tuples(st.integers(-9, 9), st.integers(0, 9), st.floats(allow_nan=False)), max_size=6)


@dataclass(frozen=True)
class Told:
    """A source of which only the points are asked for."""

    series: Mapping[str, list[Point]]

    def points(self, _run: RunRecord, key: str) -> Iterable[Point]:
        """Yield the points of one series."""
        yield from self.series[key]


def _run(keys: Iterable[str]) -> RunRecord:
    return RunRecord("r", "1", "one", "me", "FINISHED", "active", 1, 2, metrics=tuple(keys))


@settings(max_examples=25)
@given(told=st.dictionaries(st.text(max_size=3), POINTS, max_size=4))
def test_round_trip(told: dict[str, list[Point]]) -> None:
    """Each series comes back as it came, in any order of asking, with its digest and count."""
    with Series() as series:
        digests = series.fetch(cast("Source", Told(told)), _run(told))

        for key in reversed(list(told)):
            assert list(series.read(key)) == told[key]
            assert (series.count(key), digests[key]) == points_digest(told[key])


def test_more_points_than_are_read_at_once() -> None:
    """Pieces join where they meet."""
    points = [(step, 0, float(step)) for step in range(20_001)]
    with Series() as series:
        series.fetch(cast("Source", Told({"a": points, "b": [(1, 2, 3.0)]})), _run(["a", "b"]))

        assert list(series.read("a")) == points
        assert list(series.read("b")) == [(1, 2, 3.0)]


def test_points_that_came_twice() -> None:
    """They are read as often as they came, and counted once; so is NaN."""
    points = [(1, 2, math.nan), (1, 2, math.nan), (3, 4, 5.0)]
    with Series() as series:
        series.fetch(cast("Source", Told({"a": points})), _run(["a"]))

        assert len(list(series.read("a"))) == 3
        assert series.count("a") == 2


def test_a_series_that_was_never_fetched() -> None:
    """There is none of that name."""
    with Series() as series, pytest.raises(KeyError):
        list(series.read("a"))
