"""Comparing without a key: equal rows cancel each other out, as often as they stand there."""

from __future__ import annotations


def test_rows_are_counted_as_often_as_they_stand_there(write, compare):
    """Three equal rows that become one are two removed."""
    one = write("SELECT * FROM (VALUES (1), (1), (1), (2), (3)) AS t (v)")
    two = write("SELECT * FROM (VALUES (1), (2), (4), (4)) AS t (v)")

    found = compare(one, two)

    assert (found.method, found.added, found.removed, found.changed) == ("rows", 2, 3, None)
    assert [(row.change, (row.after or row.before)["v"]) for row in found.sample] == [
        ("added", 4),
        ("added", 4),
        ("removed", 1),
        ("removed", 1),
    ]


def test_order_of_rows_does_not_count(write, compare):
    """The same rows in another order are the same table."""
    one = write("SELECT i, NULL AS n FROM range(1000) AS r (i)")
    two = write(
        None,
        "CREATE TEMP TABLE again AS FROM lake.mart.t ORDER BY i DESC",
        "DELETE FROM lake.mart.t",
        "INSERT INTO lake.mart.t FROM again",
    )

    found = compare(one, two)

    assert found.state == "same"


def test_without_a_key_figures_tell_how_columns_moved(write, compare):
    """Means, missing values and distinct ones, before and after."""
    one = write("SELECT i % 10 AS v, if(i % 2 = 0, 'x', NULL) AS w FROM range(100) AS r (i)")
    two = write("SELECT i % 10 + 5 AS v, 'x' AS w FROM range(100) AS r (i)")

    found = compare(one, two)

    shift = {c.name: (c.before, c.after) for c in found.columns}
    assert (shift["v"][0].mean, shift["v"][1].mean) == (4.5, 9.5)
    assert (shift["w"][0].null_share, shift["w"][1].null_share) == (0.5, 0.0)


def test_retyped_numbers_are_equal_where_their_values_are(write, compare):
    """1 is 1.0, also without a key."""
    one = write("SELECT i::INTEGER AS v FROM range(5) AS r (i)")
    two = write("SELECT i::DOUBLE AS v FROM range(5) AS r (i)")

    found = compare(one, two)

    assert (found.added, found.removed) == (0, 0)
    assert [str(change) for change in found.schema] == ["v retyped (INTEGER to DOUBLE)"]


def test_versions_without_a_common_column(write, compare):
    """All rows went and came; there is nothing to compare."""
    one = write("SELECT 1 AS a")
    two = write("SELECT 1 AS b UNION ALL SELECT 2")

    found = compare(one, two)

    assert (found.added, found.removed, found.notes) == (2, 1, ("the versions share no column",))
