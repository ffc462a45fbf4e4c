"""What moving a metadata database asks of a file and of a server: to have it alone, to read much, to write much."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from ropewalk.store.connections import Connection
from ropewalk.store.database import Database, open_engine
from ropewalk.store.errors import DatabaseInUse
from ropewalk.store.sqlite import SQLiteFile, open_connection
from ropewalk.store.turns import Turns

# A process that is just ending gets this long.
WAIT_S = 1.0
# Rows that are on their way at once.
BATCH = 500


class Table(NamedTuple):
    """A table to move: its columns, those of its key first among the rest, and the one that numbers itself."""

    name: str
    columns: tuple[str, ...]
    numbered: str | None = None

    @property
    def listed(self) -> str:
        """The columns as SQL lists them; quoted, as some are words of SQL."""
        return ", ".join(f'"{column}"' for column in self.columns)


class Side(Protocol):
    """A database that is moved, or moved to.

    Attributes:
        name: what messages call it.
    """

    name: str

    def alone(self) -> AbstractContextManager[Connection]:
        """Give a connection in a transaction that nobody else reads or writes beside; undone on any error.

        Raises:
            DatabaseInUse: another process has it open.
        """

    def rows(self, connection: Connection, table: Table) -> Iterator[Sequence[Any]]:
        """Yield all rows of a table, some at a time."""

    def last_number(self, connection: Connection, table: Table) -> int:
        """Return the last number that the table gave to a row, also to one that is gone; 0 if none."""

    def set_last_number(self, connection: Connection, table: Table, number: int) -> None:
        """Let the table go on after `number`."""

    def schema_version(self, connection: Connection) -> int:
        """Return the number of the last migration that was applied, or the mark of one that was moved away."""

    def set_schema_version(self, connection: Connection, number: int) -> None:
        """Record it."""


class FileSide:
    """A database in a SQLite file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = str(path)
        self._engine = SQLiteFile(path, WAIT_S)

    @contextmanager
    def alone(self) -> Iterator[Connection]:
        """Give a connection that has the file to itself; closing it undoes what was not committed."""
        with closing(open_connection(self.path, WAIT_S)) as connection:
            try:
                # The log can be given up only by whoever is the last to have the file open.
                connection.execute("PRAGMA journal_mode=DELETE").fetchone()
                connection.execute("BEGIN EXCLUSIVE")
                mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                    raise
                raise _in_use(self.name) from error
            # Who came in between uses the log again.
            if mode != "delete":
                raise _in_use(self.name)
            with self._engine.translated(), closing(Turns(self.path)) as turns:
                # What a glance remembers of the file is true no more.
                turns.take()
                yield connection
                connection.execute("COMMIT")

    def rows(self, connection: Connection, table: Table) -> Iterator[Sequence[Any]]:
        """Yield all rows of a table."""
        return iter(connection.execute(f'SELECT {table.listed} FROM "{table.name}"'))  # noqa: S608  # our own names

    def last_number(self, connection: Connection, table: Table) -> int:
        """Return the last number that the table gave."""
        kept = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table.name,)).fetchone()
        return max(kept[0] if kept else 0, _highest(connection, table))

    def set_last_number(self, connection: Connection, table: Table, number: int) -> None:
        """Let the table go on after `number`; one that keeps no count goes on after its highest row anyway."""
        row = (number, table.name)
        connection.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = ?", row)
        connection.execute(
            "INSERT INTO sqlite_sequence (seq, name) SELECT ?, name FROM sqlite_schema WHERE name = ?"
            " AND sql LIKE '%AUTOINCREMENT%' AND name NOT IN (SELECT name FROM sqlite_sequence)",
            row,
        )

    def schema_version(self, connection: Connection) -> int:
        """Return the number of the last migration."""
        return self._engine.schema_version(connection)

    def set_schema_version(self, connection: Connection, number: int) -> None:
        """Record the number of the last migration."""
        self._engine.set_schema_version(connection, number)


