"""Parsing a table's SQL: what it reads, what it says, and every way in which it can be wrong."""

from __future__ import annotations

import pytest

from ropewalk.dataops.transform import FileInSQL, InvalidSQL
from ropewalk.dataops.transform.parse import parse_sql

PATH = "tables/mart/a.sql"


def names(sql):
    return [reference.name for reference in parse_sql(sql, PATH).references]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT 1", []),
        ("SELECT * FROM raw.flights", ["raw.flights"]),
        ("FROM raw.flights", ["raw.flights"]),
        ("FROM raw.flights SELECT a", ["raw.flights"]),
        ("SELECT * FROM a.b JOIN c.d USING (x) LEFT JOIN e.f ON true, g.h", ["a.b", "c.d", "e.f", "g.h"]),
        ("SELECT * FROM a.b ASOF JOIN c.d ON b.x >= d.x", ["a.b", "c.d"]),
        ("SELECT * FROM a.b POSITIONAL JOIN c.d", ["a.b", "c.d"]),
        ("SELECT * FROM a.b SEMI JOIN c.d USING (x)", ["a.b", "c.d"]),
        ("SELECT * FROM (SELECT * FROM a.b) AS c", ["a.b"]),
        ("SELECT (SELECT max(x) FROM a.b) WHERE EXISTS (FROM c.d)", ["a.b", "c.d"]),
        ("SELECT * FROM a.b WHERE x IN (SELECT y FROM c.d)", ["a.b", "c.d"]),
        ("SELECT * FROM a.b UNION ALL BY NAME SELECT * FROM c.d", ["a.b", "c.d"]),
        ("SELECT * FROM (PIVOT a.b ON x USING sum(y))", ["a.b"]),
        ("SELECT * FROM a.b, LATERAL (SELECT * FROM c.d WHERE d.x = b.x)", ["a.b", "c.d"]),
        ("SELECT * FROM a.b TABLESAMPLE 10%", ["a.b"]),
        ('SELECT * FROM "Raw"."Flights" AS f JOIN FLIGHTS USING (x)', ["raw.flights", "flights"]),
        ("SELECT * FROM a.b AS x JOIN a.b AS y ON true", ["a.b", "a.b"]),
        ("SELECT * FROM range(10) AS r (i), generate_series(1, 2), unnest([1, 2])", []),
        ("VALUES (1)", []),
        ("(SELECT * FROM a.b)", ["a.b"]),
    ],
)
def test_references_are_the_tables_of_from_and_join(sql, expected):
    """Every table in any corner of the statement is found; aliases and table functions are none."""
    assert names(sql) == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("WITH x AS (SELECT * FROM a.b) SELECT * FROM x", ["a.b"]),
        ("WITH x AS (SELECT 1), y AS (SELECT * FROM X) SELECT * FROM y JOIN x ON true", []),
        ('WITH "my x" AS (SELECT 1) SELECT * FROM "my x"', []),
        ("WITH x AS (SELECT * FROM y), y AS (SELECT 1) SELECT * FROM x, y", ["y"]),
        ("WITH x AS (SELECT * FROM x) SELECT * FROM x", ["x"]),
        ("WITH x AS (SELECT 1) SELECT * FROM mart.x", ["mart.x"]),
        ("SELECT * FROM (WITH x AS (SELECT 1) SELECT * FROM x), x", ["x"]),
        ("WITH x AS (SELECT 1) SELECT (SELECT max(i) FROM x) FROM (SELECT * FROM x)", []),
        ("WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT * FROM r", []),
        ("WITH RECURSIVE r AS (SELECT * FROM r) SELECT * FROM r", ["r"]),
    ],
)
def test_common_table_expressions_are_no_references_where_they_are_visible(sql, expected):
    """A name means a WITH clause's member exactly where the engine would take it for one."""
    assert names(sql) == expected


def test_reference_knows_its_place():
    """Lines and columns count from 1 and point at the first part of the name, also behind wide characters."""
    sql = "-- Größe\r\nSELECT 'ß' AS \"é\",\n       x FROM  raw.flights\nJOIN b ON true"

    found = parse_sql(sql, PATH).references

    assert [(item.name, item.line, item.column) for item in found] == [("raw.flights", 3, 16), ("b", 4, 6)]
    assert sql[found[0].offset :].startswith("raw.flights")


@pytest.mark.parametrize(
    ("sql", "description"),
    [
        ("-- Flights by day,\n--   cleaned.\nSELECT 1", "Flights by day, cleaned."),
        ("\n\n-- Flights\n\n-- not this\nSELECT 1", "Flights"),
        ("/* Flights\n * by day\n */\nSELECT 1", "Flights by day"),
        ("SELECT 1 -- Flights", None),
        ("SELECT 1", None),
        ("--\nSELECT 1", None),
    ],
)
def test_leading_comment_is_the_description(sql, description):
    """The first block of comments, and no other, describes the table."""
    assert parse_sql(sql, PATH).description == description


@pytest.mark.parametrize("end", [";", " ;\n", ";;", "; -- done", "\n-- done\n;\n/* bye */"])
def test_statement_ends_before_its_semicolon(end):
    """What is executed is the SELECT as written, comments before it included."""
    assert parse_sql(f"-- one\nSELECT ';' AS a{end}", PATH).statement == "-- one\nSELECT ';' AS a"


