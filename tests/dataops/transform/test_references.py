"""The tables that a statement reads: each with its place, none that WITH made, and nothing from outside the lake."""

from __future__ import annotations

import pytest
from sqlglot import parse_one

from ropewalk.dataops.transform.errors import FileInSQL, InvalidSQL
from ropewalk.dataops.transform.references import find_references, place_at, refuse_outside_reads


def _names(sql: str) -> list[str]:
    return [reference.name for reference in find_references(parse_one(sql, dialect="duckdb"), sql, "t.sql")]


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("SELECT 1", []),
        ("SELECT * FROM raw.a", ["raw.a"]),
        ("SELECT * FROM Raw.A", ["raw.a"]),
        ('SELECT * FROM "raw"."a"', ["raw.a"]),
        ("SELECT * FROM a", ["a"]),
        ("FROM raw.a", ["raw.a"]),
        ("SELECT * FROM raw.b JOIN raw.a USING (id)", ["raw.b", "raw.a"]),
        ("SELECT * FROM raw.a, raw.a AS other", ["raw.a", "raw.a"]),
        ("SELECT (SELECT max(x) FROM raw.b) FROM raw.a", ["raw.b", "raw.a"]),
        ("SELECT * FROM raw.a WHERE id IN (SELECT id FROM raw.b)", ["raw.a", "raw.b"]),
        ("SELECT * FROM raw.a UNION ALL SELECT * FROM raw.b", ["raw.a", "raw.b"]),
        ("SELECT * FROM unnest([1, 2])", []),
        ("SELECT * FROM range(5)", []),
        ("WITH c AS (SELECT * FROM raw.a) SELECT * FROM c", ["raw.a"]),
        ("WITH c AS (SELECT * FROM raw.a) SELECT * FROM C", ["raw.a"]),
        ("WITH c AS (SELECT 1) SELECT * FROM raw.c", ["raw.c"]),
        ("WITH c AS (SELECT * FROM c) SELECT * FROM c", ["c"]),
        ("WITH c AS (SELECT * FROM d), d AS (SELECT 1) SELECT * FROM c", ["d"]),
        ("WITH d AS (SELECT 1), c AS (SELECT * FROM d) SELECT * FROM c", []),
        ("WITH RECURSIVE c AS (SELECT 1 UNION ALL SELECT * FROM c) SELECT * FROM c", []),
        ("SELECT * FROM (WITH c AS (SELECT 1) SELECT * FROM c) JOIN c ON true", ["c"]),
    ],
)
def test_tables_that_are_read(sql: str, names: list[str]) -> None:
    """In the order in which they stand; a name that WITH made where it stands is no table."""
    assert _names(sql) == names


def test_where_a_table_stands() -> None:
    """Line and column of its first part, and its alias."""
    sql = "SELECT *\nFROM raw.a AS x\n  JOIN raw.b USING (id)"

    one, other = find_references(parse_one(sql, dialect="duckdb"), sql, "t.sql")

    assert (one.line, one.column, one.alias) == (2, 6, "x")
    assert (other.line, other.column, other.alias) == (3, 8, None)
    assert sql[one.offset :].startswith("raw.a")


def test_names_of_three_parts() -> None:
    """They are refused where they stand, with the name that was meant."""
    sql = "SELECT *\nFROM lake.raw.a"

    with pytest.raises(InvalidSQL, match=r"lake\.raw\.a has three parts") as caught:
        find_references(parse_one(sql, dialect="duckdb"), sql, "t.sql")

    assert (str(caught.value.place), caught.value.nearest) == ("t.sql:2:6", "raw.a")


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT * FROM read_csv('a.csv')", r"read_csv\(\) reads from outside"),
        ("SELECT * FROM READ_PARQUET('a')", r"read_parquet\(\) reads from outside"),
        ("SELECT * FROM glob('*')", r"glob\(\) reads from outside"),
        ("SELECT * FROM sqlite_scan('a', 'b')", r"sqlite_scan\(\) reads from outside"),
        ("SELECT * FROM duckdb_settings()", r"duckdb_settings\(\) reads from outside"),
        ("SELECT * FROM 'a.csv'", "'a.csv' is a file"),
        ('SELECT * FROM "a.csv"', "'a.csv' is a file"),
        ("SELECT * FROM 'https://x/a.parquet'", "is a file, not a table"),
        ("SELECT 1 WHERE EXISTS (SELECT * FROM read_text('a'))", r"read_text\(\) reads from outside"),
        ("WITH c AS (FROM read_json('a')) SELECT * FROM c", r"read_json\(\) reads from outside"),
    ],
)
def test_reads_from_outside(sql: str, said: str) -> None:
    """Wherever they stand in the statement."""
    with pytest.raises(FileInSQL, match=said) as caught:
        refuse_outside_reads(parse_one(sql, dialect="duckdb"), sql, "t.sql")
    assert "declare a source" in (caught.value.hint or "")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM raw.a",
        "SELECT * FROM unnest([1]) AS u(x)",
        "SELECT * FROM range(5), generate_series(1, 2)",
        "SELECT read_me FROM raw.a",
        'WITH "a.csv" AS (SELECT 1) SELECT * FROM "a.csv"',
        "SELECT 'a.csv' AS name",
    ],
)
def test_reads_within_the_lake(sql: str) -> None:
    """Functions that make rows of what the statement gives them read nothing."""
    refuse_outside_reads(parse_one(sql, dialect="duckdb"), sql, "t.sql")


@pytest.mark.parametrize(
    ("offset", "line", "column"), [(0, 1, 1), (2, 1, 3), (3, 2, 1), (4, 3, 1), (6, 3, 3)]
)
def test_places(offset: int, line: int, column: int) -> None:
    """Counted from one, behind each line break anew."""
    place = place_at("ab\n\ncd\n", offset, "t.sql")

    assert (place.line, place.column) == (line, column)
