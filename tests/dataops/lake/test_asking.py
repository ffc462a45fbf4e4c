"""Asking the lake: limits, bound values, and answers as files."""

from __future__ import annotations

import io
from collections.abc import Iterator

import duckdb
import pyarrow as pa
import pytest

from ropewalk.dataops.lake import (
    Asking,
    InvalidQuery,
    Lake,
    QueryNotAllowed,
    QueryTimeout,
    QueryTooLarge,
    read_memory,
)

ROWS = "SELECT i AS a, 'x' || i AS b FROM range(5) t(i)"


@pytest.fixture(scope="module")
def asked(tmp_path_factory) -> Iterator[Lake]:
    """Return a lake with one table, only to be asked."""
    with Lake(tmp_path_factory.mktemp("lake")) as made:
        with made.transaction("made by a test") as transaction:
            transaction.replace("mart.t", ROWS)
        yield made


@pytest.mark.parametrize(("limit", "rows", "is_complete"), [(4, 4, False), (5, 5, True), (6, 5, True)])
def test_rows_are_limited(asked, limit, rows, is_complete):
    """No more than asked for, and whether there are more is known exactly."""
    result = asked.ask("FROM mart.t", Asking(limit))

    assert (len(result.rows), result.is_complete) == (rows, is_complete)


def test_values_are_bound(asked):
    """A value is one of its type, whatever it looks like, and gone with the answer."""
    text = "'); DROP TABLE x; --"
    values = {"a": ("BIGINT", "3"), "b": ("VARCHAR", text)}

    result = asked.ask(
        "SELECT a, getvariable('b') FROM mart.t WHERE a > getvariable('a')", Asking(values=values)
    )

    assert result.rows == ((4, text),)
    assert asked.ask("SELECT getvariable('b')", Asking()).rows == ((None,),)


def test_value_of_another_type(asked):
    """What is none of the type is refused by the engine too."""
    with pytest.raises(InvalidQuery, match="Could not convert"):
        asked.ask("SELECT getvariable('a')", Asking(values={"a": ("BIGINT", "three")}))


def test_answer_as_parquet(asked, tmp_path):
    """The bytes are those of a file, and nothing of it stays behind."""
    result = asked.ask("FROM mart.t", Asking(3, form="parquet"))
    (tmp_path / "a.parquet").write_bytes(result.content)

    with duckdb.connect() as connection:
        found = connection.execute(f"SELECT count(*), max(b) FROM '{tmp_path / 'a.parquet'}'").fetchall()
    assert found == [(3, "x2")]
    assert (result.rows, result.is_complete) == ((), False)
    assert list(asked.folder.rglob("answer-*")) == []


def test_answer_as_arrow(asked):
    """The bytes are a stream of Arrow."""
    content = asked.ask("SELECT a FROM mart.t", Asking(form="arrow")).content

    with pa.ipc.open_stream(io.BytesIO(content)) as reader:
        assert reader.read_all().column("a").to_pylist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("form", ["rows", "parquet", "arrow"])
def test_fences_stand_for_every_form(asked, form):
    """What may not be asked for rows may not be asked for files."""
    with pytest.raises(QueryNotAllowed):
        asked.ask("COPY (SELECT 1) TO 'x.csv'", Asking(form=form))
    with pytest.raises(QueryNotAllowed):
        asked.ask("FROM read_csv('/etc/passwd')", Asking(form=form))


def test_time_is_limited(asked):
    """A query that takes longer is stopped."""
    with pytest.raises(QueryTimeout):
        asked.ask("SELECT count(*) FROM range(100000000) a, range(1000) b", Asking(timeout_s=0.1))


def test_memory_is_limited(asked):
    """A query that needs more is stopped, and the next one is answered."""
    with pytest.raises(QueryTooLarge):
        asked.ask("SELECT len(list(i)) FROM range(40000000) t(i)", Asking(memory="60MB"))

    assert asked.ask("SELECT 1", Asking(memory="60MB")).rows == ((1,),)


@pytest.mark.parametrize("text", ["512MB", "2GB", " 1.5GiB ", "100 KB"])
def test_amounts_of_memory(text):
    """Sizes as the engine writes them."""
    assert read_memory(text) == text.strip()


@pytest.mark.parametrize("text", ["", "lots", "1", "2GB'; SET x = 1; --", "-1GB", "12345678GB"])
def test_amounts_that_are_none(text):
    """Anything else never reaches the engine."""
    with pytest.raises(InvalidQuery):
        read_memory(text)
