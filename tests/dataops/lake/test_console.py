"""Read-only SQL: what it answers, what it refuses, and what it says when a query is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ropewalk.dataops.lake import (
    Column,
    InvalidQuery,
    Lake,
    QueryNotAllowed,
    QueryTimeout,
    TableMissing,
)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """Return a lake with one table, shared by all tests here: none of them can change it."""
    with Lake(tmp_path_factory.mktemp("console") / "lake") as opened:
        with opened.transaction("flights") as transaction:
            transaction.replace("mart.flights", "SELECT n, 'F' || n AS flight FROM range(5) r(n)")
        yield opened


def test_rows_columns_and_types(lake: Lake) -> None:
    """A result carries names, types and values."""
    result = lake.query("SELECT flight, n FROM mart.flights WHERE n > 2 ORDER BY n")

    assert result.columns == (Column("flight", "VARCHAR"), Column("n", "BIGINT"))
    assert result.rows == (("F3", 3), ("F4", 4))
    assert result.is_complete


def test_rows_are_limited(lake: Lake) -> None:
    """No more than the limit comes back, and that there is more is said."""
    result = lake.query("FROM mart.flights ORDER BY n", limit=2)

    assert [row[0] for row in result.rows] == [0, 1]
    assert not result.is_complete


def test_a_limit_that_is_just_enough(lake: Lake) -> None:
    """As many rows as the limit are all rows."""
    assert lake.query("FROM mart.flights", limit=5).is_complete


@pytest.mark.parametrize(
    "sql",
    [
        "FROM mart.flights",
        "WITH f AS (FROM mart.flights) SELECT count(*) FROM f;",
        "SELECT 1 -- a comment",
        "VALUES (1), (2)",
        "SELECT * FROM range(3) r(n) JOIN mart.flights USING (n)",
        "SELECT unnest([1, 2])",
        "SELECT n AS a, flight AS a FROM mart.flights",
        "DESCRIBE mart.flights",
        "SELECT table_name FROM information_schema.tables",
        "SELECT count(*) FROM mart.flights AT (VERSION => 2)",
    ],
)
def test_one_select_is_answered(lake: Lake, sql: str) -> None:
    """All that only reads the lake's tables is allowed."""
    assert lake.query(sql).rows


@pytest.mark.parametrize(
    "sql",
    [
        "DROP TABLE mart.flights",
        "DELETE FROM mart.flights",
        "CREATE TABLE mart.x AS SELECT 1",
        "INSERT INTO mart.flights VALUES (1, 'x')",
        "UPDATE mart.flights SET n = 1",
        "COPY mart.flights TO 'x.csv'",
        "COPY (SELECT 1) TO '/dev/stdout'",
        "ATTACH 'other.db'",
        "DETACH lake",
        "SET threads = 1",
        "CALL ducklake_expire_snapshots('lake', versions => [1])",
        "EXPLAIN ANALYZE DELETE FROM mart.flights",
        "INSTALL httpfs",
        "LOAD httpfs",
        "USE memory",
        "BEGIN",
        "SELECT 1; DROP TABLE mart.flights",
        "PIVOT mart.flights ON n",
    ],
)
def test_everything_but_one_select_is_refused(lake: Lake, sql: str) -> None:
    """A statement that changes, copies, attaches, sets or calls is refused before it runs."""
    with pytest.raises(QueryNotAllowed):
        lake.query(sql)


@pytest.mark.parametrize(
    "source",
    [
        "read_csv('/etc/passwd')",
        "read_text('/etc/passwd')",
        "read_blob('/etc/passwd')",
        "READ_TEXT('/etc/passwd')",
        "read_json('/etc/passwd')",
        "parquet_scan('/etc/passwd')",
        "glob('/etc/*')",
        "sqlite_scan('/etc/passwd', 't')",
        "sqlite_query('x', 'SELECT 1')",
        "query('DROP TABLE mart.flights')",
        "query_table('mart.flights')",
        "duckdb_secrets()",
        "ducklake_cleanup_old_files('lake', cleanup_all => true)",
        "pragma_database_list()",
    ],
)
@pytest.mark.parametrize(
    "shape", ["FROM {}", "SELECT 1 WHERE 1 IN (SELECT 1 FROM {})", "WITH a AS (FROM {}) FROM a"]
)
def test_functions_that_reach_outside_are_refused(lake: Lake, source: str, shape: str) -> None:
    """Wherever they stand in the query."""
    with pytest.raises(QueryNotAllowed, match="table function"):
        lake.query(shape.format(source))


