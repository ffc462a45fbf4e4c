"""Moving the metadata: all rows, both ways, or nothing."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ropewalk.store import (
    Database,
    DatabaseInUse,
    DatabaseMoved,
    DatabaseNotEmpty,
    RowRefused,
    TextUnstorable,
)
from ropewalk.store.move import move_database, reopen_database

if TYPE_CHECKING:
    from database_server import DatabaseServer


@pytest.fixture
def server_url(database_server: DatabaseServer) -> Iterator[str]:
    """Return the URL of a database on a server that nobody has migrated yet."""
    with database_server.database("template0") as name:
        yield database_server.url(name)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a database file with a few rows, of which one table had more."""
    path = tmp_path / "ropewalk.db"
    with closing(Database.open(path)) as database, database.write() as connection:
        connection.execute(
            "INSERT INTO experiment (name, artifact_location, stage, created_at, updated_at)"
            " VALUES ('one', 'x', 'active', 1, 1), ('gone', 'x', 'active', 1, 1)"
        )
        connection.execute("DELETE FROM experiment WHERE name = 'gone'")
        for number in range(1200):
            connection.execute(
                "INSERT INTO pipeline_run (id, environment, state, is_dirty, started_at, cause)"
                " VALUES (?, ?, 'succeeded', 0, ?, 'person')",
                (f"{number:032}", "dév 語", 2**53 + number),
            )
    return path


def runs(where: Path | str) -> list[tuple[object, ...]]:
    """Return what was run, as the database has it."""
    with closing(Database.open(where)) as database, database.read() as connection:
        return [tuple(row) for row in connection.execute("SELECT * FROM pipeline_run ORDER BY id")]


def next_experiment(where: Path | str) -> int:
    """Return the number that a new experiment gets."""
    with closing(Database.open(where)) as database, database.write() as connection:
        return int(
            connection.execute(
                "INSERT INTO experiment (name, artifact_location, stage, created_at, updated_at)"
                " VALUES ('new', 'x', 'active', 1, 1) RETURNING id"
            ).fetchone()[0]
        )


def test_there_and_back(file: Path, server_url: str) -> None:
    """A file's rows go to a server and come back as they were, also over what the first move has left."""
    before = runs(file)

    there = move_database(file, server_url)
    assert runs(server_url) == before
    back = move_database(server_url, file)

    assert runs(file) == before
    assert there.tables == back.tables
    assert there.tables["pipeline_run"].rows == 1200


@pytest.mark.parametrize("is_back", [False, True])
def test_numbers_go_on(file: Path, server_url: str, is_back: bool) -> None:
    """A number that a row had is never given to another one, not even when the row was gone before the move."""
    move_database(file, server_url)
    if is_back:
        move_database(server_url, file)

    assert next_experiment(file if is_back else server_url) == 3


def test_server_to_server(server_url: str, database_server: DatabaseServer) -> None:
    """Rows go from one server's database to another one."""
    Database.open(server_url).close()

    with database_server.database("template0") as other:
        moved = move_database(server_url, database_server.url(other))
        assert moved.tables["experiment"].rows == 1


def test_old_one_is_closed(file: Path, server_url: str) -> None:
    """Whoever goes on with the old setting is told where the rows are, without the password."""
    move_database(file, server_url)

    with pytest.raises(DatabaseMoved, match="has been moved to postgresql://ropewalk"):
        Database.open(file)


def test_reopened(file: Path, server_url: str) -> None:
    """What was moved away can be used again, with all that it had."""
    before = runs(file)
    move_database(file, server_url)

    assert reopen_database(file) is not None
    assert runs(file) == before
    assert reopen_database(file) is None


def test_rows_in_the_way(file: Path, tmp_path: Path, server_url: str) -> None:
    """Nothing is overwritten, and the old database stays as it is."""
    next_experiment(server_url)

    with pytest.raises(DatabaseNotEmpty, match=r"rows in experiment \(2\)"):
        move_database(file, server_url)

    assert len(runs(file)) == 1200


def test_onto_itself(file: Path) -> None:
    """A database is not moved to where it is."""
    with pytest.raises(DatabaseNotEmpty, match="in use already"):
        move_database(file, file)


@pytest.mark.parametrize("busy", ["source", "target"])
@pytest.mark.parametrize("direction", ["to the server", "to the file"])
def test_others_at_work(file: Path, tmp_path: Path, server_url: str, busy: str, direction: str) -> None:
    """Nothing moves while another process has one of the two open: what it wrote later would be lost."""
    source, target = (file, server_url) if direction == "to the server" else (server_url, tmp_path / "new.db")

    with closing(Database.open(source if busy == "source" else target)) as other:
        with other.read():
            pass
        with pytest.raises(DatabaseInUse, match="is in use"):
            move_database(source, target)

    assert not move_database(source, target).was_there


def test_text_that_a_server_cannot_keep(file: Path, server_url: str) -> None:
    """A row that the other database refuses leaves both as they were."""
    with closing(Database.open(file)) as database, database.write() as connection:
        connection.execute("UPDATE pipeline_run SET git_branch = ? WHERE id = ?", ("a\0b", "0" * 32))

    with pytest.raises(TextUnstorable):
        move_database(file, server_url)

    assert len(runs(file)) == 1200
    assert runs(server_url) == []


def test_reference_to_nothing(file: Path, server_url: str) -> None:
    """A row whose reference leads nowhere, as no healthy file has one, stops the move and not the work."""
    with closing(sqlite3.connect(file, isolation_level=None)) as raw:
        raw.execute("INSERT INTO metric_key (id, name) VALUES (1, 'auc')")
        raw.execute("INSERT INTO run_param (run, key, value) VALUES (99, 'a', 'b')")

    with pytest.raises(RowRefused):
        move_database(file, server_url)

    assert len(runs(file)) == 1200


MOVE = """
import sys
from pathlib import Path
from ropewalk.store import move
at = sys.argv[3]
def stop(*_):
    print("here", flush=True)
    sys.stdin.read()
if at == "mark":
    move._mark = stop
    move.move_database(Path(sys.argv[1]), sys.argv[2])
else:
    move.move_database(Path(sys.argv[1]), sys.argv[2], stop)
"""


@pytest.mark.parametrize("at", ["table", "mark"])
def test_killed(file: Path, server_url: str, at: str) -> None:
    """A kill in the middle loses nothing, and moving again does what is left to do."""
    before = runs(file)
    command = [sys.executable, "-c", MOVE, str(file), server_url, at]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"here\n"
        os.kill(process.pid, signal.SIGKILL)

    assert runs(file) == before
    moved = move_database(file, server_url)

    # Both were whole when only the mark was missing.
    assert moved.was_there == (at == "mark")
    assert runs(server_url) == before
