"""Comparing two relations where no lake is: by a key and by what stands in them."""

from __future__ import annotations

import duckdb
import pytest

from ropewalk.dataops.diff.by_content import compare_by_content
from ropewalk.dataops.diff.by_key import Counted, Sides, compare_by_key
from ropewalk.dataops.diff.pairs import pair_columns
from ropewalk.dataops.lake import Column

COLUMNS = [Column("id", "INTEGER"), Column("v", "INTEGER")]
PAIRS = pair_columns(COLUMNS, COLUMNS)


@pytest.fixture(scope="module")
def connection():
    """Return an engine that the tests share: each leaves nothing behind in it."""
    with duckdb.connect() as connection:
        yield connection


def sides(before: str, after: str) -> Sides:
    """Return two relations of rows such as `1 10, 2 20`, under the columns' short names."""
    relations = []
    for text in (before, after):
        rows = ", ".join(f"({row.replace(' ', ', ')})" for row in text.split(", ") if row)
        rows, limit = (rows, "") if rows else ("(0, 0)", " LIMIT 0")
        relations.append(
            f"(SELECT c0::INTEGER AS c0, c1::INTEGER AS c1 FROM (VALUES {rows}) AS t (c0, c1){limit})"
        )
    counts = [len([row for row in text.split(", ") if row]) for text in (before, after)]
    return Sides(relations[0], relations[1], counts[0], counts[1])


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("1 10, 2 20", "1 10, 2 20", (0, 0, 0)),
        ("1 10, 2 20", "2 21, 3 30", (1, 1, 1)),
        ("", "1 10, 2 20", (2, 0, 0)),
        ("1 10", "", (0, 1, 0)),
        ("", "", (0, 0, 0)),
        ("NULL 1", "NULL 2", (0, 0, 1)),
        ("1 NULL", "1 NULL", (0, 0, 0)),
    ],
)
def test_rows_by_key(connection, before, after, expected):
    """Added, removed and changed, also of nothing, and with values that are missing."""
    found = compare_by_key(connection, sides(before, after), PAIRS, ["c0"], 5)

    assert (found.added, found.removed, found.changed) == expected


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("1 10, 1 11", "1 10"),
        ("1 10", "1 10, 1 11"),
        ("1 10, 1 11", "1 11, 1 12"),
        ("NULL 1, NULL 2", "NULL 1"),
    ],
)
def test_key_of_several_rows_identifies_none(connection, before, after):
    """Then the answer is that it does not."""
    assert compare_by_key(connection, sides(before, after), PAIRS, ["c0"], 5) is None


def test_nothing_is_left_behind(connection):
    """Also when the key identifies nothing: the next comparison finds no table of the last one."""
    compare_by_key(connection, sides("1 10, 1 11", "1 10"), PAIRS, ["c0"], 5)
    compare_by_content(connection, sides("1 10", "1 11"), PAIRS, 5)

    assert connection.execute("SELECT table_name FROM duckdb_tables()").fetchall() == []


def test_no_more_rows_than_asked_for(connection):
    """Of each kind, in the order of the key; none when none are wanted."""
    both = sides("1 1, 2 2, 3 3", "3 4, 4 4, 5 5, 6 6")

    few = compare_by_key(connection, both, PAIRS, ["c0"], 1)
    none = compare_by_key(connection, both, PAIRS, ["c0"], 0)

    assert few.sample == [
        (None, {"c0": 4, "c1": 4}),
        ({"c0": 1, "c1": 1}, None),
        ({"c0": 3, "c1": 3}, {"c0": 3, "c1": 4}),
    ]
    assert (none.sample, none.added) == ([], 3)


def test_greatest_difference_of_a_column(connection):
    """Of the rows that both have; the key's columns do not differ."""
    found = compare_by_key(connection, sides("1 10, 2 20, 3 7", "1 15, 2 -20, 4 999"), PAIRS, ["c0"], 0)

    assert found.columns == {"c0": (0, None), "c1": (2, 40.0)}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("1 1, 1 1, 2 2", "1 1, 2 2, 2 2", (1, 1)),
        ("1 1, 2 2", "2 2, 1 1", (0, 0)),
        ("", "NULL NULL", (1, 0)),
        ("1 1, 1 1, 1 1", "", (0, 3)),
        ("", "", (0, 0)),
    ],
)
def test_rows_by_content(connection, before, after, expected):
    """Equal rows cancel each other out as often as they stand there, and none is said to be changed."""
    found = compare_by_content(connection, sides(before, after), PAIRS, 5)

    assert (found.added, found.removed, found.changed) == (*expected, None)


def test_rows_of_content_are_shown_on_their_side(connection):
    """What came has no before, what went no after."""
    found = compare_by_content(connection, sides("1 1", "2 2"), PAIRS, 5)

    assert found.sample == [(None, {"c0": 2, "c1": 2}), ({"c0": 1, "c1": 1}, None)]


def test_counts_add_up():
    """Of two parts of a table, also where one of them has rows without identity."""
    one = Counted(1, 2, 3, {"c0": (1, None)}, [(None, {"c0": 1})])
    both = one.plus(Counted(10, 20, None, {"c1": (5, 2.0)}))

    assert (both.added, both.removed, both.changed) == (11, 22, 3)
    assert (both.columns, both.sample) == ({"c0": (1, None), "c1": (5, 2.0)}, [(None, {"c0": 1})])
