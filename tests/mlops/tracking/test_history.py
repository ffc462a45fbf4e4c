"""Histories: thinned out without losing what stands out, and telling so."""

from __future__ import annotations

import math

import pytest

from ropewalk.mlops.tracking import Metric, create_run, read_series
from ropewalk.mlops.tracking.errors import InvalidFilter, UnknownRun
from ropewalk.mlops.tracking.history import lttb
from ropewalk.mlops.tracking.runs import Batch, log_batch
from ropewalk.pipeline import Workspace

COUNT = 900
PEAK = 431


@pytest.fixture(scope="module")
def run_id(workspace: Workspace) -> str:
    """Return a run with a long series that has one peak."""
    found = create_run(workspace, "e", "long", {}, {})
    points = [
        Metric("loss", 99.0 if step == PEAK else math.sin(step / 9), step, step) for step in range(COUNT)
    ]
    log_batch(workspace, found, Batch(points))
    log_batch(workspace, found, Batch([Metric("odd", math.nan, 0, 0), Metric("odd", math.inf, 1, 1)]))
    return found


@pytest.mark.parametrize("method", ["min-max", "lttb"])
def test_thinned(workspace: Workspace, run_id: str, method: str) -> None:
    """Of many points few come back, with both ends and the peak, and the answer says how that was done."""
    series = read_series(workspace, run_id, "loss", most=50, method=method)

    steps = [point[0] for point in series.points]
    assert (series.total, series.method) == (COUNT, method)
    assert len(steps) <= 50
    assert {0, PEAK, COUNT - 1} <= set(steps)
    assert steps == sorted(steps)
    assert series.said == f"{len(steps)} of 900 points ({method})"


def test_whole(workspace: Workspace, run_id: str) -> None:
    """A series that fits comes whole, values that are no numbers too."""
    odd = read_series(workspace, run_id, "odd")

    assert (odd.method, odd.total, odd.said) == ("all", 2, "all 2 points")
    assert math.isnan(odd.points[0][2])
    assert odd.points[1][2] == math.inf


def test_between_steps(workspace: Workspace, run_id: str) -> None:
    """Between two steps a series is exact where it fits."""
    series = read_series(workspace, run_id, "loss", most=50, steps=(PEAK - 1, PEAK + 1))

    assert [point[0] for point in series.points] == [PEAK - 1, PEAK, PEAK + 1]
    assert series.method == "all"


def test_nothing_logged(workspace: Workspace, run_id: str) -> None:
    """A metric that nobody logged has no points."""
    assert read_series(workspace, run_id, "nothing").points == ()


def test_unknown(workspace: Workspace, run_id: str) -> None:
    """A run or a method that there is none of is told."""
    with pytest.raises(UnknownRun):
        read_series(workspace, "nobody", "loss")
    with pytest.raises(InvalidFilter, match="no method 'ltbb'") as caught:
        read_series(workspace, run_id, "loss", method="ltbb")
    assert caught.value.nearest == "lttb"


@pytest.mark.parametrize("most", [1, 2, 3, 5, 99])
def test_lttb_returns_what_was_asked_for(most: int) -> None:
    """The largest triangles are as many as asked for, but for the two ends; what is no number is left out."""
    points = [(step, 0, math.nan if step == 50 else float(step % 7)) for step in range(100)]

    found = lttb(points, most)

    assert len(found) == max(most, 3) if most < 99 else len(found) == 99
    assert (found[0][0], found[-1][0]) == (0, 99)
    assert not any(math.isnan(point[2]) for point in found)
