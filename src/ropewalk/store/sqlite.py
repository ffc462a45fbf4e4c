"""The metadata database as a SQLite file.

WAL mode: any number of readers, one writer at a time across threads and processes. One connection per thread for reading,
and one that this process's writers share, see `grouping`.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ropewalk.store.connections import Connection
from ropewalk.store.dialect import exact, fold
from ropewalk.store.errors import DatabaseBusy, DatabaseFailed, DatabaseUnusable, RowRefused
from ropewalk.store.grouping import Alone, WriteQueue
from ropewalk.store.turns import Turns


class SQLiteFile:
    """A database file; writers are serialised by SQLite itself."""

    def __init__(self, path: Path, busy_timeout_s: float) -> None:
        self.path = path
        self.name = str(path)
        self.busy_timeout_s = busy_timeout_s
        self._local = threading.local()
        self._lock = threading.Lock()
        self._connections: list[sqlite3.Connection] = []
        self._turns = Turns(path)
        self._alone = Alone(self.name)
        self._writer: sqlite3.Connection | None = None
        self._queue = WriteQueue(self, self.name, busy_timeout_s)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Yield a connection on which every statement sees one consistent state."""
        with self.translated(), self._alone():
            connection = self._connect()
            # Without a transaction each statement would see the state of its own moment.
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.execute("ROLLBACK")

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Yield a connection inside a write transaction; commit at the end, roll back on any error.

        Raises:
            DatabaseBusy: this process or another one kept writing for longer than the busy time-out.
            RowRefused: a row broke a rule of its table.
        """
        with self.translated(), self._alone(), self._queue.turn() as connection:
            yield connection

    def begin(self) -> Connection:
        """Begin the transaction of a group of writers."""
        if self._writer is None:
            self._writer = self._open()
        self._writer.execute("BEGIN IMMEDIATE")
        try:
            self._turns.take()
        except BaseException:
            self._writer.execute("ROLLBACK")
            raise
        return self._writer

    def set_savepoint(self) -> None:
        """Begin a part of the transaction that can be undone alone."""
        self._writing().execute("SAVEPOINT part")

    def release_savepoint(self) -> None:
        """End the part."""
        self._writing().execute("RELEASE part")

    def undo_part(self, error: BaseException) -> bool:
        """Undo the part and return whether the rest still stands: a full disk ends the transaction itself."""
        del error
        if not self._writing().in_transaction:
            return False
        self._writing().execute("ROLLBACK TO part")
        self._writing().execute("RELEASE part")
        return True

    def commit(self) -> None:
        """Commit the transaction."""
        self._writing().execute("COMMIT")

    def undo(self, error: BaseException) -> None:
        """Undo the transaction, unless it has ended by itself."""
        del error
        if self._writing().in_transaction:
            self._writing().execute("ROLLBACK")

    def _writing(self) -> sqlite3.Connection:
        assert self._writer is not None
        return self._writer

    def schema_version(self, connection: Connection) -> int:
        """Return the number of the last migration that was applied."""
        return int(connection.execute("PRAGMA user_version").fetchone()[0])

    def set_schema_version(self, connection: Connection, number: int) -> None:
        """Record the number of the last migration that was applied."""
        connection.execute(f"PRAGMA user_version = {number}")

    def undisturbed(self) -> str | None:
        """Return the turn of the last write, if nobody else wrote since this was opened."""
        return self._turns.undisturbed()

    def close(self) -> None:
        """Close every thread's connection; using the database again opens a new one."""
        with self._lock:
            for connection in self._connections:
                connection.close()
            self._connections.clear()
            self._writer = None
            self._turns.close()
        self._local = threading.local()

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Say SQLite's errors in the product's own words."""
        try:
            yield
        except sqlite3.IntegrityError as error:
            raise RowRefused(f"the metadata database refused a row: {error}") from error
        except sqlite3.DatabaseError as error:
            raise self._translate(error) from error

    def _translate(self, error: sqlite3.DatabaseError) -> Exception:
        code = getattr(error, "sqlite_errorcode", None)
        if code == sqlite3.SQLITE_BUSY:
            return DatabaseBusy(
                f"{self.path} has been locked by another process for {self.busy_timeout_s:g} seconds",
                hint="wait for the other `ropewalk`, or end it, and try again",
            )
        if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CANTOPEN):
            return DatabaseUnusable(
                f"{self.path} cannot be used as the metadata database: {error}",
                hint="move the file away to start with an empty one, or mend its permissions",
            )
        hint = (
            "make room where it is, then try again: nothing was half-written"
            if code == sqlite3.SQLITE_FULL
            else None
        )
        return DatabaseFailed(f"the metadata database {self.path} failed: {error}", hint=hint)

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
            connection = self._local.connection = self._open()
        return connection

    def _open(self) -> sqlite3.Connection:
        connection = open_connection(self.path, self.busy_timeout_s)
        self._use_write_ahead_log(connection)
        # Survives the death of any process; the last commits before a power cut may be lost, none torn.
        connection.execute("PRAGMA synchronous=NORMAL")
        with self._lock:
            self._connections.append(connection)
        return connection


def open_connection(path: Path, busy_timeout_s: float) -> sqlite3.Connection:
    """Open a connection that knows what the store's tables and statements ask of it."""
    # Each is used by one thread at a time; `close` may run in another.
    # isolation_level=None: transactions begin where we say, not where the driver guesses.
    connection = sqlite3.connect(path, timeout=busy_timeout_s, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys=ON")
    # What the other database does by a collation: SQLite's own `lower` knows ASCII letters only.
    connection.create_function("fold", 1, _fold, deterministic=True)
    # SQLite's own JSON keeps fifteen digits of a number, which is not always the number.
    connection.create_function("exact", 1, exact, deterministic=True)
    connection.create_collation("folded", _compare)
    return connection


def _fold(text: str | float | bytes | None) -> str | float | bytes | None:
    return fold(text) if isinstance(text, str) else text


def _compare(one: str, other: str) -> int:
    return (one > other) - (one < other)
