"""What programs are told and what they answer, types in JSON, and what a body says of itself."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from ropewalk.dataops.lake import Column
from ropewalk.dataops.sources.bodies import Body
from ropewalk.dataops.sources.csv_files import CSVTypes
from ropewalk.dataops.sources.driver_sql import driver_query, table_path
from ropewalk.dataops.sources.errors import InvalidSource, SecretMissing, SourceBroken
from ropewalk.dataops.sources.landing import LandingRules
from ropewalk.dataops.sources.record_columns import json_relation
from ropewalk.dataops.sources.rows_job import RowsAnswer, RowsJob, read_answer, write_answer
from ropewalk.dataops.sources.secrets import resolve_nested
from ropewalk.dataops.sources.typed_rows import typed_relation
from ropewalk.errors import Place

PLACE = Place("ropewalk.yaml", 3, 3)


def job(since: str | None = None, **options: object) -> RowsJob:
    given = dict.fromkeys(RowsJob._fields)
    return RowsJob(
        **{**given, "options": {"table": None, "query": None, "cursor": "at", **options}, "since": since}
    )  # type: ignore[arg-type]


def body(content: object) -> Body:
    return Body.parse(json.dumps(content).encode(), "page 1", PLACE)


@pytest.mark.parametrize(
    ("given", "sql"),
    [
        (job(table="orders"), 'SELECT * FROM "orders"'),
        (job(table='shop."odd ""t"'), 'SELECT * FROM "shop"."odd ""t"'),
        (job(query=" SELECT 1 -- all;\n; "), "SELECT * FROM (\nSELECT 1 -- all;\n\n) AS q"),
    ],
)
def test_what_a_driver_is_asked(given: RowsJob, sql: str) -> None:
    """A query may end in a comment or a semicolon."""
    assert driver_query(given).replace("\n\n", "\n") == sql.replace("\n\n", "\n")


@pytest.mark.parametrize(
    ("since", "value"),
    [
        ("5", "5"),
        ("-1.5", "-1.5"),
        ("1e9", "1e9"),
        ("it's", "'it''s'"),
        ("5; DROP TABLE x", "'5; DROP TABLE x'"),
    ],
)
def test_a_watermark_in_a_question(since: str, value: str) -> None:
    """Only a number is written as it is; rows without a cursor always come."""
    sql = driver_query(job(since, table="orders", cursor='a"t'))

    assert sql == f'SELECT * FROM "orders" WHERE "a""t" >= {value} OR "a""t" IS NULL'


def test_a_table_that_cannot_be_named() -> None:
    """It is refused before the database sees it; a query names none."""
    assert table_path(job(query="SELECT 1")) is None
    with pytest.raises(InvalidSource, match="is not the name of a table"):
        driver_query(job(table='a"b'))


@pytest.mark.parametrize(
    "answer",
    [
        RowsAnswer(),
        RowsAnswer(3, "5", {"write": "merge", "key": ["id"]}),
        RowsAnswer(error="ValueError: ü", place=("sources/a.py", 7)),
        RowsAnswer(missing="adbc", not_found=True),
    ],
)
def test_answers_of_programs(tmp_path: Path, answer: RowsAnswer) -> None:
    """They are read as they were written, and nothing half-written is left."""
    write_answer(answer, tmp_path / "answer.json")

    assert read_answer(tmp_path / "answer.json") == answer
    assert [path.name for path in tmp_path.iterdir()] == ["answer.json"]


def test_a_process_that_ended_without_an_answer(tmp_path: Path) -> None:
    """There is none."""
    assert read_answer(tmp_path / "answer.json") is None


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "-5"], "BIGINT"),
        (["1", "18446744073709551615"], "DECIMAL(38,0)"),
        (["null"], "VARCHAR"),
        (['{"x": 1}', "null"], "JSON"),
        (['{"x": 1}', "[1]"], "JSON"),
        (['"2013-01-01T00:00:00Z"'], "TIMESTAMP WITH TIME ZONE"),
        (['"2013-01-01T00:00:00+0530"'], "TIMESTAMP WITH TIME ZONE"),
        (['"2013-01-01T00:00:00"'], "TIMESTAMP"),
        (["true"], "BOOLEAN"),
        (['"a"', "1"], "JSON"),
    ],
)
def test_types_of_records(tmp_path: Path, values: list[str], kind: str) -> None:
    """Found over all of them; a column of nothing is text."""
    (tmp_path / "rows").write_text("".join(f'{{"a": {value}}}\n' for value in values))
    with duckdb.connect() as connection:
        relation = json_relation(connection, tmp_path / "rows", {})
        rows = connection.execute(relation.sql).fetchall()

    assert relation.columns == (Column("a", kind),)
    assert len(rows) == len(values)


def test_rows_whose_types_are_known(tmp_path: Path) -> None:
    """Columns come in the order told; what a record lacks is NULL, and what is not told of is left out."""
    (tmp_path / "it's").write_text('{"b": "x", "other": 1}\n{"a": 7}\n')
    relation = typed_relation(tmp_path / "it's", {"a": "BIGINT", "b": "VARCHAR"})

    with duckdb.connect() as connection:
        assert connection.execute(relation.sql).fetchall() == [(None, "x"), (7, None)]


@pytest.mark.parametrize(
    ("wanted", "kind", "read_as"),
    [
        ({}, "DOUBLE", "DOUBLE"),
        ({"a": "BIGINT"}, "BIGINT", "VARCHAR"),
        ({"a": "DATE"}, "DATE", "VARCHAR"),
        ({"a": "BOOLEAN"}, "BOOLEAN", "VARCHAR"),
        ({"a": "VARCHAR"}, "VARCHAR", "VARCHAR"),
        ({"b": "BIGINT"}, "DOUBLE", "DOUBLE"),
    ],
)
def test_types_that_csv_is_read_in(wanted: dict[str, str], kind: str, read_as: str) -> None:
    """As text where a cast inside the reader could lose something; what was never found is text."""
    types = CSVTypes({"a": "DOUBLE"}, wanted)

    assert (types.of("A"), types.read_as("A"), types.of("x")) == (kind, read_as, "VARCHAR")


@pytest.mark.parametrize(
    ("value", "text", "number", "is_false"),
    [
        (0, None, None, True),
        (5, "5", 5, False),
        ("12", "12", 12, False),
        ("²", "²", None, False),
        (-5, "-5", None, False),
        (2.5, "2.5", None, False),
        ("0", "0", 0, True),
        (False, None, None, True),
        ([], None, None, True),
    ],
)
def test_what_a_body_says_of_itself(
    value: object, text: str | None, number: int | None, is_false: bool
) -> None:
    """Numbers are whole and written in digits; zero, false and nothing are the end."""
    found = body({"meta": {"x": value}})

    assert (found.text_at("meta.x"), found.number_at("meta.x"), found.is_false_at("meta.x")) == (
        text,
        number,
        is_false,
    )


@pytest.mark.parametrize(
    ("content", "where"),
    [(b'{"a": 1,\n "b": }', "line 2, column 7"), (b"", "it is empty"), (b"[" * 200_000, "line 1, column 1")],
)
def test_where_a_body_is_broken(content: bytes, where: str) -> None:
    """Line and column, and never the process's patience."""
    with pytest.raises(SourceBroken, match="page 1 is not JSON") as caught:
        Body.parse(content, "page 1", PLACE)

    assert where in caught.value.message
    assert len(caught.value.detail or "") <= 120


