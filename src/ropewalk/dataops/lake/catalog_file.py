"""The lake's catalogue in a SQLite file, beside a folder of data: for one machine, without a server."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import duckdb

from ropewalk.dataops.lake.catalog import attach, make_books
from ropewalk.dataops.lake.errors import LakeFailed
from ropewalk.dataops.lake.storage import LakeStorage
from ropewalk.dataops.lake.writer_lease import FileLock, WriterLock

CATALOG_FILE = "catalog.sqlite"
LOCK_FILE = "writer.lock"
# SQLite waits this long for another process's commit, which itself takes milliseconds.
BUSY_TIMEOUT_MS = 30_000
# Longer than any file system's clock takes to tick.
RACY_NS = 50_000_000
# Catalogues that an engine of this process has opened; see `before_engines`.
_opened: set[Path] = set()
_opening = threading.Lock()


class FileCatalog:
    """The catalogue in the lake's `folder`; see `Catalog`."""

    prefix = ""
    is_local = True

    def __init__(self, folder: Path, file: str = CATALOG_FILE, journal: str = "WAL") -> None:
        self.folder = folder
        self.path = folder / file
        self.shown = str(folder)
        self._journal = journal
        self.files = tuple(folder / f"{file}{suffix}" for suffix in ("", "-wal", "-shm", "-journal"))

    def exists(self) -> bool:
        """Return whether the lake has been made; asking does not make it."""
        return self.path.is_file()

    def state(self) -> object:
        """Return a value that changes with every commit, or None while it cannot be trusted.

        A file that changed a moment ago may change again without a new time stamp.
        """
        stats = [found for found in map(_stat, self.files[:2]) if found]
        newest = max((stat.st_mtime_ns for stat in stats), default=None)
        if newest is None or time.time_ns() - newest < RACY_NS:
            return None
        return [(stat.st_ino, stat.st_size, stat.st_mtime_ns) for stat in stats]

    def forget(self) -> None:
        """Do nothing: the file itself is asked each time."""

    def read(self, sql: str) -> list[tuple[Any, ...]] | None:
        """Return what a query of DuckLake's own tables finds, without an engine; None when an engine has to ask.

        Raises:
            LakeFailed: the file is no catalogue.
        """
        with before_engines(self.path) as is_first:
            # Asking the file itself takes a hundredth of the time of starting the engine, which a run that finds
            # everything fresh needs for nothing else.
            return _read_file(self.path, sql) if is_first else None

    def address(self, _connection: duckdb.DuckDBPyConnection) -> tuple[str, list[str]]:
        """Return what to attach and the options that go with it."""
        with _opening:
            _opened.add(self.path)
        options = [f"META_JOURNAL_MODE '{self._journal}'", f"META_BUSY_TIMEOUT {BUSY_TIMEOUT_MS}"]
        return f"ducklake:sqlite:{self.path}", options

    def create(self, connection: duckdb.DuckDBPyConnection, storage: LakeStorage) -> None:
        """Make an empty lake with its books; the caller holds the writer lease.

        The catalogue appears by one rename, so a crash leaves either no lake or a whole one.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        if not storage.is_remote:
            Path(storage.path).mkdir(parents=True, exist_ok=True)
        # Nobody reads it before it is whole, and a kill leaves none: no journal has to be on the disk.
        unfinished = FileCatalog(self.folder, f"new-{self.path.name}", journal="MEMORY")
        # A process that was killed here left these; they were never the lake.
        for stale in self.folder.glob(f"{unfinished.path.name}*"):
            stale.unlink()
        attach(connection, unfinished, storage)
        storage.require_empty(connection)
        make_books(connection)
        # Only a closed file can be renamed alone.
        connection.execute("USE memory; DETACH lake")
        unfinished.path.rename(self.path)

    def close(self) -> None:
        """Do nothing: nothing stays open."""

    def writer_lock(self) -> WriterLock:
        """Return the lock that keeps all other writers out."""
        return FileLock(self.folder / LOCK_FILE)


@contextmanager
def before_engines(catalog: Path) -> Iterator[bool]:
    """Keep engines from opening `catalog` during the block; yields whether none of this process has done so before.

    Only then may the file be opened by anything else than an engine. Whoever closes a file drops all locks that the
    process has on it, those of an engine's transaction too: other processes would then take its log for left behind.
    """
    with _opening:
        yield catalog not in _opened


def _stat(path: Path) -> os.stat_result | None:
    # The log comes and goes with the engines of all threads and processes, also between two questions about it.
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _read_file(catalog: Path, sql: str) -> list[tuple[Any, ...]]:
    address = f"file:{quote(str(catalog))}?mode=ro"
    try:
        with closing(sqlite3.connect(address, uri=True, timeout=BUSY_TIMEOUT_MS / 1000)) as connection:
            return connection.execute(sql).fetchall()
    except sqlite3.Error as error:
        raise LakeFailed(
            f"the lake's catalogue {catalog} cannot be read: {error}",
            hint="if its folder was changed by hand, take it from a backup, or move it away to load everything anew",
        ) from error
