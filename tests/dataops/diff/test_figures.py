"""What a column is like: shares, means and numbers of values, of any type and of nothing."""

from __future__ import annotations

import duckdb
import pytest

from ropewalk.dataops.diff.figures import DISTINCT_VALUES, read_figures
from ropewalk.dataops.diff.values import Figures
from ropewalk.dataops.lake import Column


@pytest.fixture(scope="module")
def connection():
    """Return an engine without a lake: figures are of whatever follows FROM."""
    with duckdb.connect() as connection:
        yield connection


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ("(1), (2), (NULL), (6)", "INTEGER", Figures(0.25, 3.0, 3)),
        ("(true), (true), (false), (true)", "BOOLEAN", Figures(0.0, 0.75, 2)),
        ("('a'), ('a')", "VARCHAR", Figures(0.0, None, 1)),
        ("(NULL::INTEGER), (NULL)", "INTEGER", Figures(1.0, None, 0)),
        # One value that is no number would hide how all others moved.
        ("('nan'::DOUBLE), ('-inf'), (4)", "DOUBLE", Figures(0.0, 4.0, 3)),
        # Nor has JSON a word for a mean that is too great.
        ("(1.7e308), (1.7e308)", "DOUBLE", Figures(0.0, None, 1)),
        ("([1, 2]), ([3])", "INTEGER[]", Figures(0.0, None, 2)),
        ("(1.50::DECIMAL(9, 2)), (2.50)", "DECIMAL(9,2)", Figures(0.0, 2.0, 2)),
    ],
)
def test_figures_by_type(connection, values, kind, expected):
    """Missing values, the mean of what has one, and how many values there are."""
    rows = values.count("(") - values.count("DECIMAL(")
    (found,) = read_figures(connection, f"(VALUES {values}) AS t (v)", [Column("v", kind)], rows)

    assert found == expected


def test_no_rows_and_no_columns(connection):
    """Of nothing nothing is missing."""
    empty = "(SELECT 1 AS v LIMIT 0)"

    assert read_figures(connection, empty, [Column("v", "INTEGER")], 0) == [Figures(0.0, None, 0)]
    assert read_figures(connection, "no.such_table", [], 7) == []


def test_distinct_values_of_what_is_large_are_left_out(connection):
    """The other figures are there."""
    found = read_figures(connection, "range(3) AS r (v)", [Column("v", "BIGINT")], DISTINCT_VALUES + 1)

    assert (found[0].distinct, found[0].mean) == (None, 1.0)


def test_columns_keep_their_order_and_odd_names(connection):
    """Each has its own figures, whatever stands in its name."""
    columns = [Column('a "b"', "INTEGER"), Column("select", "BOOLEAN")]
    found = read_figures(connection, '(SELECT 5 AS "a ""b""", false AS "select")', columns, 1)

    assert [item.mean for item in found] == [5.0, 0.0]
