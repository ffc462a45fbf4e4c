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
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import NamedTuple

from ropewalk.store.errors import DatabaseBusy, DatabaseTooNew, DatabaseUnusable, MigrationGap

# Writes take milliseconds; whoever waits this long waits for a process that hangs.
BUSY_TIMEOUT_S = 30.0
# Other files may lie beside them; only this form is run.
_MIGRATION_NAME = re.compile(r"^(\d{4})_[a-z0-9_]+\.sql$")


class Migration(NamedTuple):
    """One numbered step of the schema."""

    number: int
    name: str
    sql: str


class Database:
    """A metadata database file; one connection per thread, writers serialised by SQLite itself."""

    def __init__(self, path: Path, busy_timeout_s: float = BUSY_TIMEOUT_S) -> None:
        self.path = path
        self.busy_timeout_s = busy_timeout_s
        self._local = threading.local()
        self._lock = threading.Lock()
        self._connections: list[sqlite3.Connection] = []

    @classmethod
    def open(cls, path: Path, busy_timeout_s: float = BUSY_TIMEOUT_S) -> Database:
        """Open the database at `path`, create it when missing, and bring its schema up to date.

        Raises:
            DatabaseTooNew: the file's schema is newer than this program.
            DatabaseUnusable: the file cannot be opened or is no database.
        """
        database = cls(path, busy_timeout_s)
        # Migrated before anyone reads or writes: code knows only the newest schema.
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            database.migrate()
        except (OSError, sqlite3.DatabaseError) as error:
            database.close()
            raise DatabaseUnusable(
                f"{path} cannot be used as the metadata database: {error}",
                hint="move the file away to start with an empty one, or mend its permissions",
            ) from error
        except BaseException:
            database.close()
            raise
        return database

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection on which every statement sees one consistent state."""
        connection = self._connect()
        # Without a transaction each statement would see the state of its own moment.
        connection.execute("BEGIN")
        try:
            yield connection
        finally:
            connection.execute("ROLLBACK")

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection inside a write transaction; commit at the end, roll back on any error.

        Raises:
            DatabaseBusy: another process kept writing for longer than the busy time-out.
        """
        connection = self._connect()
        self._begin(connection)
        with _all_or_nothing(connection):
            yield connection

    def migrate(self) -> None:
        """Apply the migrations the file does not have yet, each in a transaction of its own."""
        steps = migrations()
        connection = self._connect()
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        # An older program would write rows that lack what the newer one relies on.
        if version > len(steps):
            raise DatabaseTooNew(
                f"{self.path} has schema {version}, and this Ropewalk knows up to {len(steps)}",
                hint="use the Ropewalk version that wrote it, or a newer one",
            )
        # One transaction each: a migration that fails leaves the schema of the one before it.
        for step in steps[version:]:
            self._begin(connection)
            with _all_or_nothing(connection):
                apply_migration(connection, step)

    def close(self) -> None:
        """Close every thread's connection."""
        with self._lock:
            for connection in self._connections:
                connection.close()
            self._connections.clear()
        self._local = threading.local()

    def _begin(self, connection: sqlite3.Connection) -> None:
        with self._busy_translated():
            connection.execute("BEGIN IMMEDIATE")

    @contextmanager
    def _busy_translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            raise DatabaseBusy(
                f"{self.path} has been locked by another process for {self.busy_timeout_s:g} seconds",
                hint="wait for the other `ropewalk`, or end it, and try again",
            ) from error

    def _use_write_ahead_log(self, connection: sqlite3.Connection) -> None:
        deadline = time.monotonic() + self.busy_timeout_s
        while True:
            try:
                connection.execute("PRAGMA journal_mode=WAL")
            except sqlite3.OperationalError as error:
                # SQLite itself does not wait for a lock here, where two processes make one new file.
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
            else:
                return

    def _connect(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            # Each thread uses only its own connection; `close` may run in another.
            # isolation_level=None: transactions begin where we say, not where the driver guesses.
            connection = sqlite3.connect(
                self.path, timeout=self.busy_timeout_s, isolation_level=None, check_same_thread=False
            )
            connection.row_factory = sqlite3.Row
            with self._busy_translated():
                self._use_write_ahead_log(connection)
            # Survives the death of any process; the last commits before a power cut may be lost, none torn.
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute("PRAGMA foreign_keys=ON")
            self._local.connection = connection
            with self._lock:
                self._connections.append(connection)
        return connection


def migrations(folder: Traversable | None = None) -> list[Migration]:
    """Return the migrations in `folder` (of this build, if None) in order.

    Raises:
        MigrationGap: a number is missing or used twice.
    """
    folder = folder or resources.files("ropewalk.store") / "migrations"
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


@contextmanager
def _all_or_nothing(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit the open transaction at the end, or roll it back on any error, also one of the commit itself."""
    try:
        yield
        connection.execute("COMMIT")
    finally:
        # After a commit there is nothing left to undo; a full disk may have ended the transaction already.
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def apply_migration(connection: sqlite3.Connection, step: Migration) -> None:
    """Run one migration inside the open transaction, unless the file has it already."""
    # Another process may have migrated while this one waited for the write lock.
    if connection.execute("PRAGMA user_version").fetchone()[0] >= step.number:
        return
    for statement in split_statements(step.sql):
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {step.number}")


def split_statements(sql: str) -> Iterator[str]:
    """Yield the statements of a script, ended where `sqlite3.complete_statement` sees an end or the script does."""
    pending = ""
    for line in sql.splitlines(keepends=True):
        pending += line
        # Not every semicolon ends a statement: triggers have some inside, and so may texts.
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""
    if pending.strip():
        yield pending
