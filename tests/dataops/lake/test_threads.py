"""Engines that are narrow for what is small and wide for what is not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress

import duckdb
import pytest

from ropewalk.dataops.lake import Lake
from ropewalk.dataops.lake.engines import Engines
from ropewalk.dataops.lake.threads import (
    SMALL_BYTES,
    is_large,
    is_outgrown,
    machine_threads,
    narrow_config,
    narrowed,
    widen,
    widened_later,
)

BYTES = "__ducklake_metadata_lake.ducklake_table_stats"


@pytest.fixture
def narrow() -> Iterator[duckdb.DuckDBPyConnection]:
    """Return a narrow engine that plans for four threads, with a table of statistics as a lake has one."""
    with duckdb.connect(config={"threads": "4", "external_threads": "4"}) as connection:
        connection.execute("ATTACH ':memory:' AS __ducklake_metadata_lake")
        connection.execute(f"CREATE TABLE {BYTES} (file_size_bytes BIGINT)")
        yield connection


def workers(connection: duckdb.DuckDBPyConnection) -> int:
    sql = "SELECT current_setting('threads')::INT - current_setting('external_threads')::INT"
    return int(connection.execute(sql).fetchall()[0][0])


def test_a_narrow_engine_plans_for_the_whole_machine() -> None:
    """It has no workers, and lets them join later."""
    with duckdb.connect(config=narrow_config()) as connection:
        assert workers(connection) == 0
        widen(connection)
        assert workers(connection) == machine_threads() - 1


@pytest.mark.parametrize(
    ("sizes", "large"), [([], False), ([SMALL_BYTES], False), ([SMALL_BYTES, 1], True), ([None], False)]
)
def test_what_is_large(narrow: duckdb.DuckDBPyConnection, sizes: list[int | None], large: bool) -> None:
    """All tables count together; a lake without any is small."""
    for size in sizes:
        narrow.execute(f"INSERT INTO {BYTES} VALUES ({'NULL' if size is None else size})")

    assert is_large(narrow) is large
    assert is_outgrown(narrow) is large
    widen(narrow)
    assert not is_outgrown(narrow)


def test_what_takes_long_is_widened(narrow: duckdb.DuckDBPyConnection) -> None:
    """The engine of a block that goes on is wide before it ends, and stays so."""
    with widened_later(narrow, 0.0):
        until = time.monotonic() + 30
        while not workers(narrow) and time.monotonic() < until:
            time.sleep(0.001)

    assert workers(narrow) == 3


def test_what_is_quick_stays_narrow(narrow: duckdb.DuckDBPyConnection) -> None:
    """No thread of the block's own is left, whether it ends or fails."""
    with pytest.raises(ValueError, match="no"), widened_later(narrow, 600.0):
        raise ValueError("no")

    assert workers(narrow) == 0


def test_an_outgrown_engine_is_opened_anew(narrow: duckdb.DuckDBPyConnection) -> None:
    """A thread's next question after the lake has grown goes to an engine that was opened since."""
    opened: list[duckdb.DuckDBPyConnection] = []

    def open_it() -> duckdb.DuckDBPyConnection:
        opened.append(narrow.cursor())
        # What a cursor of an engine of a lake says.
        narrow.execute("ATTACH IF NOT EXISTS ':memory:' AS lake")
        return opened[-1]

    engines = Engines(open_it, recheck_s=0.0)
    engines.cursor().close()
    engines.cursor().close()
    assert len(opened) == 1
    narrow.execute(f"INSERT INTO {BYTES} VALUES ({SMALL_BYTES + 1})")
    engines.cursor().close()
    assert len(opened) == 2


def test_the_engine_of_a_small_lake_is_narrow(lake: Lake) -> None:
    """Also after a commit that was quick."""
    lake.write("mart.t", "SELECT 1 AS n", "write")

    with lake.cursor() as connection:
        assert not is_large(connection)


@pytest.mark.parametrize("is_wide", [True, False])
def test_narrow_for_one_statement(narrow: duckdb.DuckDBPyConnection, is_wide: bool) -> None:
    """What one thread works at has no workers, and the engine is afterwards as it was, also after an error."""
    if is_wide:
        widen(narrow)
    before = workers(narrow)

    during = None
    with suppress(duckdb.Error), narrowed(narrow):
        during = workers(narrow)
        narrow.execute("FROM no_such_table")

    assert during == 0
    assert workers(narrow) == before == (3 if is_wide else 0)
