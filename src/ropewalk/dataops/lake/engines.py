"""One engine per thread: two threads of one engine must not use DuckLake at the same time.

Measured with DuckDB 1.5.5: threads that read, commit and close connections of one engine see tables that are not
there, or end the process with a segmentation fault. Engines of their own share nothing but the files, which
SQLite's locks guard between threads as between processes.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable

import duckdb

from ropewalk.dataops.lake.threads import is_outgrown

# A server keeps its engines for weeks, in which a lake grows.
RECHECK_S = 60.0


class _Engine:
    """An engine of one thread; closed with its last reference, which goes with the thread."""

    def __init__(self, root: duckdb.DuckDBPyConnection) -> None:
        self.root = root
        self.checked = time.monotonic()

    def is_outgrown(self, recheck_s: float) -> bool:
        """Return whether the lake has become too large for how this was opened, asking every `recheck_s` seconds."""
        now = time.monotonic()
        if now - self.checked < recheck_s:
            return False
        self.checked = now
        return is_outgrown(self.root)


class Engines:
    """The engines of the threads of this process, each opened by `open_it` at the thread's first use."""

    def __init__(
        self, open_it: Callable[[], duckdb.DuckDBPyConnection], recheck_s: float = RECHECK_S
    ) -> None:
        self._open = open_it
        self._recheck_s = recheck_s
        self._lock = threading.Lock()
        self._local = threading.local()
        self._opened: weakref.WeakSet[_Engine] = weakref.WeakSet()

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """Return a new connection to this thread's engine, with the lake as its default."""
        engine: _Engine | None = getattr(self._local, "engine", None)
        # A new one, as the settings of some are locked.
        if engine is None or engine.is_outgrown(self._recheck_s):
            engine = _Engine(self._open())
            self._local.engine = engine
            with self._lock:
                self._opened.add(engine)
        connection = engine.root.cursor()
        # A cursor is a connection of its own: it shares the attached lake, but not which one is the default.
        connection.execute("USE lake")
        return connection

    def close(self) -> None:
        """Close the engines of all threads; the next use opens them anew."""
        with self._lock:
            for engine in self._opened:
                engine.root.close()
            self._opened.clear()
            self._local = threading.local()
