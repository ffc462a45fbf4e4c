"""The small parts: names, extensions, retries and the translation of the engine's errors."""

from __future__ import annotations

import duckdb
import pytest

from ropewalk.dataops.lake import (
    ExtensionMissing,
    InvalidQuery,
    LakeFailed,
    QueryTimeout,
    TableMissing,
    TableName,
    literal,
    quote,
    translate_error,
)
from ropewalk.dataops.lake.extensions import connect, extension_path
from ropewalk.dataops.lake.retry import is_locked, retry_locked

LOCKED = duckdb.IOException("IO Error: Failed to commit: database is locked")


@pytest.mark.parametrize("text", ["plain", 'with "quotes"', "it's", "ünï", "semi;colon", "--", "new\nline"])
def test_quoting_is_read_back_by_duckdb(text: str) -> None:
    """A name or a text comes back from the engine as it went in."""
    with duckdb.connect() as connection:
        result = connection.execute(f"SELECT {literal(text)} AS {quote(text)}")

        assert result.description[0][0] == text
        assert result.fetchall() == [(text,)]


@pytest.mark.parametrize(("value", "sql"), [(None, "NULL"), (3, "3"), (-1, "-1"), ("3", "'3'")])
def test_literals(value: str | int | None, sql: str) -> None:
    """Numbers and nothing need no quotes."""
    assert literal(value) == sql


def test_a_table_name() -> None:
    """It shows plainly and is quoted in SQL."""
    name = TableName.parse("mart.flight_features")

    assert (str(name), name.sql) == ("mart.flight_features", '"lake"."mart"."flight_features"')


def test_extensions_come_from_their_wheels() -> None:
    """The files are inside the installed packages, for this DuckDB."""
    for name in ("ducklake", "sqlite_scanner"):
        path = extension_path(name)

        assert path.is_file()
        assert duckdb.__version__ in str(path)


def test_an_extension_that_is_not_installed() -> None:
    """The error says which package to install."""
    with pytest.raises(ExtensionMissing) as caught:
        extension_path("no_such")

    assert caught.value.hint == f"install duckdb-extension-no-such=={duckdb.__version__}"


def test_the_engine_fetches_nothing_by_itself() -> None:
    """Extensions are neither installed nor loaded on their own, and the clock is UTC."""
    with connect() as connection:
        for setting in ("autoinstall_known_extensions", "autoload_known_extensions"):
            row = connection.execute(f"SELECT current_setting('{setting}')").fetchone()
            assert row == (False,)
        with connection.cursor() as cursor:
            assert cursor.execute("SELECT current_setting('TimeZone')").fetchone() == ("UTC",)


def test_a_locked_catalogue_is_asked_again() -> None:
    """The answer comes after two refusals."""
    answers = iter([LOCKED, LOCKED, "answer"])

    def read() -> str:
        answer = next(answers)
        if isinstance(answer, duckdb.Error):
            raise answer
        return answer

    assert retry_locked(read) == "answer"


def test_other_errors_are_not_retried() -> None:
    """A wrong query fails at once."""
    calls: list[int] = []

    def read() -> None:
        calls.append(1)
        raise duckdb.BinderException("Binder Error: no")

    with pytest.raises(duckdb.BinderException):
        retry_locked(read)
    assert calls == [1]


def test_a_lock_that_stays_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """After some attempts the engine's own error comes through."""
    monkeypatch.setattr("ropewalk.dataops.lake.retry.FIRST_PAUSE_S", 0.0001)

    def read() -> None:
        raise LOCKED

    with pytest.raises(duckdb.IOException):
        retry_locked(read)
    assert is_locked(LOCKED)


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (duckdb.InterruptException("INTERRUPT Error: Interrupted!"), QueryTimeout, "stopped"),
        (duckdb.IOException("IO Error: disk full"), LakeFailed, "disk full"),
        (duckdb.BinderException("Binder Error: odd thing\nmore"), InvalidQuery, "odd thing more"),
        (duckdb.CatalogException('Catalog Error: Table with name x does not exist!\nDid you mean "y"?'),
         TableMissing, "there is no table 'x'"),
        (duckdb.OutOfRangeException("Out of Range Error: Overflow"), InvalidQuery, "Overflow"),
    ],
)  # fmt: skip
def test_errors_are_translated_by_kind(error: duckdb.Error, kind: type[Exception], message: str) -> None:
    """Each kind of engine error has its class here, and says it in one sentence."""
    translated = translate_error(error)

    assert type(translated) is kind
    assert message in translated.message


def test_a_suggestion_of_the_engine_is_kept() -> None:
    """Without tables of our own the engine's suggestion stands in."""
    error = duckdb.CatalogException('Catalog Error: Table with name x does not exist!\nDid you mean "y"?')

    assert translate_error(error).nearest == "y"
    assert translate_error(error, ("mart.flights",)).nearest is None


def test_a_shortened_line_gives_no_column() -> None:
    """DuckDB shows long lines from their middle: the line is certain, the column is not."""
    error = duckdb.ParserException("Parser Error: syntax error\n\nLINE 7: ...FROM y z\n                    ^")

    place = translate_error(error, path="a.sql").place

    assert str(place) == "a.sql:7"
