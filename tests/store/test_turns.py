"""Turns of writing: what stands for the database's content, and who disturbed it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ropewalk.store import Database


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the file of a database that has been made."""
    path = tmp_path / "ropewalk.db"
    Database.open(path).close()
    return path


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Database]:
    with contextlib.closing(Database.open(path)) as database:
        yield database


def _write(database: Database) -> None:
    with database.write():
        pass


def test_each_write_is_a_turn(path):
    """After each write another text stands for the content."""
    with _opened(path) as database:
        seen = [database.undisturbed()]
        for _ in range(3):
            _write(database)
            seen.append(database.undisturbed())

    assert None not in seen
    assert len(set(seen)) == 4


def test_reading_is_no_turn(path):
    """Who only reads leaves the text as it is, across processes' lives."""
    with _opened(path) as database:
        _write(database)
        turn = database.undisturbed()
    with _opened(path) as later, later.read():
        assert later.undisturbed() == turn


def test_another_writer(path):
    """Once somebody else has written, nothing stands for what this one knows, also after more writes of its own."""
    with _opened(path) as database, _opened(path) as other:
        _write(database)
        _write(other)
        assert database.undisturbed() is None
        _write(database)
        assert database.undisturbed() is None


def test_a_write_that_fails(path):
    """A transaction that is rolled back counts as a turn: once too often is never once too little."""
    with _opened(path) as database:
        before = database.undisturbed()
        with contextlib.suppress(ZeroDivisionError), database.write():
            _ = 1 / 0

        assert database.undisturbed() not in {before, None}


def test_threads_of_one_process(path):
    """Writes of other threads of this process are its own."""
    from concurrent.futures import ThreadPoolExecutor

    with _opened(path) as database:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: _write(database), range(20)))

        assert database.undisturbed() is not None


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_became_read_only(path):
    """Where the turn cannot be written, no old one is left."""
    with _opened(path) as database:
        path.parent.chmod(0o500)
        path.with_name("ropewalk.db-turn").chmod(0o400)
        _write(database)
        assert database.undisturbed() is None


def test_a_turn_that_cannot_be_written(path):
    """Where a folder stands in the place of the file, nothing stands for the content."""
    turn = path.with_name("ropewalk.db-turn")
    turn.unlink()
    turn.mkdir()
    with _opened(path) as database:
        _write(database)
        assert database.undisturbed() is None


def test_a_server_is_never_undisturbed(database_server):
    """Of a PostgreSQL server nothing is told at a glance."""
    with (
        database_server.database() as name,
        contextlib.closing(Database.open(database_server.url(name))) as database,
    ):
        assert database.undisturbed() is None
