"""The metadata database: its file or server, its migrations, and the only SQL that speaks to it."""

# The domains' tables are imported by their own modules: a command that needs one does not load the others.
from ropewalk.store.connections import Connection, Row
from ropewalk.store.database import Database, now_ms
from ropewalk.store.errors import (
    DatabaseBusy,
    DatabaseFailed,
    DatabaseInUse,
    DatabaseMoved,
    DatabaseNotEmpty,
    DatabaseTooNew,
    DatabaseUnreachable,
    DatabaseUnusable,
    MigrationGap,
    RowRefused,
    TextUnstorable,
)

__all__ = [
    "Connection",
    "Database",
    "DatabaseBusy",
    "DatabaseFailed",
    "DatabaseInUse",
    "DatabaseMoved",
    "DatabaseNotEmpty",
    "DatabaseTooNew",
    "DatabaseUnreachable",
    "DatabaseUnusable",
    "MigrationGap",
    "Row",
    "RowRefused",
    "TextUnstorable",
    "now_ms",
]
