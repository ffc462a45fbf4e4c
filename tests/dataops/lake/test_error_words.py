"""What the engine says, in our words: the file, the storage or the server that is meant, and nothing secret."""

from __future__ import annotations

import duckdb
import pytest

from ropewalk.dataops.lake import (
    CatalogUnreachable,
    FileDamaged,
    InvalidQuery,
    LakeFailed,
    QueryTooLarge,
    SnapshotMissing,
    StorageUnreachable,
    TableMissing,
    translate_error,
)

FILE = "/lake/data/mart/a/ducklake-0190b5f4-6c3e-7d2a-8f00-1234567890ab.parquet"


@pytest.fixture(scope="module")
def connection():
    """Return an engine with one table."""
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE flights (carrier VARCHAR, delay INTEGER)")
        yield connection


def failed(connection, sql):
    """Return what the engine raises for `sql`."""
    with pytest.raises(duckdb.Error) as caught:
        connection.execute(sql)
    return caught.value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f'IO Error: Cannot open file "{FILE}": No such file or directory', "is gone"),
        (f"Invalid Input Error: No magic bytes found at end of file '{FILE}'", "is damaged"),
        (f"IO Error: File '{FILE}' too small to be a Parquet file", "is damaged"),
        (f"Invalid Error: TProtocolException: Invalid data: {FILE}", "is damaged"),
    ],
)
def test_file_of_the_lake_is_named(text, said):
    """A file that is gone or damaged is named, and whether it can be found out what needs it."""
    error = translate_error(duckdb.IOException(text))

    assert isinstance(error, FileDamaged)
    assert error.message == f"the file {FILE} of the lake {said}"
    assert "ropewalk lake verify" in error.hint


def test_detail_of_a_damaged_file_alone():
    """Of a file that is gone there is no more to say; of a damaged one the engine has the reason."""
    gone = translate_error(
        duckdb.IOException(f'IO Error: Cannot open file "{FILE}": No such file or directory')
    )
    damaged = translate_error(duckdb.IOException(f"IO Error: Corrupt footer in '{FILE}'"))

    assert gone.detail is None
    assert damaged.detail == f"Corrupt footer in '{FILE}'"


def test_file_of_somebody_else_is_no_file_of_the_lake():
    """A Parquet file with another name is not blamed on the lake."""
    error = translate_error(duckdb.IOException('IO Error: Cannot open file "/tmp/x.parquet": No such file'))

    assert type(error) is LakeFailed


def test_storage_that_cannot_be_reached():
    """The hint names the variables that credentials and endpoint come from."""
    text = "IO Error: Could not establish connection error for HTTP HEAD to 'http://store/bucket/a.parquet'"
    error = translate_error(duckdb.IOException(text))

    assert isinstance(error, StorageUnreachable)
    assert "AWS_ENDPOINT_URL" in error.hint


def test_catalogue_server_that_does_not_answer():
    """The password of the connection's own text is left out of the detail, too."""
    text = 'IO Error: Unable to connect to Postgres at "postgresql://me:hunter2@db/lake": connection refused'
    error = translate_error(duckdb.IOException(text))

    assert isinstance(error, CatalogUnreachable)
    assert "hunter2" not in str(error.as_json())


def test_full_disk_says_what_to_do():
    """Nothing was changed, and the same command works when there is room."""
    error = translate_error(duckdb.IOException("IO Error: Could not write: No space left on device"))

    assert isinstance(error, LakeFailed)
    assert error.hint.startswith("make room")
    assert error.detail is None


def test_detail_is_what_the_sentence_leaves_out():
    """What the engine adds below its first paragraph is kept, and only then."""
    short = translate_error(duckdb.IOException("IO Error: odd"))
    long = translate_error(duckdb.IOException("IO Error: odd\n\nand more of it"))

    assert (short.message, short.detail) == ("odd", None)
    assert (long.message, "and more of it" in long.detail) == ("odd", True)


def test_query_that_needs_too_much_memory():
    """It is told apart from one that took too long, and says how to ask for less."""
    error = translate_error(duckdb.OutOfMemoryException("Out of Memory Error: failed to allocate"))

    assert isinstance(error, QueryTooLarge)
    assert "--memory" in error.hint


def test_snapshot_that_is_not_kept():
    """Its number is said, and what removes snapshots."""
    error = translate_error(
        duckdb.InvalidInputException("Invalid Input Error: No snapshot found at version 7")
    )

    assert isinstance(error, SnapshotMissing)
    assert (error.message, "gc" in error.hint) == ("the lake has no snapshot 7", True)


@pytest.mark.parametrize(
    ("sql", "line", "column", "nearest"),
    [
        ("SELECT carier FROM flights", 1, 8, "carrier"),
        ("SELECT 1,\n  f.delai\nFROM flights f", 2, 3, "delay"),
        ("SELECT 'ü', dely FROM flights", 1, 13, "delay"),
        ("SELECT qqqqqqqqqq FROM flights", 1, 8, None),
    ],
)
def test_column_that_is_not_there(connection, sql, line, column, nearest):
    """Line and column of the name, and the nearest of the table's own columns."""
    error = translate_error(failed(connection, sql), path="a.sql")

    assert isinstance(error, InvalidQuery)
    assert (error.place.path, error.place.line, error.place.column) == ("a.sql", line, column)
    assert error.nearest == nearest


def test_lines_count_from_where_the_sql_stands(connection):
    """SQL below a header of three lines has its errors at the file's lines."""
    error = translate_error(
        failed(connection, "SELECT 1\nFROM flights WHERE WHERE"), path="a.sql", first_line=4
    )

    assert error.place.line == 5


def test_excerpt_points_with_a_caret(connection):
    """The line of SQL is shown, with the caret below the place and without the engine's own prefix."""
    error = translate_error(failed(connection, "SELECT carier FROM flights"))

    assert error.detail == "SELECT carier FROM flights\n       ^"


def test_nearest_table_without_its_schema():
    """Who forgot or mistook the schema is shown the full name."""
    error = duckdb.CatalogException("Catalog Error: Table with name flihgts does not exist!")

    found = translate_error(error, ("mart.flights", "staging.people"))

    assert isinstance(found, TableMissing)
    assert found.nearest == "mart.flights"


def test_sentence_is_without_class_and_candidates():
    """Neither the engine's class nor its lists of candidates are part of the one sentence."""
    text = "Binder Error: No function matches f(INTEGER)\n\tCandidate functions:\n\tf(VARCHAR)"

    assert translate_error(duckdb.BinderException(text)).message == "No function matches f(INTEGER)"


def test_type_that_the_lake_cannot_keep():
    """The type is named, and that a cast helps."""
    text = "Not implemented Error: unsupported type BIT"
    error = translate_error(duckdb.NotImplementedException(text))

    assert error.message == "the lake cannot keep a column of type BIT"
    assert "cast" in error.hint
