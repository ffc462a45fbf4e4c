"""Comparing by the lake's own record of changes; whatever the way, the answer is the same."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ROWS = "SELECT i AS id, i % 7 AS v, 'w' || i AS w FROM range(1000) AS r (i)"
EDITS = (
    "UPDATE lake.mart.t SET v = v + 100 WHERE id % 100 = 3",
    "DELETE FROM lake.mart.t WHERE id = 17",
    "INSERT INTO lake.mart.t VALUES (5000, 1, 'new')",
)


@pytest.mark.parametrize("key", [("id",), ()])
def test_only_what_was_written_is_read(write, compare, key):
    """With and without a key: rows changed in place are known by their own number."""
    one, two = write(ROWS), write(None, *EDITS)

    found = compare(one, two, key)

    assert found.method == "changes"
    assert (found.added, found.removed, found.changed) == (1, 1, 10)
    assert {c.name: (c.changed, c.largest) for c in found.columns} == {"v": (10, 100.0)}
    assert {row.change for row in found.sample} == {"added", "removed", "changed"}


def test_backwards_is_the_other_way_round(write, compare):
    """What was added is removed, and before and after change places."""
    one, two = write(ROWS), write(None, *EDITS)

    found = compare(two, one, ("id",))

    assert (found.added, found.removed, found.changed) == (1, 1, 10)
    assert [row.before["id"] for row in found.sample if row.change == "removed"] == [5000]
    assert all(row.before["v"] == row.after["v"] + 100 for row in found.sample if row.change == "changed")


def test_a_row_written_anew_with_equal_values_is_no_change(write, compare):
    """Deleting and inserting the same rows, as rebuilding an interval does, changes nothing."""
    one = write(ROWS)
    two = write(
        None,
        "CREATE TEMP TABLE part AS FROM lake.mart.t WHERE id < 100",
        "DELETE FROM lake.mart.t WHERE id < 100",
        "INSERT INTO lake.mart.t FROM part",
    )

    assert compare(one, two, ("id",)).state == "same"
    assert compare(one, two).state == "same"


def test_rebuilt_table_is_compared_by_key(write, compare):
    """Where most rows were written anew, their record is longer than the table."""
    one = write(ROWS)
    two = write(f"SELECT id, v + (id = 5)::INT AS v, w FROM ({ROWS})")

    found = compare(one, two, ("id",))

    assert (found.method, found.changed) == ("key", 1)


_EDIT = st.sampled_from(["update", "delete", "insert", "rewrite"])
_RANGE = st.tuples(st.integers(0, 40), st.integers(1, 10))


def _statements(kind: str, first: int, length: int, number: int) -> list[str]:
    where = f"id BETWEEN {first} AND {first + length - 1}"
    return {
        "update": [f"UPDATE lake.mart.t SET v = v + {number} WHERE {where}"],
        "delete": [f"DELETE FROM lake.mart.t WHERE {where}"],
        "insert": [f"INSERT INTO lake.mart.t SELECT i + {1000 * number}, 1 FROM range({length}) AS r (i)"],
        "rewrite": [
            f"CREATE OR REPLACE TEMP TABLE part AS SELECT id, v // 2 AS v FROM lake.mart.t WHERE {where}",
            f"DELETE FROM lake.mart.t WHERE {where}",
            "INSERT INTO lake.mart.t FROM part",
        ],
    }[kind]


def _truth(connection: duckdb.DuckDBPyConnection, one: int, two: int) -> tuple[int, int, int]:
    sides = [f"(FROM lake.mart.t AT (VERSION => {snapshot}))" for snapshot in (one, two)]
    return connection.execute(
        "SELECT count(*) FILTER (b.id IS NULL), count(*) FILTER (a.id IS NULL), "
        f"count(*) FILTER (b.v IS DISTINCT FROM a.v AND b.id = a.id) FROM {sides[0]} b FULL JOIN {sides[1]} a ON b.id = a.id"
    ).fetchone()


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits=st.lists(st.tuples(_EDIT, _RANGE), min_size=1, max_size=3))
def test_any_history_gives_what_a_plain_join_gives(lake, write, compare, edits):
    """Whatever was written between two snapshots, by record and by key the counts are those of a plain join."""
    one = write("SELECT i AS id, i AS v FROM range(40) AS r (i)")
    for number, (kind, (first, length)) in enumerate(edits, start=1):
        write(None, *_statements(kind, first, length, number))
    two = lake.snapshot()

    found = compare(one, two, ("id",)) if one != two else None

    if found is not None:
        assert (found.added, found.removed, found.changed or 0) == _truth(lake.cursor(), one, two)
