"""The parts of computing elsewhere that ask no server: translation, names, and the rows that come back."""

from __future__ import annotations

import duckdb
import pytest
from pydantic import ValidationError

from ropewalk.dataops.lake import Column, InvalidQuery
from ropewalk.dataops.warehouse import Engine, rows_sql, translate
from ropewalk.dataops.warehouse.computing import _by_digest, _environment_schema, _named

PLACES = {"mart.t": ("rw", "t__d1"), "mart.u": ("rw", "u__d2")}
ENGINE = Engine.model_validate({"kind": "postgres", "url": "secret://X"})
COLUMNS = [Column("Id", "BIGINT"), Column("tags", "VARCHAR[]")]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("FROM mart.t", 'SELECT * FROM "rw"."t__d1" AS "t"'),
        ("SELECT A FROM Mart.T", 'SELECT "a" FROM "rw"."t__d1" AS "t"'),
        ("SELECT x.a FROM mart.t X", 'SELECT "x"."a" FROM "rw"."t__d1" AS "x"'),
        (
            "SELECT a FROM mart.t UNION ALL SELECT a FROM mart.u",
            'SELECT "a" FROM "rw"."t__d1" AS "t" UNION ALL SELECT "a" FROM "rw"."u__d2" AS "u"',
        ),
        (
            "SELECT a, max(b) + 1 AS m, upper(c) FROM mart.t GROUP BY ALL",
            'SELECT "a", MAX("b") + 1 AS "m", UPPER("c") FROM "rw"."t__d1" AS "t" GROUP BY 1, 3',
        ),
        (
            "SELECT n FROM (SELECT a, count(*) AS n FROM mart.t GROUP BY ALL)",
            'SELECT "n" FROM (SELECT "a", COUNT(*) AS "n" FROM "rw"."t__d1" AS "t" GROUP BY 1)',
        ),
        (
            "SELECT * FROM mart.t JOIN mart.u USING (A)",
            'SELECT * FROM "rw"."t__d1" AS "t" JOIN "rw"."u__d2" AS "u" USING ("a")',
        ),
        ("SELECT a FROM mart.other", 'SELECT "a" FROM "mart"."other"'),
    ],
)
def test_translated(sql, expected):
    """Wherever a table stands it gets its name there, and groups are spelled out where they are."""
    assert translate(sql, PLACES) == expected


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT a; SELECT b", "not one SELECT"),
        ("DROP TABLE mart.t", "not one SELECT"),
        ("DELETE FROM mart.t", "not one SELECT"),
        ("SELECT t.*, count(*) AS n FROM mart.t GROUP BY ALL", "beside \\*: name the columns"),
        ("SELECT a FROM (SELECT *, sum(b) FROM mart.t GROUP BY ALL)", "beside \\*"),
        ("SELECT (", "Line 1"),
        ("SELECT a FROM", "Expected table name"),
    ],
)
def test_what_cannot_be_said_there(sql, said):
    """More than one statement, none that asks, and groups that nobody can number are refused with a reason."""
    with pytest.raises(ValueError, match=said) as caught:
        translate(sql, PLACES)

    assert str(caught.value).isprintable()


def test_names_begin_with_the_table_and_end_with_content():
    """The same rows have the same name, whatever case their table was written in."""
    assert _by_digest("Mart.Flights", "ab" * 32) == "mart_flights__dabababababababa"
    assert _named("mart.flights", "k" * 64) == f"mart_flights__{'k' * 16}"


@pytest.mark.parametrize("table", ["mart." + "x" * 90, "mart." + "ü" * 60, "mart." + "語" * 40])
def test_long_names_keep_their_digest(table):
    """PostgreSQL cuts a name after 63 bytes, so that it is cut here, before what tells versions apart."""
    first, second = (_by_digest(table, digit * 64) for digit in "12")

    assert first != second
    assert max(len(name.encode()) for name in (first, second)) <= 63


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ("dev", "ropewalk_dev_mart"),
        ("Fix/#12", "ropewalk_fix__12_mart"),
        ("x" * 49, f"ropewalk_{'x' * 49}_mart"),
    ],
)
def test_schema_of_an_environment(environment, expected):
    """It says whose it is, as far as a schema can be called so."""
    assert _environment_schema(ENGINE, environment, "mart") == expected


def test_environments_with_long_names_do_not_meet():
    """Two that differ only where the name is cut have schemas of their own."""
    schemas = {_environment_schema(ENGINE, "feature-" + "x" * 60 + end, "mart") for end in "ab"}

    assert len(schemas) == 2
    assert all(len(name.encode()) <= 63 and name.startswith("ropewalk_feature_") for name in schemas)


@pytest.mark.parametrize("schema", ["", "Upper", "1a", "a-b", 'a"b', "a" * 25, "a\n"])
def test_schemas_that_no_engine_has(schema):
    """Each environment's schemas begin with it: short, and in letters that need no quotes."""
    with pytest.raises(ValidationError):
        Engine.model_validate({"kind": "postgres", "url": "secret://X", "schema": schema})


@pytest.mark.parametrize(
    "option", [{"table": "x"}, {"kind": "mysql"}, {"url": "postgresql://a:b@h/d"}, {"tables": "x"}]
)
def test_options_that_no_engine_has(option):
    """An engine has no table of its own, is a PostgreSQL, and keeps its password elsewhere."""
    with pytest.raises(ValidationError):
        Engine.model_validate({"kind": "postgres", "url": "secret://X", **option})


@pytest.fixture(scope="module")
def came(tmp_path_factory):
    """Return an engine, and a file of rows as PostgreSQL gives them: names in lower case, lists as JSON."""
    path = tmp_path_factory.mktemp("came") / "rows.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT 1::INTEGER AS id, '[\"a\",null]' AS tags) TO '{path}' (FORMAT parquet)"
        )
        yield connection, path


def test_rows_get_the_names_and_types_of_the_lake(came):
    """What came back is cast to what the lake would have computed, lists included."""
    connection, path = came

    relation = connection.sql(rows_sql(connection, path, COLUMNS))

    assert list(zip(relation.columns, map(str, relation.types), strict=True)) == [
        ("Id", "BIGINT"),
        ("tags", "VARCHAR[]"),
    ]
    assert relation.fetchall() == [(1, ["a", None])]


@pytest.mark.parametrize("columns", [COLUMNS[:1], [*COLUMNS, Column("more", "DATE")], []])
def test_other_columns_than_the_lake_would_give(came, columns):
    """A star may mean something else there: both numbers are said, and what to do."""
    with pytest.raises(InvalidQuery, match=f"gives 2 columns, and here there are {len(columns)}") as caught:
        rows_sql(*came, columns)

    assert "instead of *" in caught.value.hint
