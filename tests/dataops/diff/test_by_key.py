"""Comparing by key: what is added, removed and changed, and when a key is none."""

from __future__ import annotations

import pytest

BEFORE = "SELECT i AS id, i * 10 AS amount, 'a' || i AS word, NULL::DOUBLE AS rate FROM range(10) AS r (i)"


def test_rows_are_told_apart_by_key(write, compare):
    """Added, removed and changed rows are counted, and changes by column."""
    one = write(BEFORE)
    two = write(
        "SELECT id + 0 AS id, if(id = 3, 31, amount) AS amount, if(id IN (3, 4), 'new', word) AS word, rate "
        f"FROM ({BEFORE}) WHERE id <> 7 UNION ALL SELECT 99, 0, 'x', NULL"
    )

    found = compare(one, two, ("id",))

    assert (found.method, found.key) == ("key", ("id",))
    assert (found.added, found.removed, found.changed) == (1, 1, 2)
    assert {c.name: (c.changed, c.largest) for c in found.columns if c.changed} == {
        "amount": (1, 1.0),
        "word": (2, None),
    }


def test_sample_shows_both_sides_in_the_order_of_the_key(write, compare):
    """A changed row is shown before and after; no more rows of a kind than asked for."""
    one = write(BEFORE)
    two = write(f"SELECT id, -amount AS amount, word, rate FROM ({BEFORE})")

    found = compare(one, two, ("id",))

    assert found.changed == 9
    assert [(row.before["id"], row.before["amount"], row.after["amount"]) for row in found.sample] == [
        (1, 10, -10),
        (2, 20, -20),
    ]


def test_missing_values_equal_each_other(write, compare):
    """NULL is a value like others: in the key, and in what is compared."""
    one = write("SELECT * FROM (VALUES (NULL, 1, NULL), (1, 2, NULL), (2, NULL, 3)) AS t (id, a, b)")
    two = write("SELECT * FROM (VALUES (NULL, 9, NULL), (1, 2, NULL), (2, NULL, NULL)) AS t (id, a, b)")

    found = compare(one, two, ("id",))

    assert (found.added, found.removed, found.changed) == (0, 0, 2)
    assert {c.name: c.changed for c in found.columns if c.changed} == {"a": 1, "b": 1}


def test_key_of_several_columns_in_another_case(write, compare):
    """Names have no case, and each column of the key counts."""
    one = write("SELECT i // 2 AS a, i % 2 AS b, i AS v FROM range(6) AS r (i)")
    two = write("SELECT i // 2 AS a, i % 2 AS b, i + (i = 5)::INT AS v FROM range(6) AS r (i)")

    found = compare(one, two, ("A", "B"))

    assert (found.key, found.changed) == (("a", "b"), 1)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # Repeated on one side; on both, with as many rows; and so that the two sides add up.
        ("VALUES (1, 'a'), (1, 'b'), (2, 'c')", "VALUES (1, 'a'), (2, 'd')"),
        ("VALUES (1, 'a'), (1, 'b')", "VALUES (1, 'a'), (1, 'c')"),
        ("VALUES (1, 'a'), (1, 'b'), (2, 'x')", "VALUES (1, 'a'), (2, 'x'), (2, 'y')"),
    ],
)
def test_key_that_is_repeated_is_no_key(write, compare, before, after):
    """Rows that share a key are not joined with each other; they are compared as whole rows, and that is said."""
    one = write(f"SELECT * FROM ({before}) AS t (id, v)")
    two = write(f"SELECT * FROM ({after}) AS t (id, v)")

    found = compare(one, two, ("id",))

    assert (found.method, found.changed, found.key) == ("rows", None, ())
    assert found.notes == ("id does not identify rows: a changed row counts as one removed and one added",)


def test_key_with_one_value_does_not_explode(write, compare):
    """A declared key that is the same in all rows would make a join of their square."""
    one = write("SELECT 1 AS id, i AS v FROM range(20000) AS r (i)")
    two = write("SELECT 1 AS id, i + 1 AS v FROM range(20000) AS r (i)")

    found = compare(one, two, ("id",))

    assert (found.method, found.added, found.removed) == ("rows", 1, 1)


def test_repeated_but_equal_rows_do_no_harm(write, compare):
    """What is repeated and unchanged does not keep the rest from being told by key."""
    one = write("SELECT * FROM (VALUES (1, 'a'), (1, 'a'), (2, 'b'), (3, 'c')) AS t (id, v)")
    two = write("SELECT * FROM (VALUES (1, 'a'), (1, 'a'), (2, 'x'), (3, 'c')) AS t (id, v)")

    found = compare(one, two, ("id",))

    assert (found.method, found.changed) == ("key", 1)


def test_retyped_columns_are_compared_by_value(write, compare):
    """A number that became a text, or a longer number, is the same where it reads the same."""
    one = write(
        "SELECT i::INTEGER AS id, i::INTEGER AS n, DATE '2026-01-01' + i::INTEGER AS d FROM range(4) AS r (i)"
    )
    two = write(
        "SELECT i::VARCHAR AS id, (i + (i = 2)::INT)::DOUBLE AS n, (DATE '2026-01-01' + i::INTEGER)::TIMESTAMP AS d "
        "FROM range(4) AS r (i)"
    )

    found = compare(one, two, ("id",))

    assert (found.added, found.removed, found.changed) == (0, 0, 1)
    assert [str(change) for change in found.schema] == [
        "id retyped (INTEGER to VARCHAR)",
        "n retyped (INTEGER to DOUBLE)",
        "d retyped (DATE to TIMESTAMP)",
    ]


def test_odd_names_of_columns(write, compare):
    """Names with quotes, blanks and our own words are names like others."""
    one = write('SELECT 1 AS "p", 2 AS "a""b; DROP TABLE x", 3 AS "rowid_", 4 AS "c0", 5 AS "select"')
    two = write('SELECT 1 AS "p", 7 AS "a""b; DROP TABLE x", 3 AS "rowid_", 4 AS "c0", 5 AS "select"')

    found = compare(one, two, ("p",))

    assert [(c.name, c.changed) for c in found.columns] == [('a"b; DROP TABLE x', 1)]


def test_nested_values_are_compared(write, compare):
    """Lists, structs, maps and blobs differ when one value in them does."""
    columns = "i AS id, [i, {0}] AS l, {{'x': {0}}} AS s, MAP {{'k': {0}}} AS m, 'a'::BLOB AS b"
    one = write(f"SELECT {columns.format('1')} FROM range(3) AS r (i)")
    two = write(f"SELECT {columns.format('if(i = 1, 2, 1)')} FROM range(3) AS r (i)")

    found = compare(one, two, ("id",))

    assert {c.name: c.changed for c in found.columns} == {"l": 1, "s": 1, "m": 1}


def test_nothing_that_is_no_number_breaks_the_largest_change(write, compare):
    """NaN equals itself, infinity has no distance."""
    one = write("SELECT * FROM (VALUES (1, 'nan'::DOUBLE), (2, 'inf'::DOUBLE), (3, 1.0)) AS t (id, v)")
    two = write("SELECT * FROM (VALUES (1, 'nan'::DOUBLE), (2, 5.0), (3, 3.5)) AS t (id, v)")

    found = compare(one, two, ("id",))

    assert [(c.name, c.changed, c.largest) for c in found.columns] == [("v", 2, 2.5)]
