"""An empty metadata database, and the plans of the statements that a block runs on it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ropewalk.store import Database

Plans = Callable[[Callable[[sqlite3.Connection], object]], list[str]]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """Return an empty database."""
    opened = Database.open(tmp_path / "ropewalk.db")
    yield opened
    opened.close()


@pytest.fixture
def plans(database: Database) -> Plans:
    """Return a function that calls another with a connection and returns how SQLite finds its rows."""

    def explain(block: Callable[[sqlite3.Connection], object]) -> list[str]:
        statements = list[str]()
        with database.write() as connection:
            connection.set_trace_callback(statements.append)
            block(connection)
            connection.set_trace_callback(None)
            return [
                row["detail"]
                for statement in statements
                if statement.startswith(("SELECT", "DELETE", "UPDATE"))
                for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}")
            ]

    return explain
