"""The metadata database: its migrations, its transactions, and what it refuses."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, nullcontext
from pathlib import Path

import pytest

from ropewalk.store import (
    Database,
    DatabaseBusy,
    DatabaseFailed,
    DatabaseTooNew,
    DatabaseUnusable,
    MigrationGap,
    RowRefused,
    now_ms,
)
from ropewalk.store.database import apply_migration, migrations, split_statements

OPEN = (
    "import sys; from ropewalk.store import Database; from pathlib import Path\n"
    "where = sys.argv[1] if '://' in sys.argv[1] else Path(sys.argv[1])\n"
)


THING = "CREATE TABLE thing (id INTEGER PRIMARY KEY, of INTEGER REFERENCES thing (id))"


@pytest.fixture
def database(where: Path | str) -> Iterator[Database]:
    """Return a database with a table of things, on each engine."""
    with closing(Database.open(where, busy_timeout_s=0.2)) as database:
        write(database, THING)
        yield database


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Database]:
    """Return a database with a table of things, as a SQLite file."""
    with closing(Database.open(tmp_path / "state/ropewalk.db", busy_timeout_s=0.2)) as database:
        write(database, THING)
        yield database


def write(database: Database, *statements: str, then: BaseException | None = None) -> None:
    """Run statements in one transaction, and raise `then` at their end."""
    with database.write() as connection:
        for statement in statements:
            connection.execute(statement)
        if then:
            raise then


def things(database: Database) -> list[int]:
    with database.read() as connection:
        return [row["id"] for row in connection.execute("SELECT id FROM thing ORDER BY id")]


def test_migrations_are_one_sequence() -> None:
    """The migrations of this build are numbered from 1 without a gap, and say so in their names."""
    found = migrations()

    assert [step.number for step in found] == list(range(1, len(found) + 1))
    assert all(step.name.startswith(f"{step.number:04}_") for step in found)


def test_migrated_file(file: Database) -> None:
    """A new file has the newest schema, a write-ahead log, and checks its references."""
    with file.read() as connection:
        pragmas = {
            name: connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("user_version", "journal_mode", "foreign_keys", "integrity_check")
        }

    assert pragmas == {
        "user_version": len(migrations()),
        "journal_mode": "wal",
        "foreign_keys": 1,
        "integrity_check": "ok",
    }


def test_every_table_is_strict(tmp_path: Path) -> None:
    """No table takes a value of another type than it declares."""
    database = Database.open(tmp_path / "a.db")

    with database.read() as connection:
        loose = connection.execute(
            "SELECT name FROM pragma_table_list WHERE schema = 'main' AND NOT strict AND name NOT LIKE 'sqlite_%'"
        ).fetchall()
    database.close()

    assert [row["name"] for row in loose] == []


@pytest.mark.parametrize("start", range(len(migrations())))
def test_migrating_from_every_version(tmp_path: Path, start: int) -> None:
    """A file that any earlier release left behind reaches the schema of a new one."""
    old = sqlite3.connect(tmp_path / "old.db", isolation_level=None)
    for step in migrations()[:start]:
        old.executescript(step.sql)
    old.execute(f"PRAGMA user_version = {start}")
    old.close()

    assert _schema(tmp_path / "old.db") == _schema(tmp_path / "new.db")


def _schema(path: Path) -> list[tuple[str, str]]:
    database = Database.open(path)
    with database.read() as connection:
        rows = connection.execute("SELECT name, sql FROM sqlite_schema ORDER BY name").fetchall()
    database.close()
    return [(row["name"], row["sql"]) for row in rows]


@pytest.mark.parametrize(
    "names", [["0002_b.sql"], ["0001_a.sql", "0003_c.sql"], ["0001_a.sql", "0001_b.sql"]]
)
def test_gap(tmp_path: Path, names: list[str]) -> None:
    """A missing number and one used twice stop the program before it touches a file."""
    for name in names:
        (tmp_path / name).write_text("SELECT 1;")

    with pytest.raises(MigrationGap, match="migrations are numbered"):
        migrations(tmp_path)


def test_other_files_are_no_migrations(tmp_path: Path) -> None:
    """Only files named NUMBER_words.sql are migrations."""
    for name in ("README.md", "1_a.sql", "0001_A.sql", "0001_a.sql.orig", "0001_first.sql"):
        (tmp_path / name).write_text("SELECT 1;")

    assert [step.name for step in migrations(tmp_path)] == ["0001_first.sql"]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("A;\nB;\n", ["A;\n", "B;\n"]),
        ("CREATE TABLE a (\n  x -- y;\n);", ["CREATE TABLE a (\n  x -- y;\n);"]),
        ("A;\nB without an end", ["A;\n", "B without an end"]),
        ("A;\n\n", ["A;\n"]),
        (
            "CREATE TRIGGER t AFTER INSERT ON a BEGIN\nSELECT 1;\nEND;\nB;",
            ["CREATE TRIGGER t AFTER INSERT ON a BEGIN\nSELECT 1;\nEND;\n", "B;"],
        ),
    ],
)
def test_statements_of_a_script(sql: str, expected: list[str]) -> None:
    """A script is split at the ends of its statements; a last one without a semicolon is not lost."""
    assert list(split_statements(sql)) == expected


def test_newer_file(tmp_path: Path) -> None:
    """A file of a newer Ropewalk is refused and left as it is."""
    newer = sqlite3.connect(tmp_path / "a.db")
    newer.execute("PRAGMA user_version = 9999")
    newer.close()

    with pytest.raises(DatabaseTooNew, match="schema 9999") as caught:
        Database.open(tmp_path / "a.db")

    assert caught.value.hint is not None
    assert "newer" in caught.value.hint


def test_file_that_is_no_database(tmp_path: Path) -> None:
    """A file of something else is refused, not overwritten."""
    path = tmp_path / "ropewalk.db"
    path.write_text("a letter, long enough to be no header\n" * 100)

    with pytest.raises(DatabaseUnusable, match="file is not a database"):
        Database.open(path)

    assert path.read_text().startswith("a letter")


def test_place_where_no_file_can_be(tmp_path: Path) -> None:
    """A state folder that is a file gives one clear error."""
    (tmp_path / "state").touch()

    with pytest.raises(DatabaseUnusable, match="cannot be used as the metadata database"):
        Database.open(tmp_path / "state/ropewalk.db")


def test_broken_migration_changes_nothing(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A migration that fails half-way leaves neither its first half nor its number."""
    broken = migrations()[0]._replace(number=len(migrations()) + 1, sql="CREATE TABLE half (a TEXT);\nNO;")
    steps = [*migrations(), broken]
    monkeypatch.setattr("ropewalk.store.database.migrations", lambda: steps)

    with pytest.raises(DatabaseFailed, match="syntax error"):
        database.migrate()

    with database.read() as connection:
        assert database.engine.schema_version(connection) == len(steps) - 1
    write(database, "CREATE TABLE half (b TEXT)")


