"""The metadata database: connections, transactions and the one stream of migrations.

SQLite in WAL mode: any number of readers, one writer at a time across threads and processes. Times are
UTC milliseconds since 1970 (`now_ms`); documents are JSON text.
"""

from __future__ import annotations

import re
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from ropewalk.errors import Conflict, Failed

BUSY_TIMEOUT_S = 30.0
_MIGRATION_NAME = re.compile(r"^(\d{4})_[a-z0-9_]+\.sql$")


class DatabaseTooNew(Conflict):
    """The metadata database was written by a newer Ropewalk."""

    code = "RW301"


class MigrationGap(Failed):
    """The numbered migrations of this build are not one unbroken sequence."""

    code = "RW401"


class Migration(NamedTuple):
    """One numbered step of the schema."""

    number: int
    name: str
    sql: str


class Database:
    """A metadata database file; one connection per thread, writers serialised by SQLite itself."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        self._lock = threading.Lock()
        self._connections: list[sqlite3.Connection] = []

    @classmethod
    def open(cls, path: Path) -> Database:
        """Open the database at `path`, create it when missing, and bring its schema up to date.

        Raises:
            DatabaseTooNew: the file's schema is newer than this program.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        database = cls(path)
        database.migrate()
        return database

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection on which every statement sees one consistent state."""
        connection = self._connect()
        connection.execute("BEGIN")
        try:
            yield connection
        finally:
            connection.execute("ROLLBACK")

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection inside a write transaction; commit at the end, roll back on any error."""
        connection = self._connect()
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    def migrate(self) -> None:
        """Apply the migrations the file does not have yet, each in a transaction of its own."""
        steps = migrations()
        connection = self._connect()
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > len(steps):
            raise DatabaseTooNew(
                f"{self.path} has schema {version}, and this Ropewalk knows up to {len(steps)}",
                hint="use the Ropewalk version that wrote it, or a newer one",
            )
        for step in steps[version:]:
            _apply(connection, step)

    def close(self) -> None:
        """Close every thread's connection."""
        with self._lock:
            for connection in self._connections:
                connection.close()
            self._connections.clear()
        self._local = threading.local()

    def _connect(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            # Each thread uses only its own connection; `close` may run in another.
            connection = sqlite3.connect(
                self.path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
            )
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute("PRAGMA foreign_keys=ON")
            self._local.connection = connection
            with self._lock:
                self._connections.append(connection)
        return connection


def migrations() -> list[Migration]:
    """Return the migrations of this build in order.

    Raises:
        MigrationGap: a number is missing or used twice.
    """
    folder = resources.files("ropewalk.store") / "migrations"
    found = sorted(
        Migration(int(match[1]), entry.name, entry.read_text(encoding="utf-8"))
        for entry in folder.iterdir()
        if (match := _MIGRATION_NAME.match(entry.name))
    )
    numbers = [step.number for step in found]
    if numbers != list(range(1, len(found) + 1)):
        raise MigrationGap(f"migrations are numbered {numbers}, not 1 to {len(found)}")
    return found


def now_ms() -> int:
    """Return the present as UTC milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def _apply(connection: sqlite3.Connection, step: Migration) -> None:
    connection.execute("BEGIN IMMEDIATE")
    # Another process may have migrated while this one waited for the write lock.
    if connection.execute("PRAGMA user_version").fetchone()[0] >= step.number:
        connection.execute("ROLLBACK")
        return
    try:
        for statement in _statements(step.sql):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {step.number}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _statements(sql: str) -> Iterator[str]:
    """Split a script at the semicolons that end statements, as `sqlite3.complete_statement` sees them."""
    pending = ""
    for line in sql.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""
