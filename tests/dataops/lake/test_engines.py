"""One engine per thread: threads that read, write and come and go never meet inside DuckLake."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import duckdb

from ropewalk.dataops.lake import Lake
from ropewalk.dataops.lake.engines import MOST_IDLE, Engines
from ropewalk.dataops.lake.threads import machine_threads


def in_thread(work: Callable[[], object]) -> object:
    """Return what `work` returns in a thread of its own."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


def open_memory(opened: list[duckdb.DuckDBPyConnection]) -> duckdb.DuckDBPyConnection:
    """Return an engine with a schema in the place of the lake, and count it."""
    root = duckdb.connect(":memory:")
    root.execute("ATTACH ':memory:' AS lake")
    opened.append(root)
    return root


def test_a_thread_keeps_its_engine() -> None:
    """Cursors of one thread share one engine, another thread gets its own."""
    opened: list[duckdb.DuckDBPyConnection] = []
    engines = Engines(lambda: open_memory(opened))

    engines.cursor()
    engines.cursor()
    assert len(opened) == 1

    in_thread(engines.cursor)
    assert len(opened) == 2


def open_lake_in_memory(opened: list[duckdb.DuckDBPyConnection]) -> duckdb.DuckDBPyConnection:
    """Return an engine with a lake that says it is empty, and count it."""
    root = open_memory(opened)
    root.execute("SET external_threads = 1")
    root.execute("ATTACH ':memory:' AS __ducklake_metadata_lake")
    sizes = "CREATE TABLE __ducklake_metadata_lake.ducklake_table_stats AS SELECT 0 AS file_size_bytes"
    root.execute(sizes)
    return root


def test_a_thread_takes_what_an_ended_one_left() -> None:
    """Threads that come one after the other share one engine, whose settings and schema stay as they were opened."""
    opened: list[duckdb.DuckDBPyConnection] = []
    engines = Engines(lambda: open_lake_in_memory(opened))

    answers = [in_thread(lambda: engines.cursor().execute("SELECT 1").fetchall()) for _ in range(3)]

    assert answers == [[(1,)]] * 3
    assert len(opened) == 1


def test_threads_at_the_same_time_never_share() -> None:
    """However many threads meet, each has an engine of its own, and few of them outlast their threads."""
    opened: list[duckdb.DuckDBPyConnection] = []
    engines = Engines(lambda: open_lake_in_memory(opened))
    meeting = threading.Barrier(6)

    def work(_: int) -> int:
        cursor = engines.cursor()
        meeting.wait(60)
        cursor.execute("CREATE TEMP TABLE mine AS SELECT 1")
        found = id(engines._used[threading.current_thread()])
        meeting.wait(60)
        return found

    for times in (1, 2):
        with ThreadPoolExecutor(6) as pool:
            assert len(set(pool.map(work, range(6)))) == 6
        # Those of the first round that were not let go are used again.
        assert len(opened) <= 6 * times

    in_thread(engines.cursor)
    assert len(engines._idle) <= MOST_IDLE


def test_what_was_left_is_not_used_for_a_lake_that_has_grown() -> None:
    """An engine opened for a small lake is not handed on when the lake is large by now."""
    opened: list[duckdb.DuckDBPyConnection] = []
    engines = Engines(lambda: open_lake_in_memory(opened))
    in_thread(engines.cursor)
    opened[0].execute(
        "UPDATE __ducklake_metadata_lake.ducklake_table_stats SET file_size_bytes = 1_000_000_000"
    )
    opened[0].execute(f"SET external_threads = {max(2, machine_threads())}")

    in_thread(engines.cursor)

    assert len(opened) == 2


def test_what_was_closed_is_not_handed_on() -> None:
    """After a close also what ended threads left is opened anew."""
    opened: list[duckdb.DuckDBPyConnection] = []
    engines = Engines(lambda: open_lake_in_memory(opened))
    in_thread(engines.cursor)

    engines.close()
    in_thread(engines.cursor)

    assert len(opened) == 2


def test_closed_engines_are_opened_again() -> None:
    """After a close the next cursor comes from a new engine, and a second close does nothing."""
    opened: list[duckdb.DuckDBPyConnection] = []
    engines = Engines(lambda: open_memory(opened))
    engines.cursor()

    engines.close()
    engines.close()

    assert engines.cursor().execute("SELECT 1").fetchall() == [(1,)]
    assert len(opened) == 2


def test_many_threads_write_and_read(lake: Lake) -> None:
    """Threads that come and go, each writing its table and reading all, end with every table whole."""

    def work(number: int) -> int:
        with lake.transaction("write") as transaction:
            digest = transaction.replace(f"mart.t{number}", f"SELECT {number} AS n FROM range(50)")
            transaction.record_build(f"table:mart.t{number}", "k", digest)
        assert lake.build(f"table:mart.t{number}").key == "k"
        return sum(table.rows for table in lake.tables() if table.name == f"t{number}")

    for _ in range(2):
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(work, range(8))) == [50] * 8

    assert len(lake.tables()) == 8


def test_queries_of_many_threads(lake: Lake) -> None:
    """The console answers several threads at a time, as the pages ask."""
    with lake.transaction("write") as transaction:
        transaction.replace("mart.a", "SELECT n FROM range(100) r(n)")

    with ThreadPoolExecutor(4) as pool:
        answers = list(
            pool.map(lambda n: lake.query(f"SELECT count(*) FROM mart.a WHERE n < {n}").rows[0][0], range(40))
        )

    assert answers == list(range(40))


def test_closing_from_another_thread(lake: Lake) -> None:
    """The lake of a pool's threads is closed by the thread that owns the workspace."""
    ready, done = threading.Event(), threading.Event()

    def work() -> None:
        lake.snapshot()
        ready.set()
        done.wait()

    thread = threading.Thread(target=work)
    thread.start()
    ready.wait()
    lake.close()
    done.set()
    thread.join()

    assert lake.snapshot() == 1
