"""Answers as charts: which columns become the axis, the heights and the lines of one."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from decimal import Decimal

from ropewalk.web.charts import LineChart, Series
from ropewalk.web.grid import Grid

# More lines than this no one can tell apart, and more places no one can read.
MOST_LINES, MOST_PLACES = 6, 120


def draw(
    grid: Grid, title: str, x: str, ys: Sequence[str], color: str | None = None, *, is_share: bool
) -> LineChart | None:
    """Return the chart of a grid: `ys` over `x`, one line for each of them or for each value of `color`.

    None where there is nothing to draw: a column is missing, or no value is a number.
    """
    names = [column.name for column in grid.columns]
    if x not in names or any(y not in names for y in ys) or (color and color not in names):
        return None
    places = list(dict.fromkeys(str(row[names.index(x)]) for row in grid.rows))[-MOST_PLACES:]
    if not places:
        return None
    found = _lines(grid, x, ys, color)
    series = tuple(Series(line, tuple(heights.get(place) for place in places)) for line, heights in found)
    return LineChart(title, tuple(places), series, is_share=is_share) if series else None


def _lines(grid: Grid, x: str, ys: Sequence[str], color: str | None) -> list[tuple[str, dict[str, float]]]:
    """Return the tallest lines, each with its height at the places where it has one."""
    names = [column.name for column in grid.columns]
    found: dict[str, dict[str, float]] = {}
    for row, y in itertools.product(grid.rows, ys):
        value = _number(row[names.index(y)])
        if value is not None:
            line = str(row[names.index(color)]) if color else y
            found.setdefault(line, {})[str(row[names.index(x)])] = value
    return sorted(found.items(), key=lambda item: -sum(map(abs, item[1].values())))[:MOST_LINES]


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        # Decimals and long whole numbers travel as text.
        found = float(value)
    except (ValueError, OverflowError):
        return None
    # What has no height is at no place, and no line is the tallest by it.
    return found if math.isfinite(found) else None