@pytest.mark.parametrize(
    ("sql", "place", "message"),
    [
        ("SELECT\n  a b c\nFROM t", ":2:7", 'syntax error at or near "c"'),
        ("SELECT a,, b FROM t", ":1:10", 'syntax error at or near ","'),
        ("SELEC 1", ":1:1", 'syntax error at or near "SELEC"'),
        ("SELECT *\nFROM", ":2:4", "syntax error at end of input"),
        ("SELECT 'abc", ":1:8", "unterminated quoted string"),
        ("SELECT 1 /* x", ":1:10", "unterminated"),
        ("-- ok\n\nSELECT (1", ":3:9", "syntax error at end of input"),
        ("SELECT * FROM {{ ref('flights') }}", ":1:15", 'syntax error at or near "{"'),
        ("SELECT 1;\n\n SELECT 2", ":3:2", "more than one statement"),
        ("SELECT 1; DROP TABLE x", ":1:11", "more than one statement"),
        ("SELECT x'AB'", ":1:9", "cannot tell which tables it reads"),
        ("SELECT * FROM a.b.c", ":1:15", "a.b.c has three parts"),
        ("SELECT * FROM a.b\nWHERE x = $limit", "", "takes no parameters, and this has limit"),
        ("SELECT ?", "", "takes no parameters"),
        ("", "", "no statement"),
        (" \n-- nothing\n", "", "no statement"),
        (";", "", "no statement"),
    ],
)
def test_broken_sql_is_refused_at_its_place(sql, place, message):
    """What does not parse, is nothing, or is two things names the line and column."""
    with pytest.raises(InvalidSQL) as caught:
        parse_sql(sql, PATH)

    assert message in caught.value.message
    assert str(caught.value.place) == PATH + place


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE x AS SELECT 1",
        "INSERT INTO x SELECT 1",
        "DELETE FROM x",
        "UPDATE x SET a = 1",
        "DROP TABLE x",
        "COPY x TO 'y.csv'",
        "ATTACH 'x.db'",
        "INSTALL httpfs",
        "PRAGMA version",
        "SET threads = 1",
        "CALL pragma_version()",
        "SHOW TABLES",
        "DESCRIBE x",
        "SUMMARIZE x",
        "PIVOT x ON a USING sum(b)",
        "WITH a AS (SELECT 1) INSERT INTO x SELECT * FROM a",
    ],
)
def test_only_a_select_makes_a_table(sql):
    """A statement that does something else is refused before anything could run it."""
    with pytest.raises(InvalidSQL, match="a table is made by one SELECT, not by"):
        parse_sql(sql, PATH)


def test_templates_get_a_hint():
    """Who comes from a templating tool is told what to write instead."""
    with pytest.raises(InvalidSQL) as caught:
        parse_sql("SELECT * FROM {{ ref('flights') }}", PATH)

    assert caught.value.hint == "tables are plain SQL without templates: name the tables themselves"


@pytest.mark.parametrize(
    ("sql", "place", "what"),
    [
        ("SELECT * FROM read_csv('x.csv')", ":1:15", "read_csv()"),
        ("SELECT *\nFROM a.b, READ_PARQUET(['x'])", ":2:11", "read_parquet()"),
        ("SELECT * FROM a.b, LATERAL read_json('x')", ":1:28", "read_json()"),
        ("WITH x AS (FROM glob('*')) FROM x", ":1:17", "glob()"),
        ("SELECT (SELECT count(*) FROM read_text('/etc/passwd'))", ":1:30", "read_text()"),
        ("FROM sqlite_scan('a.db', 't')", ":1:6", "sqlite_scan()"),
        ("FROM query('SELECT 1')", ":1:6", "query()"),
        ("FROM query_table('mart.x')", ":1:6", "query_table()"),
        ("FROM duckdb_tables()", ":1:6", "duckdb_tables()"),
        ("FROM 'flights.csv'", ":1:6", "'flights.csv'"),
        ('FROM "s3://bucket/x.parquet"', ":1:6", "'s3://bucket/x.parquet'"),
    ],
)
def test_reading_past_the_sources_is_refused(sql, place, what):
    """Files and other systems come in through sources, where they are recorded; SQL may not fetch them itself."""
    with pytest.raises(FileInSQL) as caught:
        parse_sql(sql, PATH)

    assert caught.value.message.startswith(what)
    assert str(caught.value.place) == PATH + place
    assert caught.value.hint.startswith("declare a source instead")


@pytest.mark.parametrize("when", ["VERSION => 3", "version=>3", "TIMESTAMP => '2026-11-23'"])
def test_tables_are_not_made_from_the_past(when: str) -> None:
    """A number of a snapshot is no input that a key could hold; the place is told."""
    with pytest.raises(InvalidSQL, match="not from what they were") as refused:
        parse_sql(f"SELECT 1 AS n\nFROM mart.t at ({when})", "tables/mart/u.sql")

    assert str(refused.value.place) == "tables/mart/u.sql:2:13"
