"""Rows of a table or a query as a page and JSON show them: plain values only."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

Cell = bool | int | float | str | None
# Integers beyond this lose digits in a browser's JSON, so they travel as text.
EXACT = 2**53
NUMBERS = ("INT", "DOUBLE", "FLOAT", "DECIMAL", "REAL")
# A cell shows so many characters; its whole text is in the JSON and the CSV.
SHOWN = 120


@dataclass(frozen=True)
class GridColumn:
    """One column: its name and its type, as the engine writes it."""

    name: str
    type: str

    @property
    def is_number(self) -> bool:
        """Whether the column's values line up at their right."""
        # A list of numbers is shown as text.
        return any(word in self.type.upper() for word in NUMBERS) and not self.type.endswith("]")


@dataclass(frozen=True)
class Grid:
    """Columns, and rows of plain values in their order."""

    columns: tuple[GridColumn, ...]
    rows: tuple[tuple[Cell, ...], ...]


def make_grid(columns: Iterable[tuple[str, str]], rows: Iterable[Sequence[object]]) -> Grid:
    """Return the grid of `columns` (name, type) and `rows`, with every value made plain."""
    return Grid(tuple(GridColumn(*pair) for pair in columns), tuple(tuple(map(plain, row)) for row in rows))


def plain(value: object) -> Cell:
    """Return a value as JSON and people can take it: moments in ISO 8601, nested values as JSON text."""
    # Truths before whole numbers, which they also are.
    match value:
        case None | bool() | str():
            found: Cell = value
        case int():
            found = value if abs(value) <= EXACT else str(value)
        case float():
            found = value if math.isfinite(value) else str(value)
        case datetime():
            found = value.isoformat(sep=" ")
        case bytes() | bytearray():
            found = value[:SHOWN].hex()
        case list() | tuple() | dict():
            found = json.dumps(_text_keys(value), default=str, ensure_ascii=False)
        case _:
            found = str(value)
    return found


def _text_keys(value: object) -> object:
    """Return a nested value whose keys are all texts: the engine's maps may have any, and JSON has no others."""
    if isinstance(value, dict):
        return {str(key): _text_keys(item) for key, item in value.items()}
    return [_text_keys(item) for item in value] if isinstance(value, list | tuple) else value


def shown(cell: Cell) -> str:
    """Return a cell's text for a page, cut when it is long."""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float):
        return f"{cell:.6g}"
    text = str(cell)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def as_csv(grid: Grid) -> str:
    """Return the grid as CSV with a header (RFC 4180); missing values are empty."""
    # The module's own line ends are those of the standard, on every system.
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(column.name for column in grid.columns)
    writer.writerows(grid.rows)
    return text.getvalue()
