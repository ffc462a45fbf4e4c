"""A metric's history, thinned out to what a chart can show; how that was done is told with it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ropewalk.errors import nearest
from ropewalk.mlops.tracking.errors import InvalidFilter
from ropewalk.mlops.tracking.runs import get_run
from ropewalk.pipeline import Workspace
from ropewalk.store.tracking import series as store
from ropewalk.store.tracking.segments import Point

Method = Literal["min-max", "lttb"]
FIRST, LAST = -(2**63), 2**63 - 1
METHODS: tuple[Method, ...] = ("min-max", "lttb")


@dataclass(frozen=True)
class Series:
    """Points of one metric of one run, by step.

    Attributes:
        key: the metric.
        total: how many points there are in the range that was asked for.
        method: how they were thinned out; `all` when every one is here.
        points: (step, time in UTC ms, value); NaN and infinities are values too.
    """

    key: str
    total: int
    method: str
    points: tuple[Point, ...]

    @property
    def said(self) -> str:
        """How much of the series is here, in words."""
        if self.method == "all":
            return f"all {self.total:,} points" if self.total != 1 else "1 point"
        return f"{len(self.points):,} of {self.total:,} points ({self.method})"


def read_series(  # what, of what, and which part of it
    workspace: Workspace,
    run_id: str,
    key: str,
    *,
    most: int = 1000,
    method: str = "min-max",
    steps: tuple[int | None, int | None] = (None, None),
) -> Series:
    """Return the points of a metric between two steps, thinned out to at most `most`.

    Raises:
        UnknownRun: there is no such run.
        InvalidFilter: there is no such method.
    """
    if method not in METHODS:
        raise InvalidFilter(
            f"there is no method {method[:40]!r} to thin out a series",
            nearest=nearest(method, METHODS),
            hint=f"the methods are {', '.join(METHODS)}",
        )
    first, last = (FIRST if steps[0] is None else steps[0]), (LAST if steps[1] is None else steps[1])
    run = get_run(workspace, run_id)
    with workspace.database.read() as connection:
        series = store.find_series(connection, run.number, key)
        if series is None:
            return Series(key, 0, "all", ())
        found = store.thinned(connection, series, most, first, last)
        if found.total <= most or method != "lttb":
            is_whole = len(found.points) == found.total
            return Series(key, found.total, "all" if is_whole else "min-max", tuple(found.points))
        points = store.points_between(connection, series, first, last)
    return Series(key, len(points), "lttb", tuple(lttb(points, most)))


def lttb(points: Sequence[Point], most: int) -> list[Point]:
    """Return `most` points that keep the look of the line: of each stretch the one that spans the largest triangle.

    Steinarsson, "Downsampling Time Series for Visual Representation" (2013). Points that are not numbers cannot span
    a triangle and are left out.
    """
    finite = [point for point in points if math.isfinite(point[2])]
    if len(finite) <= max(most, 2):
        return finite
    most = max(most, 3)
    every = (len(finite) - 2) / (most - 2)
    kept = [finite[0]]
    for bucket in range(most - 2):
        start, middle = int(bucket * every) + 1, int((bucket + 1) * every) + 1
        ahead = finite[middle : min(int((bucket + 2) * every) + 1, len(finite))] or finite[-1:]
        mean_step = sum(point[0] for point in ahead) / len(ahead)
        mean_value = sum(point[2] for point in ahead) / len(ahead)
        kept.append(_widest(finite[start:middle], kept[-1], (mean_step, mean_value)))
    return [*kept, finite[-1]]


def _widest(part: Sequence[Point], left: Point, right: tuple[float, float]) -> Point:
    step, value = left[0], left[2]
    return max(
        part,
        key=lambda point: abs(
            (step - right[0]) * (point[2] - value) - (step - point[0]) * (right[1] - value)
        ),
    )
