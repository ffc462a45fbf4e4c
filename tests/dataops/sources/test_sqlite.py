"""SQLite databases: tables, views and queries, read-only, with what SQLite's loose typing brings."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ropewalk.pipeline import Status

TABLE = "{kind: sqlite, path: planes.db, table: planes}"


def write_database(project, *statements: str) -> Path:
    """Run statements on the project's database, which is made when missing."""
    path = project.root / "planes.db"
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)
    return path


@pytest.fixture
def planes(project):
    """Return a project with a database of two planes."""
    write_database(
        project,
        "CREATE TABLE planes (tailnum TEXT PRIMARY KEY, year INTEGER, speed REAL)",
        "INSERT INTO planes VALUES ('N1', 1998, 1.5), ('N2', NULL, 2)",
        "CREATE VIEW old AS SELECT tailnum FROM planes WHERE year < 2000",
        'CREATE TABLE "odd name" ("a b" INTEGER)',
    )
    return project.declare(TABLE)


def rows(project) -> list[tuple[object, ...]]:
    return project.rows("SELECT *")


def test_a_table_is_loaded(planes) -> None:
    """With its types, and where it came from."""
    output = planes.load()

    assert rows(planes) == [("N1", 1998, 1.5), ("N2", None, 2.0)]
    assert planes.types() == {"tailnum": "VARCHAR", "year": "BIGINT", "speed": "DOUBLE"}
    assert output.origins == ("sqlite:planes.db#planes",)
    assert output.summary == {"rows": 2, "added": 2}


def test_a_second_run_does_nothing(planes) -> None:
    """The file's digest is all that is looked at."""
    planes.load()
    before = planes.lake.snapshot()

    assert planes.is_hit()
    assert planes.lake.snapshot() == before


def test_a_changed_database_is_loaded_again(planes) -> None:
    """The table then holds what the database has."""
    planes.load()
    write_database(
        planes, "DELETE FROM planes WHERE tailnum = 'N1'", "INSERT INTO planes VALUES ('N3', 2013, 3)"
    )

    assert planes.plan().status is Status.STALE
    planes.load()

    assert [row[0] for row in rows(planes)] == ["N2", "N3"]


def test_a_change_elsewhere_in_the_database_writes_no_data(planes) -> None:
    """The table's digest stays, so nothing downstream runs."""
    digest = planes.load().digest
    write_database(planes, "CREATE TABLE other (a)")

    assert planes.load().digest == digest


def test_a_change_in_the_write_ahead_log_is_seen(planes) -> None:
    """A writer that has not been checkpointed yet counts too."""
    path = write_database(planes, "PRAGMA journal_mode = WAL")
    planes.load()

    with closing(sqlite3.connect(path)) as writer:
        writer.execute("INSERT INTO planes VALUES ('N9', 2013, 3)")
        writer.commit()
        planes.load()

        assert len(rows(planes)) == 3


def test_loading_changes_nothing_in_the_database(planes) -> None:
    """It is opened read-only."""
    before = (planes.root / "planes.db").read_bytes()

    planes.load()

    assert (planes.root / "planes.db").read_bytes() == before


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("table: old", [("N1",)]),
        ('table: "odd name"', []),
        ('query: "SELECT tailnum, year + 1 AS next FROM planes WHERE year IS NOT NULL"', [("N1", 1999)]),
        ('query: "SELECT p.tailnum FROM planes p JOIN old USING (tailnum) -- a comment"', [("N1",)]),
    ],
)
def test_views_and_queries(planes, entry: str, expected: list[tuple[object, ...]]) -> None:
    """A view is a table; a query is DuckDB's SQL over the database's tables."""
    planes.declare(f"{{kind: sqlite, path: planes.db, {entry}}}").load()

    assert rows(planes) == expected


def test_declared_types(planes) -> None:
    """A type of the declaration wins over the database's."""
    planes.declare(
        "{kind: sqlite, path: planes.db, table: planes, types: {year: SMALLINT, speed: VARCHAR}}"
    ).load()

    assert planes.types() == {"tailnum": "VARCHAR", "year": "SMALLINT", "speed": "VARCHAR"}
    assert rows(planes)[0] == ("N1", 1998, "1.5")


