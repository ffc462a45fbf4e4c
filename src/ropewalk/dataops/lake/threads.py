"""How many threads an engine works with: one for what is small, all of the machine for what is not.

DuckDB's caller looks for work without a pause while a worker does it, so that a statement of milliseconds, as most of a
lake's own are, costs twice its CPU time on two cores and three times on four (measured with DuckDB 1.5.5). A narrow
engine has no workers, yet plans for them: they can join a statement that is running already.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

import duckdb

from ropewalk.dataops.lake.retry import retry_locked

# What one thread reads in about a quarter of a second.
SMALL_BYTES = 16 * 2**20
# A statement that takes longer is worth the workers' start.
PATIENCE_S = 0.1
_BYTES = "SELECT coalesce(sum(file_size_bytes), 0) FROM __ducklake_metadata_lake.ducklake_table_stats"


@lru_cache(maxsize=1)
def machine_threads() -> int:
    """Return how many threads DuckDB would use here, which knows of the limits of containers."""
    with duckdb.connect(":memory:") as connection:
        row = connection.execute("SELECT current_setting('threads')::BIGINT").fetchone()
    return int(row[0]) if row else 1


def narrow_config() -> dict[str, str]:
    """Return the settings of an engine without workers: its callers count as all of its threads."""
    count = str(machine_threads())
    return {"threads": count, "external_threads": count}


def widen(connection: duckdb.DuckDBPyConnection) -> None:
    """Let all threads of the machine work for the engine of `connection`, in what is running too."""
    connection.execute("SET external_threads = 1")


@contextmanager
def narrowed(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Let the engine of `connection` work without workers in the block, for a statement that only one can work at.

    Behind a LIMIT a scan is such a one: workers would look on, at its cost once more.
    """
    settings = "SELECT current_setting('threads')::BIGINT, current_setting('external_threads')::BIGINT"
    row = connection.execute(settings).fetchone()
    assert row is not None
    all_threads, own = (int(number) for number in row)
    connection.execute(f"SET external_threads = {all_threads:d}")
    try:
        yield
    finally:
        connection.execute(f"SET external_threads = {own:d}")


def is_large(connection: duckdb.DuckDBPyConnection) -> bool:
    """Return whether the tables of the attached lake are too large for one thread."""
    row = connection.execute(_BYTES).fetchone()
    return row is not None and int(row[0]) > SMALL_BYTES


def is_outgrown(connection: duckdb.DuckDBPyConnection) -> bool:
    """Return whether the engine of `connection` is narrow although the lake is large by now."""
    row = connection.execute("SELECT current_setting('external_threads')::BIGINT").fetchone()
    return row is not None and int(row[0]) > 1 and retry_locked(lambda: is_large(connection))


@contextmanager
def widened_later(connection: duckdb.DuckDBPyConnection, patience_s: float = PATIENCE_S) -> Iterator[None]:
    """Widen the engine of `connection` if the block takes longer than `patience_s`; it stays wide then."""
    # Opened and closed by this thread: DuckLake does not stand others doing so while it works.
    with connection.cursor() as beside:
        timer = threading.Timer(patience_s, widen, (beside,))
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            # It may be at it just now.
            timer.join()
