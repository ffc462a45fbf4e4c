"""The metadata database: transactions and the one stream of migrations, in a SQLite file or on a PostgreSQL server.

Times are UTC milliseconds since 1970 (`now_ms`); documents are JSON text.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import NamedTuple

from ropewalk.store.connections import Connection, Engine
from ropewalk.store.errors import DatabaseMoved, DatabaseTooNew, DatabaseUnusable, MigrationGap
from ropewalk.store.sqlite import SQLiteFile

# Writes take milliseconds; whoever waits this long waits for a process that hangs.
BUSY_TIMEOUT_S = 30.0
# Added to the schema's number where the rows have been moved away; an older program takes it for too new.
MOVED = 1_000_000
PLACE = "SELECT place FROM moved_to"
# Other files may lie beside them; only this form is run.
_MIGRATION_NAME = re.compile(r"^(\d{4})_[a-z0-9_]+\.sql$")


class Migration(NamedTuple):
    """One numbered step of the schema."""

    number: int
    name: str
    sql: str


class Database:
    """A metadata database; what runs its statements is its engine's business."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @classmethod
    def open(cls, where: Path | str, busy_timeout_s: float = BUSY_TIMEOUT_S) -> Database:
        """Open the database in the file `where`, or at that URL of a PostgreSQL server, with the newest schema.

        Raises:
            DatabaseTooNew: its schema is newer than this program.
            DatabaseMoved: its rows have been moved to another one.
            DatabaseUnusable: it cannot be opened, or is no database.
            DatabaseUnreachable: its server does not answer.
            InvalidSetting: the URL is none.
        """
        database = cls(open_engine(where, busy_timeout_s))
        # Migrated before anyone reads or writes: code knows only the newest schema.
        try:
            database.migrate()
        except BaseException:
            database.close()
            raise
        return database

    def read(self) -> AbstractContextManager[Connection]:
        """Return a connection on which every statement sees one consistent state, for a `with` block."""
        return self.engine.read()

    def write(self) -> AbstractContextManager[Connection]:
        """Return a connection inside a write transaction, committed at the `with` block's end or wholly undone.

        It has the write lock from its first statement on: whatever must not happen twice comes after one.

        The block raises:
            DatabaseBusy: another process kept writing for longer than the busy time-out.
            RowRefused: a row broke a rule of its table; catch it around the block, not inside.
        """
        return self.engine.write()

    def undisturbed(self) -> str | None:
        """Return a text that stands for the present content, if nobody else wrote since this was opened; else None."""
        return self.engine.undisturbed()

    def migrate(self) -> None:
        """Apply the migrations the database does not have yet, each in a transaction of its own."""
        steps = migrations()
        with self.read() as connection:
            version = self.engine.schema_version(connection)
            place = connection.execute(PLACE).fetchone()[0] if version >= MOVED else None
        if place is not None:
            raise DatabaseMoved(
                f"the metadata of {self.engine.name} has been moved to {place}",
                hint="set ROPEWALK_DATABASE_URL to that server, or unset it if that is the project's own file;"
                " `ropewalk database reopen` goes back to what was here when it was moved",
            )
        # An older program would write rows that lack what the newer one relies on.
        if version > len(steps):
            raise DatabaseTooNew(
                f"{self.engine.name} has schema {version}, and this Ropewalk knows up to {len(steps)}",
                hint="use the Ropewalk version that wrote it, or a newer one",
            )
        # One transaction each: a migration that fails leaves the schema of the one before it.
        for step in steps[version:]:
            with self.write() as connection:
                apply_migration(self.engine, connection, step)

    def close(self) -> None:
        """Close every connection."""
        self.engine.close()


def open_engine(where: Path | str, busy_timeout_s: float) -> Engine:
    """Return what runs the statements of the database at `where`, whatever its schema is."""
    if isinstance(where, str):
        # Whoever keeps the metadata in a file needs no PostgreSQL driver, and does not wait for its import.
        try:
            from ropewalk.store.postgresql import Server
        except ModuleNotFoundError as error:
            raise DatabaseUnusable(
                f"the metadata database is on a PostgreSQL server, and {error.name} is not installed",
                hint="pip install 'ropewalk[postgres]'",
            ) from error
        return Server(where, busy_timeout_s)
    try:
        where.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseUnusable(
            f"{where} cannot be used as the metadata database: {error}",
            hint="choose another state folder, or mend its permissions",
        ) from error
    return SQLiteFile(where, busy_timeout_s)


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


def apply_migration(engine: Engine, connection: Connection, step: Migration) -> None:
    """Run one migration inside the open transaction, unless the database has it already."""
    # Another process may have migrated while this one waited for the write lock.
    if engine.schema_version(connection) >= step.number:
        return
    for statement in split_statements(step.sql):
        connection.execute(statement)
    engine.set_schema_version(connection, step.number)


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
