"""The metadata database: its file, its migrations, and the only SQL that speaks to it."""

from ropewalk.store.database import Database, now_ms

__all__ = ["Database", "now_ms"]