def test_migration_that_another_process_has_just_made(database: Database) -> None:
    """A process that waited while another migrated finds the step done and leaves it."""
    with database.write() as connection:
        apply_migration(database.engine, connection, migrations()[0])

    assert things(database) == []


def test_processes_migrate_at_once(empty: Path | str) -> None:
    """Processes that open a new database at the same moment all find it migrated once."""
    command = [sys.executable, "-c", OPEN + "Database.open(where).close()", str(empty)]

    processes = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(6)]
    errors = [process.communicate()[1] for process in processes]

    assert errors == [""] * 6
    with closing(Database.open(empty)) as database, database.read() as connection:
        assert database.engine.schema_version(connection) == len(migrations())


def test_write_commits(database: Database) -> None:
    """What a write transaction did is there for every later reader."""
    _insert(database, 1)

    assert things(database) == [1]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_write_rolls_back(database: Database, error: type[BaseException]) -> None:
    """Any error, an interruption too, takes the whole transaction back; the next one works."""
    with pytest.raises(error):
        write(database, "INSERT INTO thing (id) VALUES (1)", then=error())

    assert things(database) == []


def test_failing_commit(file: Database) -> None:
    """A commit that is refused (here by a reference checked at its end) is rolled back as well."""
    with pytest.raises(RowRefused):
        write(file, "PRAGMA defer_foreign_keys = ON", "INSERT INTO thing (id, of) VALUES (1, 99)")

    _insert(file, 2)
    assert things(file) == [2]