def test_text_in_a_number_column(planes) -> None:
    """SQLite takes it, we name it, and the declaration can take it as text."""
    write_database(planes, "INSERT INTO planes VALUES ('N3', 'unknown', 3)")

    error = planes.fail()
    planes.declare("{kind: sqlite, path: planes.db, table: planes, types: {year: VARCHAR}}").load()

    assert (error.code, error.hint) == ("RW127", "types: {year: VARCHAR} takes it as text")
    assert "'unknown'" in error.message
    assert [row[1] for row in rows(planes)] == ["1998", None, "unknown"]


def test_a_value_that_does_not_fit_the_declared_type(planes) -> None:
    """A fraction is not rounded."""
    entry = "{kind: sqlite, path: planes.db, table: planes, types: {speed: INTEGER}, schema: freeze}"

    error = planes.declare(entry).fail()

    assert (error.code, str(error.place)) == ("RW127", "planes.db")
    assert "column 'speed': '1.5' is not an INTEGER" in error.message


@pytest.mark.parametrize(
    ("entry", "code", "nearest"),
    [
        ("table: plains", "RW226", "planes"),
        ("table: sqlite_schema", "RW226", None),
        ('query: "SELECT * FROM plains"', "RW220", "planes"),
        ('query: "SELECT tailnumm FROM planes"', "RW123", "tailnum"),
        ('query: "SELEC 1"', "RW123", None),
        ('query: "SELECT 1 AS a; DROP TABLE planes"', "RW123", None),
        ("table: planes, types: {yaer: INTEGER}", "RW227", "year"),
        ("table: planes, types: {year: INTEGRE}", "RW125", "INTEGER"),
    ],
)
def test_wrong_declarations(planes, entry: str, code: str, nearest: str | None) -> None:
    """Each gets its code and the nearest valid name, and leaves the lake as it was."""
    planes.load()
    before = planes.lake.snapshot()

    error = planes.declare(f"{{kind: sqlite, path: planes.db, {entry}}}").fail()

    assert (error.code, error.nearest) == (code, nearest)
    assert planes.lake.snapshot() == before


def test_a_missing_file(project) -> None:
    """The nearest file is named."""
    write_database(project, "CREATE TABLE planes (a)")

    error = project.declare("{kind: sqlite, path: plane.db, table: planes}").fail()

    assert (error.code, error.nearest) == ("RW225", "planes.db")


def test_a_file_that_is_no_database(project) -> None:
    """It is said so, with its path."""
    project.write("planes.db", b"this is not a database" * 100)

    error = project.declare(TABLE).fail()

    assert (error.code, str(error.place)) == ("RW126", "planes.db")


def test_an_empty_file_has_no_tables(project) -> None:
    """SQLite takes an empty file for an empty database."""
    project.write("planes.db", b"")

    assert project.declare(TABLE).fail().code == "RW226"


def test_a_query_cannot_write(planes) -> None:
    """The database is attached read-only, and only a SELECT is taken."""
    planes.declare('{kind: sqlite, path: planes.db, query: "DELETE FROM planes"}')

    assert planes.fail().code == "RW123"
    with closing(sqlite3.connect(planes.root / "planes.db")) as connection:
        assert connection.execute("SELECT count(*) FROM planes").fetchone() == (2,)


def test_a_database_that_changes_while_it_is_read(planes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is loaded of a moving target."""
    from ropewalk.dataops.sources.sqlite import SQLiteLoader

    replace = SQLiteLoader._land

    def replace_and_change(self, transaction, database):
        table = replace(self, transaction, database)
        write_database(planes, "CREATE TABLE later (a)")
        return table

    monkeypatch.setattr(SQLiteLoader, "_land", replace_and_change)

    assert planes.fail().code == "RW325"
    assert planes.lake.table_names() == ()
