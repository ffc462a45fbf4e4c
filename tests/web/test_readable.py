"""Values as pages show them: at the edges of their units, and of every type that the engine has."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time
from decimal import Decimal
from uuid import UUID

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ropewalk.web import formats
from ropewalk.web.grid import EXACT, SHOWN, GridColumn, as_csv, make_grid, plain, shown


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (1000, "1.0 kB"),
        (99_940, "99.9 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (999_999, "1.0 MB"),
        (999_499_999, "999 MB"),
        (999_500_000, "1.0 GB"),
        (10**15, "1000 TB"),
    ],
)
def test_sizes_at_the_edge_of_a_unit(count: int, said: str) -> None:
    """A thousand of one unit is one of the next, as long as there is a next one."""
    assert formats.size(count) == said


@pytest.mark.parametrize(
    ("ms", "said"),
    [
        (1000, "1.0 s"),
        (59_949, "59.9 s"),
        (59_999, "59.9 s"),
        (60_000, "1 m 0 s"),
        (3_599_999, "59 m 59 s"),
        (3_600_000, "1 h 0 m"),
        (86_399_999, "23 h 59 m"),
        (86_400_000, "1 d 0 h"),
    ],
)
def test_durations_at_the_edge_of_a_unit(ms: int, said: str) -> None:
    """There are no sixty seconds, and no sixty minutes."""
    assert formats.duration(ms) == said


@settings(max_examples=50)
@given(ms=st.integers(0, 10**10))
def test_a_longer_time_never_reads_shorter(ms: int) -> None:
    """The units of a duration go one way only."""
    order = ["ms", "s", "m", "h", "d"]

    units = [formats.duration(time).split()[1] for time in (ms, 2 * ms + 1)]

    assert order.index(units[0]) <= order.index(units[1])


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (None, None),
        (True, True),
        (EXACT, EXACT),
        (-EXACT, -EXACT),
        (EXACT + 1, str(EXACT + 1)),
        (1.5, 1.5),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (Decimal("1.10"), "1.10"),
        (datetime(2026, 1, 2, 3, 4, tzinfo=UTC), "2026-01-02 03:04:00+00:00"),
        (date(2026, 1, 2), "2026-01-02"),
        (time(3, 4), "03:04:00"),
        (b"\x00\xff", "00ff"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ([1, None, "ü"], '[1, null, "ü"]'),
        ({"a": [date(2026, 1, 2)]}, '{"a": ["2026-01-02"]}'),
        ({date(2026, 1, 2): 1, 5: 2}, '{"2026-01-02": 1, "5": 2}'),
        ([{(1, 2): {Decimal("0.5"): None}}], '[{"(1, 2)": {"0.5": null}}]'),
    ],
)
def test_plain_values(value: object, found: object) -> None:
    """Every type becomes what JSON and people can take."""
    assert plain(value) == found


@pytest.mark.parametrize(
    "sql",
    [
        "map {DATE '2026-01-02': 1}",
        "map {TIMESTAMP '2026-01-02 03:04:05': [1, 2]}",
        "map {1.5::DECIMAL(3, 1): 'a'}",
        "map {[1, 2]: 3}",
        "{'a': map {TRUE: DATE '2026-01-02'}}",
        "[INTERVAL 3 DAYS]",
        "['a'::BLOB]",
        "17::HUGEINT * 10 ** 30",
        "'NaN'::DOUBLE",
        "TIMETZ '03:04:05+02'",
        "'101'::BIT",
        "NULL",
    ],
)
def test_what_the_engine_returns(sql: str) -> None:
    """A page of a table never fails on a type of one of its columns."""
    row = duckdb.sql(f"SELECT {sql}").fetchone()
    assert row is not None

    cell = plain(row[0])

    json.dumps(cell, allow_nan=False)
    assert isinstance(shown(cell), str)


@pytest.mark.parametrize(
    ("kind", "is_number"),
    [
        ("INTEGER", True),
        ("UBIGINT", True),
        ("DECIMAL(18,3)", True),
        ("DOUBLE", True),
        ("INTEGER[]", False),
        ("INTEGER[3]", False),
        ("VARCHAR", False),
        ("BOOLEAN", False),
        ("DATE", False),
    ],
)
def test_which_columns_stand_right(kind: str, is_number: bool) -> None:
    """Numbers do, and lists of numbers do not."""
    assert GridColumn("a", kind).is_number is is_number


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (True, "true"),
        (None, "None"),
        (0.1 + 0.2, "0.3"),
        (1234567.8, "1.23457e+06"),
        ("x" * SHOWN, "x" * SHOWN),
        ("x" * (SHOWN + 1), "x" * (SHOWN - 1) + "…"),
    ],
)
def test_cells_on_a_page(cell: bool | float | str | None, text: str) -> None:
    """A long cell is cut to the length that is shown, and says so."""
    assert shown(cell) == text


def test_csv() -> None:
    """What needs quotes has them; what is missing is empty."""
    grid = make_grid([("a", "VARCHAR"), ('b"', "INTEGER")], [["x,y", None], ['"', 1], ["two\nlines", 2]])

    assert as_csv(grid) == 'a,"b"""\r\n"x,y",\r\n"""",1\r\n"two\nlines",2\r\n'