def test_full_disk(file: Database) -> None:
    """When the disk is full SQLite ends the transaction itself; the caller sees that error."""
    big = "CREATE TABLE big AS SELECT zeroblob(10000000) AS a"
    with pytest.raises(DatabaseFailed, match="full"):
        write(file, "PRAGMA max_page_count = 1", big)

    assert things(file) == []


def test_transaction_that_ended_itself(database: Database) -> None:
    """An error after the transaction has already ended is not hidden by a second one."""
    with pytest.raises(RuntimeError, match="mine"):
        write(database, "ROLLBACK", then=RuntimeError("mine"))


def test_readers_see_one_state(database: Database) -> None:
    """A reader that began before a write sees the old state to its end."""
    with database.read() as connection:
        before = connection.execute("SELECT count(*) FROM thing").fetchone()[0]
        thread = threading.Thread(target=_insert, args=(database, 1))
        thread.start()
        thread.join()
        after = connection.execute("SELECT count(*) FROM thing").fetchone()[0]

    assert (before, after) == (0, 0)
    assert things(database) == [1]


def _insert(database: Database, number: int) -> None:
    with database.write() as connection:
        connection.execute("INSERT INTO thing (id) VALUES (?)", (number,))


def test_reading_keeps_nothing(file: Database) -> None:
    """What a reader writes by mistake is gone at its end."""
    with file.read() as connection:
        connection.execute("INSERT INTO thing (id) VALUES (1)")

    assert things(file) == []


def test_threads_take_turns(where: Path | str) -> None:
    """Threads that write at once wait for each other and lose nothing."""
    database = Database.open(where)
    write(database, THING)

    threads = [threading.Thread(target=_insert, args=(database, number)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert things(database) == list(range(20))
    database.close()


def test_busy(database: Database, where: Path | str) -> None:
    """A writer that waited in vain says which database is locked and what to do."""
    with closing(Database.open(where)) as other, other.write() as holder:
        # A server is asked for its lock along with the first statement.
        holder.execute("SELECT 1").fetchone()
        with pytest.raises(DatabaseBusy, match="has been locked by another process") as caught:
            _insert(database, 1)

    assert caught.value.hint
    assert caught.value.may_pass
    _insert(database, 1)


@pytest.mark.parametrize(("held_s", "busy_timeout_s"), [(0.1, 5.0), (0.5, 0.1)])
def test_new_file_that_another_process_is_making(
    tmp_path: Path, held_s: float, busy_timeout_s: float
) -> None:
    """While another process holds a new file, opening it waits as long as for any lock."""
    other = sqlite3.connect(tmp_path / "a.db", isolation_level=None, check_same_thread=False)
    other.execute("CREATE TABLE a (b)")
    other.execute("BEGIN IMMEDIATE")
    release = threading.Timer(held_s, other.close)
    release.start()

    with nullcontext() if held_s < busy_timeout_s else pytest.raises(DatabaseBusy, match="has been locked"):
        Database.open(tmp_path / "a.db", busy_timeout_s).close()
    release.join()


def test_write_within_a_write(database: Database) -> None:
    """A transaction inside another of the same thread is a mistake and is reported as SQLite does."""
    with database.write(), pytest.raises(DatabaseFailed, match="within a transaction"):
        _insert(database, 1)

    assert things(database) == []


def test_killed_writer(database: Database, where: Path | str) -> None:
    """A process killed inside a transaction leaves nothing of it, and no lock."""
    code = OPEN + (
        "d = Database.open(where)\n"
        "with d.write() as c:\n    c.execute('INSERT INTO thing VALUES (1)')\n    print('in', flush=True)\n    input()"
    )
    command = [sys.executable, "-c", code, str(where)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.kill()

    assert things(database) == []
    _insert(database, 2)


def test_use_after_close(database: Database) -> None:
    """Closing ends every thread's connection; using the database again opens a new one."""
    _insert(database, 1)

    database.close()

    assert things(database) == [1]


def test_time() -> None:
    """The store's clock counts UTC milliseconds."""
    assert 1_700_000_000_000 < now_ms() < 4_000_000_000_000
