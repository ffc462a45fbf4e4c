"""SQLite databases keep the contract of all sources."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing

import pytest

from .suite import Adapter, Row, SourceContract


class SQLiteTable(Adapter):
    """A table of a SQLite file."""

    def entry(self) -> str:
        return "kind: sqlite, path: things.db, table: things"

    def put(self, rows: Sequence[Row]) -> None:
        columns = list(dict.fromkeys(name for row in rows for name in row))
        path = self.project.root / "things.db"
        path.parent.mkdir(exist_ok=True)
        path.unlink(missing_ok=True)
        with closing(sqlite3.connect(path)) as connection:
            types = {name: sqlite_type([row.get(name) for row in rows]) for name in columns}
            made = ", ".join(f'"{name}" {kind}' for name, kind in types.items())
            connection.execute(f"CREATE TABLE things ({made})")
            marks = ", ".join("?" for _ in columns)
            values = [[row.get(name) for name in columns] for row in rows]
            connection.executemany(f"INSERT INTO things VALUES ({marks})", values)
            connection.commit()


def sqlite_type(values: Sequence[object]) -> str:
    kinds = {type(value) for value in values if value is not None}
    return "INTEGER" if kinds == {int} else "REAL" if kinds == {float} else "TEXT"


class TestSQLite(SourceContract):
    @pytest.fixture
    def adapter(self, project):
        return SQLiteTable(project)
