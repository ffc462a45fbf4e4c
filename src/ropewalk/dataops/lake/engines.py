"""One engine per thread: two threads of one engine must not use DuckLake at the same time.

Measured with DuckDB 1.5.5: threads that read, commit and close connections of one engine see tables that are not
there, or end the process with a segmentation fault. Engines of their own share nothing but the files, which
SQLite's locks guard between threads as between processes. One after the other they may use the same: starting an engine
takes as long as writing a small table, and a server's threads come and go with its runs.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import duckdb

from ropewalk.dataops.lake.threads import is_outgrown

# A server keeps its engines for weeks, in which a lake grows.
RECHECK_S = 60.0
# Engines that wait for a thread, as many as a small run has. Each holds some ten megabytes.
MOST_IDLE = 2


class _Engine:
    """An engine, which one thread uses at a time; closed with its last reference."""

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
    """The engines of the threads of this process, each opened by `open_it` where no ended thread has left one."""

    def __init__(
        self, open_it: Callable[[], duckdb.DuckDBPyConnection], recheck_s: float = RECHECK_S
    ) -> None:
        self._open = open_it
        self._recheck_s = recheck_s
        self._lock = threading.Lock()
        self._used: dict[threading.Thread, _Engine] = {}
        self._idle: list[_Engine] = []

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """Return a new connection to this thread's engine, with the lake as its default."""
        thread = threading.current_thread()
        engine = self._used.get(thread) or self._left_behind()
        # A new one, as the settings of some are locked.
        if engine is None or engine.is_outgrown(self._recheck_s):
            engine = _Engine(self._open())
        with self._lock:
            self._used[thread] = engine
        connection = engine.root.cursor()
        # A cursor is a connection of its own: it shares the attached lake, but not which one is the default.
        connection.execute("USE lake")
        return connection

    def close(self) -> None:
        """Close the engines of all threads; the next use opens them anew."""
        with self._lock:
            for engine in (*self._used.values(), *self._idle):
                engine.root.close()
            self._used.clear()
            self._idle.clear()

    def _left_behind(self) -> _Engine | None:
        """Return an engine whose thread has ended, if there is one, and let go of those that nobody will want."""
        with self._lock:
            self._idle += [self._used.pop(thread) for thread in list(self._used) if not thread.is_alive()]
            engine = self._idle.pop() if self._idle else None
            del self._idle[:-MOST_IDLE]
        if engine is not None:
            # Nobody has looked at the lake's size through it for as long as it lay there.
            engine.checked = float("-inf")
        return engine
