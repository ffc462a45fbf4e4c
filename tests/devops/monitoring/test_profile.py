"""Reference profiles: bins and counts of training data, for every kind of column."""

from __future__ import annotations

import pytest

from ropewalk.devops.monitoring.profile import (
    MOST_CATEGORIES,
    Bins,
    count_columns,
    find_bins,
    kind_of,
    take_profile,
)


def _counted(connection, select, kind):
    bins = find_bins(connection, f"({select})", {"x": kind})
    (column,) = count_columns(connection, f"({select})", bins)
    return column


@pytest.mark.parametrize(
    ("duckdb_type", "kind"),
    [
        ("INTEGER", "number"),
        ("DECIMAL(10,2)", "number"),
        ("DOUBLE", "number"),
        ("VARCHAR", "category"),
        ("BOOLEAN", "category"),
        ("ENUM('a', 'b')", "category"),
        ("VARCHAR[]", None),
        ("TIMESTAMP", None),
        ("STRUCT(a INTEGER)", None),
    ],
)
def test_kind_of_column(duckdb_type, kind):
    """Numbers and categories are profiled, times and nested values are not."""
    assert kind_of(duckdb_type) == kind


def test_deciles_hold_a_tenth_each(connection):
    """A column of many numbers has ten bins of equal size, and one of missing values."""
    column = _counted(connection, "SELECT i::DOUBLE AS x FROM range(1000) t(i)", "number")

    assert len(column.bins.edges) == 9
    assert column.counts == (*[100] * 10, 0)


def test_few_numbers_have_few_bins(connection):
    """Deciles that fall together are one edge, the value itself included below it."""
    column = _counted(connection, "SELECT (i < 25)::INTEGER AS x FROM range(100) t(i)", "number")

    assert column.bins.edges == (0.0, 1.0)
    assert column.counts == (75, 25, 0, 0)


def test_numbers_that_are_none_count_as_missing(connection):
    """NaN, infinity and NULL are in the bin of missing values, not in the first or the last."""
    rows = "(1.0), (2.0), ('nan'::DOUBLE), ('inf'::DOUBLE), (NULL)"

    column = _counted(connection, f"SELECT x FROM (VALUES {rows}) t(x)", "number")

    assert column.counts[-1] == 3
    assert sum(column.counts) == 5


def test_column_of_nothing_but_nulls(connection):
    """A column without a value has one bin, and it is empty."""
    column = _counted(connection, "SELECT NULL::DOUBLE AS x FROM range(4)", "number")

    assert (column.bins.edges, column.counts) == ((), (0, 4))


def test_text_keeps_its_most_frequent_values(connection):
    """Rare values beyond the most frequent share one bin."""
    select = "SELECT 'v' || lpad((i // 2)::VARCHAR, 2, '0') AS x FROM range(100) t(i)"

    column = _counted(connection, select, "category")

    assert column.bins.values == tuple(f"v{i:02}" for i in range(MOST_CATEGORIES))
    assert column.counts == (*[2] * MOST_CATEGORIES, 100 - 2 * MOST_CATEGORIES, 0)


def test_counts_stand_beside_their_values(connection):
    """The most frequent value need not come first: bins are in the order in which they are counted."""
    column = _counted(connection, "SELECT x FROM (VALUES ('b'), ('b'), ('a'), ('é')) t(x)", "category")

    assert dict(zip(column.bins.values, column.counts, strict=False)) == {"a": 1, "b": 2, "é": 1}


def test_empty_text_is_a_value(connection):
    """An empty text is neither missing nor one of the others."""
    column = _counted(connection, "SELECT x FROM (VALUES (''), (''), ('a'), (NULL)) t(x)", "category")

    assert column.bins.values == ("", "a")
    assert column.counts == (2, 1, 0, 1)


@pytest.mark.parametrize("name", ["it's", 'a "b"', "select", "x; DROP TABLE y"])
def test_names_and_values_are_quoted(connection, name):
    """Columns and categories may be called anything."""
    quoted = name.replace('"', '""')
    value = name.replace("'", "''")
    select = f"""(SELECT '{value}' AS "{quoted}")"""

    bins = find_bins(connection, select, {name: "category"})
    (column,) = count_columns(connection, select, bins)

    assert (column.bins.values, column.counts) == ((name,), (1, 0, 0))


def test_no_columns_count_nothing(connection):
    """A table of which no column is profiled is not scanned at all."""
    assert count_columns(connection, "nowhere", []) == ()


def test_bins_know_their_size():
    """The bin of larger numbers, or of other values, counts."""
    assert Bins("x", "number", edges=(1.0, 2.0)).size == 3
    assert Bins("x", "category", values=("a",)).size == 2


def _take(connection, wanted):
    connection.execute("CREATE TABLE training.t AS SELECT i AS a, 'x' AS b, now() AS c,"
                       " CASE WHEN i < 10 THEN i < 4 END AS late FROM range(20) t(i)")  # fmt: skip
    return take_profile(connection, "training.t", "late", wanted)


def test_only_labelled_rows_are_profiled(connection):
    """Rows without an outcome were not trained on; the rate is that of the others."""
    profile = _take(connection, ["a", "b"])

    assert (profile.rows, profile.positive_rate) == (10, 0.4)
    assert [column.bins.column for column in profile.columns] == ["a", "b"]


def test_absent_columns_are_named(connection):
    """Columns of the signature that the table lacks, or that are times, are told of."""
    assert _take(connection, ["a", "c", "computed"]).absent == ("c", "computed")


def test_table_without_labels_has_no_rate(connection):
    """Where the training table has no column of outcomes there is no expected rate."""
    connection.execute("CREATE TABLE training.t AS SELECT 1 AS a")

    profile = take_profile(connection, "training.t", "late", ["a"])

    assert (profile.rows, profile.positive_rate) == (1, None)
