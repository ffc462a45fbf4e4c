"""Grids: every value of the engine made plain, for JSON, pages and CSV."""

from __future__ import annotations

import csv
import io
import uuid
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import msgspec
import pytest

from ropewalk.web.grid import Cell, GridColumn, as_csv, make_grid, plain, shown

VALUES = [
    (None, None),
    (True, True),
    ("text", "text"),
    (3, 3),
    (2**53, 2**53),
    (2**53 + 1, "9007199254740993"),
    (-(2**63), "-9223372036854775808"),
    (1.5, 1.5),
    (float("nan"), "nan"),
    (float("-inf"), "-inf"),
    (datetime.fromisoformat("2013-01-01T05:15"), "2013-01-01 05:15:00"),
    (datetime(2013, 1, 1, 5, 15, tzinfo=UTC), "2013-01-01 05:15:00+00:00"),
    (date(2013, 1, 1), "2013-01-01"),
    (time(5, 15), "05:15:00"),
    (timedelta(minutes=2), "0:02:00"),
    (Decimal("1.10"), "1.10"),
    (b"\x00\xff", "00ff"),
    (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    ([1, "é"], '[1, "é"]'),
    ({"a": date(2013, 1, 1)}, '{"a": "2013-01-01"}'),
]


@pytest.mark.parametrize(("value", "cell"), VALUES, ids=str)
def test_plain(value: object, cell: Cell) -> None:
    """Every type of the engine becomes a plain value that loses no digits in a browser."""
    assert plain(value) == cell
    assert type(plain(value)) is type(cell)


def test_grid_is_json_and_back() -> None:
    """A grid of all those values is valid JSON."""
    grid = make_grid([("value", "ANY")], [(value,) for value, _ in VALUES])

    assert msgspec.json.decode(msgspec.json.encode(grid), type=type(grid)) == grid


@pytest.mark.parametrize(
    ("cell", "text"),
    [(True, "true"), (1.0 / 3, "0.333333"), (12, "12"), ("x" * 200, "x" * 119 + "…"), ("", "")],
)
def test_shown(cell: Cell, text: str) -> None:
    """A page shows few digits and cuts long text."""
    assert shown(cell) == text


@pytest.mark.parametrize(
    ("kind", "is_number"),
    [
        ("BIGINT", True),
        ("DECIMAL(18,3)", True),
        ("DOUBLE", True),
        ("VARCHAR", False),
        ("INTEGER[]", False),
        ("DATE", False),
    ],
)
def test_numbers_stand_right(kind: str, is_number: bool) -> None:
    """Columns of numbers are known by their type."""
    assert GridColumn("x", kind).is_number is is_number


def test_csv_reads_back() -> None:
    """Commas, quotes, line ends and missing values survive the way through CSV."""
    rows = [('a,"b"\n', 1), (None, 2)]

    text = as_csv(make_grid([("word, quoted", "VARCHAR"), ("n", "INTEGER")], rows))

    assert list(csv.reader(io.StringIO(text, newline=""))) == [
        ["word, quoted", "n"],
        ['a,"b"\n', "1"],
        ["", "2"],
    ]


def test_no_rows() -> None:
    """A result without rows still has its columns."""
    assert as_csv(make_grid([("a", "INTEGER")], [])) == "a\r\n"