@pytest.mark.parametrize("path", ["/etc/passwd", "x.csv", "https://example.org/x.parquet", "data/*.parquet"])
def test_a_path_is_no_table(lake: Lake, path: str) -> None:
    """DuckDB's reading of files by their bare name is off."""
    with pytest.raises(QueryNotAllowed, match="is a file"):
        lake.query(f"FROM '{path}'")


def test_even_a_function_that_slipped_through_opens_no_file(lake: Lake, tmp_path: Path) -> None:
    """The engine itself may open no file but the lake's."""
    lake.query("SELECT 1")
    outside = tmp_path / "outside.csv"
    outside.write_text("a\n1\n")

    with (
        lake._console._engines.cursor() as connection,
        pytest.raises(Exception, match="disabled by configuration"),
    ):
        connection.execute(f"FROM read_csv('{outside}')")


def test_a_long_query_is_stopped(lake: Lake) -> None:
    """After its time the query ends with an error, and the next one works."""
    endless = "SELECT count(*) FROM range(100000000) a, range(100000) b WHERE a.range * b.range = -1"

    with pytest.raises(QueryTimeout, match=r"longer than 0\.2 s"):
        lake.query(endless, timeout_s=0.2)

    assert lake.query("SELECT 1").rows == ((1,),)


@pytest.mark.parametrize(
    ("sql", "place", "nearest"),
    [
        ("SELECT flihgt FROM mart.flights", "query:1:8", "flight"),
        ("SELECT f.flihgt FROM mart.flights f", "query:1:8", "flight"),
        ("SELECT n\nFROM mart.flights\nWHERE flihgt = 'x'", "query:3:7", "flight"),
        ("SELECT coutn(n) FROM mart.flights", "query:1:8", "count"),
        ("SELEC 1", "query:1:1", None),
    ],
)
def test_a_wrong_query_names_place_and_nearest(lake: Lake, sql: str, place: str, nearest: str | None) -> None:
    """Line, column and the nearest valid name stand in the error."""
    with pytest.raises(InvalidQuery) as caught:
        lake.query(sql)

    assert (str(caught.value.place), caught.value.nearest) == (place, nearest)


@pytest.mark.parametrize("table", ["mart.flihgts", "flights", "mrat.flights", "flihgts"])
def test_a_wrong_table_names_the_nearest(lake: Lake, table: str) -> None:
    """Also when the schema is wrong or missing."""
    with pytest.raises(TableMissing) as caught:
        lake.query(f"FROM {table}")

    assert caught.value.nearest == "mart.flights"


@pytest.mark.parametrize("sql", ["", "  ;  ", "-- only a comment"])
def test_nothing_is_no_query(lake: Lake, sql: str) -> None:
    """An empty text is an error of its own."""
    with pytest.raises(InvalidQuery, match="no SQL statement"):
        lake.query(sql)


def test_a_value_that_cannot_be_computed(lake: Lake) -> None:
    """An error at run time is the query's, not a crash."""
    with pytest.raises(InvalidQuery, match="Could not convert"):
        lake.query("SELECT CAST(flight AS INTEGER) FROM mart.flights")


def test_a_new_snapshot_is_seen(tmp_path: Path) -> None:
    """The console reads the newest state, also after it was opened."""
    with Lake(tmp_path / "lake") as lake:
        for number in (1, 2):
            with lake.transaction("write") as transaction:
                transaction.replace("mart.a", f"SELECT {number} AS n")

            assert lake.query("FROM mart.a").rows == ((number,),)


def test_the_bookkeeping_cannot_be_changed(lake: Lake) -> None:
    """Not even through a table function of the catalogue."""
    with pytest.raises(QueryNotAllowed):
        lake.query("FROM ducklake_expire_snapshots('lake', versions => [1])")
