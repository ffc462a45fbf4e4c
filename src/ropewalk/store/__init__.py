"""The metadata database: its file, its migrations, and the only SQL that speaks to it."""

# The domains' tables are imported by their own modules: a command that needs one does not load the others.
from ropewalk.store.database import Database, now_ms
from ropewalk.store.errors import DatabaseBusy, DatabaseTooNew, DatabaseUnusable, MigrationGap

__all__ = ["Database", "DatabaseBusy", "DatabaseTooNew", "DatabaseUnusable", "MigrationGap", "now_ms"]
