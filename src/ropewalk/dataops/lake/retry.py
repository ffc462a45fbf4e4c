"""Asking again when another process holds the catalogue's lock for a moment."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import duckdb

T = TypeVar("T")
# SQLite's own busy timeout covers most of it; a read that has to become a write is refused at once.
ATTEMPTS = 6
FIRST_PAUSE_S = 0.05


def retry_locked(read: Callable[[], T]) -> T:
    """Return what `read` returns, asking again after pauses while the catalogue is locked.

    Raises:
        duckdb.Error: any other error, or the last one.
    """
    for attempt in range(ATTEMPTS - 1):
        try:
            return read()
        except duckdb.Error as error:
            if not is_locked(error):
                raise
            time.sleep(FIRST_PAUSE_S * 2**attempt)
    return read()


def is_locked(error: duckdb.Error) -> bool:
    """Return whether `error` says that another process held SQLite's lock."""
    text = str(error)
    return "database is locked" in text or "database table is locked" in text
