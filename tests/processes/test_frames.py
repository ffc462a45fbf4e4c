"""Rows in any form become a relation, and a Parquet file of equal bytes."""

from __future__ import annotations

import datetime as dt

import duckdb
import pandas as pd
import pytest

from ropewalk import Table
from ropewalk.processes.frames import relation_of, write_parquet

ROWS = [{"a": 1, "b": "x"}, {"a": None, "b": "y"}]


@pytest.mark.parametrize(
    "data",
    [
        ROWS,
        tuple(ROWS),
        pd.DataFrame({"a": pd.array([1, None], dtype="Int64"), "b": ["x", "y"]}),
        duckdb.sql("SELECT * FROM (VALUES (1::BIGINT, 'x'), (NULL, 'y')) AS t(a, b)"),
    ],
)
def test_forms_of_the_same_rows(data):
    """Mappings, a frame and a relation say the same."""
    relation = Table.of(data).relation()

    assert relation.columns == ["a", "b"]
    assert relation.fetchall() == [(1, "x"), (None, "y")]


def test_rows_keep_their_types():
    """Dates, numbers and lists are what they were; whole numbers are 64 bits wide whatever their size today."""
    relation = relation_of([{"d": dt.date(2026, 1, 2), "n": 1, "f": 0.5, "l": ["a"], "t": True}])

    assert [str(kind) for kind in relation.types] == ["DATE", "BIGINT", "DOUBLE", "VARCHAR[]", "BOOLEAN"]


def test_key_that_some_rows_lack():
    """A column that only some rows have is empty in the others."""
    assert relation_of([{"a": 1}, {"b": 2}]).fetchall() == [(1, None), (None, 2)]


@pytest.mark.parametrize("data", [[], {}, "text", 3, [1, 2], None])
def test_what_is_no_table(data):
    """Anything else is refused with what would have been right."""
    with pytest.raises(TypeError, match="give a pandas frame, an Arrow table"):
        relation_of(data)


class _Stream:
    """What any library's table looks like that speaks Arrow's interface."""

    def __arrow_c_stream__(self, _schema: object = None) -> object:
        # A connection of its own: one cannot stream and be read from at once.
        return duckdb.connect().sql("SELECT 7 AS a").__arrow_c_stream__()


def test_arrow_of_any_library():
    """Whoever streams Arrow is read without asking who it is."""
    assert relation_of(_Stream()).fetchall() == [(7,)]


def test_parquet_is_the_same_twice(tmp_path):
    """Equal rows give equal bytes: nothing in the file tells when it was written."""
    for name in ("one", "two"):
        write_parquet(relation_of(ROWS * 1000), str(tmp_path / name))

    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_sums_stay_whole(tmp_path):
    """A sum, which is wider than Parquet knows, is kept as a whole number and not rounded."""
    big = 2**53 + 1
    write_parquet(duckdb.sql(f"SELECT sum(i) AS s FROM (VALUES ({big})) AS t(i)"), str(tmp_path / "t"))

    assert duckdb.sql(f"FROM read_parquet('{tmp_path}/t')").fetchall() == [(big,)]


def test_number_that_is_too_large(tmp_path):
    """What does not fit into 64 bits is an error rather than another number."""
    with pytest.raises(duckdb.Error, match="out of range"):
        write_parquet(
            duckdb.sql("SELECT 2::HUGEINT ** 100 AS h, (1::HUGEINT << 100) AS s"), str(tmp_path / "t")
        )
