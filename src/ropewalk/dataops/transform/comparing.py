"""Rows that came out beside those that were expected, whatever their order: which are missing, too many, or differ."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Values = Mapping[str, object]
# Sums of floating-point numbers depend on the order of their parts.
DIGITS = 12
MOST_LINES = 20


@dataclass(frozen=True)
class RowDifference:
    """One row that is not as expected.

    Attributes:
        kind: `differs` where a row came out that is most like it, `missing` where none is, `unexpected` where one
            came out that nothing expects.
        row: the cells that are right, or all of them.
        cells: of a row that differs, what was expected and what came out in each of the other columns.
    """

    kind: Literal["differs", "missing", "unexpected"]
    row: Values
    cells: Mapping[str, tuple[object, object]]

    def __str__(self) -> str:
        """The difference on one line: the cells that are right, and after them the others."""
        right = "  ".join(f"{name} = {show(value)}" for name, value in self.row.items())
        wrong = "  ".join(
            f"{name}: expected {show(expected)}, got {show(got)}"
            for name, (expected, got) in self.cells.items()
        )
        return f"{self.kind:<10}  {'   '.join(part for part in (right, wrong) if part)}"


def compare_rows(expected: Sequence[Values], actual: Sequence[Values]) -> list[RowDifference]:
    """Return what is different between two sets of rows with the same columns; nothing when they are equal."""
    left = list(actual)
    missing: list[Values] = []
    for row in expected:
        found = next((i for i, other in enumerate(left) if _same_row(row, other)), None)
        if found is None:
            missing.append(row)
        else:
            del left[found]
    return [*_pair(missing, left), *(RowDifference("unexpected", row, {}) for row in left)]


def _pair(missing: Sequence[Values], left: list[Values]) -> list[RowDifference]:
    """Return the differences of rows that are missing, and take from `left` those that are most like them."""
    found = []
    for row in missing:
        likeness = [sum(_same(row[name], other[name]) for name in row) for other in left]
        best = max(range(len(left)), key=likeness.__getitem__, default=None)
        # A row that shares nothing with it is another row.
        if best is None or likeness[best] == 0:
            found.append(RowDifference("missing", row, {}))
            continue
        other = left.pop(best)
        right = {name: value for name, value in row.items() if _same(value, other[name])}
        wrong = {name: (row[name], other[name]) for name in row if name not in right}
        found.append(RowDifference("differs", right, wrong))
    return found


def show(value: object) -> str:
    """Return a value as people tell it apart from others: a text in quotes, nothing as null."""
    if value is None:
        return "null"
    return repr(value) if isinstance(value, str) else str(value)


def _same_row(row: Values, other: Values) -> bool:
    return all(_same(value, other[name]) for name, value in row.items())


def _same(value: object, other: object) -> bool:
    if isinstance(value, float) and isinstance(other, float):
        both_none = math.isnan(value) and math.isnan(other)
        return both_none or math.isclose(value, other, rel_tol=10.0**-DIGITS)
    return type(value) is type(other) and value == other
