"""What is told of one table beside its rows: schema, figures, masks, and tables that one side lacks."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from ropewalk.dataops.diff.keys import Declared
from ropewalk.dataops.diff.sides import Held
from ropewalk.dataops.diff.table import diff_table
from ropewalk.dataops.lake import TableMissing


def test_columns_added_removed_and_retyped(write, compare):
    """The schema's changes are told, and only columns that both sides have are compared."""
    one = write("SELECT i AS id, 1 AS gone, i::INTEGER AS n FROM range(3) AS r (i)")
    two = write("SELECT i AS id, i::BIGINT AS n, true AS fresh FROM range(3) AS r (i)")

    found = compare(one, two, ("id",))

    assert [str(change) for change in found.schema] == [
        "n retyped (INTEGER to BIGINT)",
        "fresh added (BOOLEAN)",
        "gone removed (INTEGER)",
    ]
    assert (found.state, found.changed, found.columns) == ("changed", 0, ())


@pytest.mark.parametrize("side", [0, 1])
def test_table_of_one_side_only(lake, write, side):
    """It is added or removed with all its rows, and its columns are told."""
    snapshot = write("SELECT i AS id FROM range(3) AS r (i)")
    held = [None, None]
    held[side] = Held(snapshot)

    found = diff_table(lake, "mart.t", tuple(held), Declared({}, {}), 5)

    assert (found.state, found.added, found.removed) == (("removed", 0, 3), ("added", 3, 0))[side]
    assert [change.column for change in found.schema] == ["id"]


def test_table_that_the_lake_has_lost(lake, write):
    """A pointer to what is gone is an error that names the table."""
    write("SELECT 1 AS id")

    with pytest.raises(TableMissing, match="neither"):
        diff_table(lake, "mart.other", (Held(1), Held(2)), Declared({}, {}), 5)


def test_hidden_values_are_nowhere(write, compare):
    """Of a masked column it is told that it changed, and no value, mean or difference."""
    one = write("SELECT i AS id, 4_000 + i AS salary, NULL::INT AS note FROM range(3) AS r (i)")
    two = write("SELECT i AS id, 9_000 + 7 * i AS salary, NULL::INT AS note FROM range(3) AS r (i)")

    found = compare(one, two, ("id",), frozenset({"salary"}))

    (salary,) = found.columns
    assert (salary.changed, salary.largest, salary.before.mean, salary.after.mean) == (3, None, None, None)
    assert dict(found.sample[0].after) == {"id": 0, "salary": "***", "note": None}
    assert "9007" not in repr(found)


def test_few_new_rows_do_not_make_every_column_a_finding(write, compare):
    """Columns in which no value changed are told of only when they moved as a whole."""
    one = write("SELECT i AS id, i % 10 AS v FROM range(1000) AS r (i)")
    two = write("SELECT i AS id, if(i < 1000, i % 10, 500) AS v FROM range(1100) AS r (i)")

    found = compare(one, two, ("id",))

    assert [(c.name, c.changed) for c in found.columns] == [("v", 0)]
    assert found.columns[0].after.mean > 40


def test_rows_that_are_shown_are_json(write, compare):
    """What is no number, and what JSON has no word for, is there as text."""
    one = write("SELECT 1 AS id, 1.5::DOUBLE AS x, DATE '2026-01-01' AS d")
    two = write("SELECT 1 AS id, 'nan'::DOUBLE AS x, DATE '2026-01-02' AS d")

    (row,) = compare(one, two, ("id",)).sample

    assert json.loads(json.dumps(asdict(row), allow_nan=False)) == {
        "change": "changed",
        "before": {"id": 1, "x": 1.5, "d": "2026-01-01"},
        "after": {"id": 1, "x": "nan", "d": "2026-01-02"},
    }


def test_key_that_one_version_lacks_is_none(write, compare):
    """Then rows are compared as a whole, and it is said why."""
    found = compare(write("SELECT 1 AS id, 2 AS v"), write("SELECT 3 AS v"), ("id",))

    assert (found.method, found.key, found.added, found.removed) == ("rows", (), 1, 1)
    assert found.notes == (
        "not both versions have the key id: a changed row counts as one removed and one added",
    )
