"""Whether a table has about as many rows as its last builds had: an outlier rule that can be explained."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from ropewalk.dataops.contracts.values import Check

# Fewer say nothing of what is usual.
LEAST_BUILDS = 3
# What makes the middle deviation of normal noise its standard deviation.
NORMAL = 1.4826
# Tables that never changed have no spread; a twentieth of the middle is then what may come as usual.
LEAST_SPREAD = 0.05


@dataclass(frozen=True)
class Usual:
    """What the last builds make one expect: the middle of their rows, and from how many to how many are usual."""

    builds: int
    middle: float
    low: float
    high: float


def usual_rows(past: Sequence[int], tolerance: float) -> Usual | None:
    """Return what is usual after builds with `past` rows; None after too few.

    The middle is the median, so that one broken build does not move it. The spread is the median distance from it,
    scaled to a standard deviation, and at least a part of the middle; `tolerance` of these are usual.
    """
    if len(past) < LEAST_BUILDS:
        return None
    middle = float(statistics.median(past))
    deviation = NORMAL * float(statistics.median([abs(rows - middle) for rows in past]))
    room = tolerance * max(deviation, LEAST_SPREAD * middle, 1.0)
    return Usual(len(past), middle, max(0.0, middle - room), middle + room)


def judge_volume(check: Check, rows: int, past: Sequence[int]) -> tuple[bool, str]:
    """Return whether `rows` are usual after builds with `past` rows, and why."""
    builds, tolerance = int(check.values[0]), float(check.values[1])
    usual = usual_rows(past[:builds], tolerance)
    if usual is None:
        return (
            True,
            f"{rows:,} rows; too few builds yet ({len(past)} of {LEAST_BUILDS}) to tell what is usual",
        )
    is_usual = usual.low <= rows <= usual.high
    return is_usual, (
        f"{rows:,} rows; the last {usual.builds} builds had a median of {usual.middle:,.15g}, and {usual.low:,.0f} to "
        f"{usual.high:,.0f} are usual (tolerance {tolerance:g})"
    )
