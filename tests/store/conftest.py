"""An empty metadata database, on each engine, and the plans of the statements that a block runs on it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from blank_state import add_database

from ropewalk.store import Database

if TYPE_CHECKING:
    from database_server import DatabaseServer

Plans = Callable[[Callable[[sqlite3.Connection], object]], list[str]]


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path | str]:
    """Return where a new database is: every test that uses one runs on a file and on a server."""
    if request.param == "sqlite":
        add_database(tmp_path / "ropewalk.db")
        yield tmp_path / "ropewalk.db"
        return
    server: DatabaseServer = request.getfixturevalue("database_server")
    with server.database() as name:
        yield server.url(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path | str]:
    """Return where a database can be that nobody has migrated yet."""
    if request.param == "sqlite":
        yield tmp_path / "empty.db"
        return
    server: DatabaseServer = request.getfixturevalue("database_server")
    with server.database("template0") as name:
        yield server.url(name)


@pytest.fixture
def database(where: Path | str) -> Iterator[Database]:
    """Return an empty database."""
    opened = Database.open(where)
    yield opened
    opened.close()


@pytest.fixture
def plans(tmp_path: Path) -> Iterator[Plans]:
    """Return a function that calls another with a connection and returns how SQLite finds its rows."""
    database = Database.open(tmp_path / "plans.db")

    def explain(block: Callable[[sqlite3.Connection], object]) -> list[str]:
        statements = list[str]()
        with database.write() as connection:
            assert isinstance(connection, sqlite3.Connection)
            connection.set_trace_callback(statements.append)
            block(connection)
            connection.set_trace_callback(None)
            return [
                row["detail"]
                for statement in statements
                if statement.startswith(("SELECT", "DELETE", "UPDATE"))
                for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}")
            ]

    yield explain
    database.close()