def test_a_log_in_page() -> None:
    """It is told from broken JSON by what it calls itself, or by how it begins."""
    for content, kind in ((b"Sign in", "text/HTML; charset=x"), (b" \n<!DOCTYPE html>", "")):
        with pytest.raises(SourceBroken, match="is not JSON but a web page") as caught:
            Body.parse(content, "page 1", PLACE, kind)
        assert "check url and auth" in str(caught.value.hint)


def test_secrets_at_any_depth() -> None:
    """Only whole texts are names of secrets; a missing one is named, with the nearest."""
    given = {"a": ["secret://KEY", {"b": "secret://KEY"}], "c": "not secret://KEY", "d": 5, "e": None}

    found = resolve_nested(given, {"KEY": "hunter2"})

    assert found == {"a": ["hunter2", {"b": "hunter2"}], "c": "not secret://KEY", "d": 5, "e": None}
    with pytest.raises(SecretMissing, match="'KYE' is not set") as caught:
        resolve_nested([["secret://KYE"]], {"KEY": "hunter2"})
    assert (caught.value.nearest, "hunter2" in str(caught.value.as_json())) == ("KEY", False)


def test_found_types_stand_back_behind_declared_ones() -> None:
    """Whatever the case of the name."""
    rules = LandingRules("append", types={"A": "DATE"}).with_found(
        [Column("a", "DOUBLE"), Column("b", "BIGINT")]
    )

    assert rules.types == {"A": "DATE", "b": "BIGINT"}
