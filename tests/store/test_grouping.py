"""Writers that come together share a transaction, and each stands or falls alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait

import pytest

from ropewalk.store import Connection, Database
from ropewalk.store.errors import DatabaseBusy, DatabaseFailed
from ropewalk.store.grouping import MEMBERS, WriteQueue, Writing

Write = Callable[[Connection], object]
DEADLINE_S = 60


class Broken(Exception):
    """What a writer of these tests fails with."""


@pytest.fixture
def queue(database: Database) -> WriteQueue:
    """Return a queue of writers over the database's own engine."""
    engine = database.engine
    assert isinstance(engine, Writing)
    return WriteQueue(engine, "test", DEADLINE_S, shared_s=DEADLINE_S)


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    """Return threads for a hundred writers."""
    with ThreadPoolExecutor(100) as pool:
        yield pool


def _add(name: str) -> Write:
    return lambda connection: connection.execute("INSERT INTO metric_key (name) VALUES (?)", (name,))


def _fail(name: str) -> Write:
    def write(connection: Connection) -> None:
        _add(name)(connection)
        raise Broken

    return write


def _together(queue: WriteQueue, threads: ThreadPoolExecutor, *writes: Write) -> list[Future[object]]:
    """Let all but the first wait for their turn while the first has it, in their order; return when all are done."""
    rest: list[Future[object]] = []

    def first(connection: Connection) -> None:
        for number, write in enumerate(writes[1:], start=1):
            rest.append(threads.submit(_write, queue, write))
            _until(lambda: queue.waiting == number)  # noqa: B023  # called before the next number
        writes[0](connection)

    leading = threads.submit(_write, queue, first)
    wait([leading])
    wait(rest)
    return [leading, *rest]


def _write(queue: WriteQueue, write: Write) -> object:
    with queue.turn() as connection:
        return write(connection)


def _until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def _names(database: Database) -> list[str]:
    with database.read() as connection:
        return [row["name"] for row in connection.execute("SELECT name FROM metric_key ORDER BY id")]


def test_a_group_has_one_transaction(
    database: Database, queue: WriteQueue, threads: ThreadPoolExecutor
) -> None:
    """Writers that waited go on in the transaction of the one before them: they see what is not committed yet."""
    seen: list[int] = []

    def count(connection: Connection) -> None:
        with database.read() as other:
            outside = other.execute("SELECT count(*) FROM metric_key").fetchone()[0]
        seen.append(connection.execute("SELECT count(*) FROM metric_key").fetchone()[0] - outside)

    done = _together(queue, threads, _add("a"), _add("b"), count)

    assert [future.exception() for future in done] == [None] * 3
    assert seen == [2]
    assert _names(database) == ["a", "b"]


@pytest.mark.parametrize("failing", range(4))
def test_one_that_fails_falls_alone(
    database: Database, queue: WriteQueue, threads: ThreadPoolExecutor, failing: int
) -> None:
    """Whichever of a group fails, the others are written and it alone is not."""
    names = ["a", "b", "c", "d"]
    writes = [_fail(name) if place == failing else _add(name) for place, name in enumerate(names)]

    done = _together(queue, threads, *writes)

    raised = [type(future.exception()) for future in done]
    assert raised == [Broken if place == failing else type(None) for place in range(4)]
    assert _names(database) == [name for place, name in enumerate(names) if place != failing]


def test_a_refused_row_falls_alone(
    database: Database, queue: WriteQueue, threads: ThreadPoolExecutor
) -> None:
    """A statement that the database refuses undoes its own writer's part only."""

    def both(connection: Connection) -> None:
        _add("c")(connection)
        _add("a")(connection)

    done = _together(queue, threads, _add("a"), both, _add("d"))

    assert done[1].exception() is not None
    assert [done[place].exception() for place in (0, 2)] == [None, None]
    assert _names(database) == ["a", "d"]


def test_more_writers_than_a_group_has(
    database: Database, queue: WriteQueue, threads: ThreadPoolExecutor
) -> None:
    """A crowd is written in several groups, in the order in which it came."""
    names = [f"n{number:03}" for number in range(MEMBERS + 20)]

    done = _together(queue, threads, *[_add(name) for name in names])

    assert all(future.exception() is None for future in done)
    assert _names(database) == names


def test_an_answer_means_that_it_is_written(database: Database, threads: ThreadPoolExecutor) -> None:
    """Whoever has returned from writing finds it committed, in every other connection."""

    def write(number: int) -> bool:
        with database.write() as connection:
            _add(str(number))(connection)
        with database.read() as connection:
            found = connection.execute("SELECT 1 FROM metric_key WHERE name = ?", (str(number),))
            return found.fetchone() is not None

    assert all(threads.map(write, range(300)))
    assert len(_names(database)) == 300


def test_who_waits_too_long(database: Database, threads: ThreadPoolExecutor) -> None:
    """A writer whose turn does not come in time says so, and leaves the queue to those behind it."""
    engine = database.engine
    assert isinstance(engine, Writing)
    queue = WriteQueue(engine, "test", 0.01)

    with queue.turn() as connection:
        late = threads.submit(_write, queue, _add("late"))
        assert isinstance(late.exception(DEADLINE_S), DatabaseBusy)
        _add("held")(connection)
    _write(queue, _add("next"))

    assert _names(database) == ["held", "next"]


def test_reading_within_writing(database: Database) -> None:
    """A thread has one transaction at a time, whether it reads or writes first."""
    with database.write(), pytest.raises(DatabaseFailed, match="within a transaction"), database.read():
        pass
    with database.read(), pytest.raises(DatabaseFailed, match="within a transaction"), database.write():
        pass


def test_a_database_that_was_closed_is_written_again(database: Database) -> None:
    """Closing ends the writers' connection; the next writer opens another."""
    with database.write() as connection:
        _add("a")(connection)
    database.close()
    with database.write() as connection:
        _add("b")(connection)

    assert _names(database) == ["a", "b"]