class ServerSide:
    """A database on a PostgreSQL server; raises `InvalidSetting` when `url` is no URL of one."""

    def __init__(self, url: str) -> None:
        self.engine = open_engine(url, WAIT_S * 10)
        self.name = self.engine.name

    @contextmanager
    def alone(self) -> Iterator[Connection]:
        """Give a connection of which nobody else has one."""
        with closing(Database(self.engine)) as database, database.write() as connection:
            # The other side may take longer than a writer is allowed to be silent.
            connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            self._require_alone(connection)
            yield connection
            # Reading is not kept out by the lock, so somebody may have looked before the mark was there.
            self._require_alone(connection)

    def _require_alone(self, connection: Connection) -> None:
        deadline = time.monotonic() + WAIT_S
        # The server takes a moment to forget a connection that was closed.
        while others := self._others(connection):
            if time.monotonic() > deadline:
                raise _in_use(self.name, others)
            time.sleep(0.05)

    def _others(self, connection: Connection) -> list[str]:
        # Otherwise a transaction sees what it saw of them first.
        connection.execute("SELECT pg_stat_clear_snapshot()").fetchone()
        rows = connection.execute(
            "SELECT pid, application_name AS program, CAST(client_addr AS TEXT) AS address FROM pg_stat_activity"
            " WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
        ).fetchall()
        return [
            f"{row['program'] or 'a client'} from {row['address'] or 'this machine'} (server process {row['pid']})"
            for row in rows
        ]

    def rows(self, connection: Connection, table: Table) -> Iterator[Sequence[Any]]:
        """Yield all rows of a table."""
        # A name of its own: a statement that is prepared keeps the columns it was prepared for.
        cursor = f"rows_of_{table.name}"
        query = f'SELECT {table.listed} FROM "{table.name}"'  # noqa: S608  # our own names
        connection.execute(f"DECLARE {cursor} CURSOR FOR {query}")
        while found := connection.execute(f"FETCH {BATCH} FROM {cursor}").fetchall():
            yield from found
        connection.execute(f"CLOSE {cursor}")

    def last_number(self, connection: Connection, table: Table) -> int:
        """Return the last number that the table gave."""
        given = connection.execute(
            "SELECT pg_sequence_last_value(CAST(pg_get_serial_sequence(?, ?) AS regclass)) AS last",
            (f'"{table.name}"', table.numbered),
        ).fetchone()["last"]
        return max(given or 0, _highest(connection, table))

    def set_last_number(self, connection: Connection, table: Table, number: int) -> None:
        """Let the table go on after `number`."""
        if number:
            connection.execute(
                "SELECT setval(CAST(pg_get_serial_sequence(?, ?) AS regclass), ?)",
                (f'"{table.name}"', table.numbered, number),
            ).fetchone()

    def schema_version(self, connection: Connection) -> int:
        """Return the number of the last migration."""
        return self.engine.schema_version(connection)

    def set_schema_version(self, connection: Connection, number: int) -> None:
        """Record the number of the last migration."""
        self.engine.set_schema_version(connection, number)


def insert_rows(connection: Connection, table: Table, rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows of all columns of a table."""
    places = ", ".join("?" * len(table.columns))
    statement = f'INSERT INTO "{table.name}" ({table.listed}) VALUES ({places})'  # noqa: S608  # our own names
    batch: list[Sequence[Any]] = []
    for row in rows:
        batch.append(tuple(row))
        if len(batch) == BATCH:
            connection.executemany(statement, batch)
            batch.clear()
    if batch:
        connection.executemany(statement, batch)


def _in_use(name: str, others: Sequence[str] = ()) -> DatabaseInUse:
    """Return the error that says who else uses the database."""
    return DatabaseInUse(
        f"{name} is in use by another process",
        hint="end `ropewalk up`, `ropewalk schedule run` and every run of the project, then try again",
        detail="\n".join(others) or None,
    )


def _highest(connection: Connection, table: Table) -> int:
    query = f'SELECT max("{table.numbered}") AS last FROM "{table.name}"'  # noqa: S608  # our own names
    return connection.execute(query).fetchone()["last"] or 0
