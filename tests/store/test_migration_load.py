"""A filled database is migrated while a program of before still reads and writes it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from ropewalk.store import Connection, Database
from ropewalk.store.database import apply_migration, migrations, open_engine
from ropewalk.store.errors import DatabaseBusy
from ropewalk.store.tracking.chunks import compact_run
from ropewalk.store.tracking.metrics import metric_points
from ropewalk.store.tracking.segments import pack

# The last schema before points were merged: what the program of before knows.
OLD = 9
RUNS, BATCHES, WRITERS = 300, 10, 4


@pytest.fixture
def old(empty: Path | str) -> Iterator[Database]:
    """Return a database of the old schema with some thousand batches of points, as the old program has it open."""
    database = Database(open_engine(empty, 60.0))
    for step in migrations()[:OLD]:
        with database.write() as connection:
            apply_migration(database.engine, connection, step)
    with database.write() as connection:
        connection.execute("INSERT INTO metric_key (id, name) VALUES (1000, 'loss')")
        connection.executemany(
            "INSERT INTO run (number, id, experiment, name, user_id, status, stage, started_at)"
            " VALUES (?, ?, 0, 'old', 'ada', 'RUNNING', 'active', 1)",
            [(1000 + run, f"run-{run}") for run in range(RUNS)],
        )
        for run in range(RUNS):
            for batch in range(BATCHES):
                _write_as_before(connection, 1000 + run, batch)
    yield database
    database.close()


def _write_as_before(connection: Connection, run: int, batch: int) -> None:
    """Log five points with the statements of the old program."""
    points = [(step, step, step / 3) for step in range(batch * 5, batch * 5 + 5)]
    content = pack({1000: points})
    connection.execute(
        "INSERT INTO metric_segment (run, sole_key, points, digest, content) VALUES (?, 1000, 5, ?, ?)",
        (run, batch.to_bytes(16, "little"), content),
    )
    connection.execute(
        "INSERT INTO latest_metric (run, key, value, step, recorded_at) VALUES (?, 1000, ?, ?, ?)"
        " ON CONFLICT (run, key) DO UPDATE SET value = excluded.value, step = excluded.step",
        (run, points[-1][2], points[-1][0], points[-1][1]),
    )


def _go_on(database: Database, run: int, is_migrated: Callable[[], bool]) -> int:
    """Read and write as before until some time after the migration; return how many batches the run has then."""
    batch, after = BATCHES, 0
    while after < 20:
        after += is_migrated()
        try:
            with database.write() as connection:
                _write_as_before(connection, run, batch)
            with database.read() as connection:
                connection.execute("SELECT id, status FROM run WHERE number = ?", (run,)).fetchall()
        except DatabaseBusy:
            # Said in so many words, and nothing is written: the same request is right a moment later.
            continue
        batch += 1
    return batch


def test_migration_under_load(old: Database, empty: Path | str) -> None:
    """The new program migrates while the old one goes on; all that either has written is there, and reads alike."""
    done = threading.Event()
    with ThreadPoolExecutor(WRITERS) as threads:
        writing: list[Future[int]] = [
            threads.submit(_go_on, old, 1000 + number, done.is_set) for number in range(WRITERS)
        ]
        try:
            new = Database.open(empty)
        finally:
            done.set()
        batches = [future.result() for future in writing]

    for number, count in enumerate(batches):
        with new.write() as connection:
            before = metric_points(connection, 1000 + number, "loss")
            compact_run(connection, 1000 + number)
            after = metric_points(connection, 1000 + number, "loss")
        assert before == after == [(step, step, step / 3) for step in range(count * 5)]
    with new.read() as connection:
        total = connection.execute("SELECT count(*) FROM latest_metric").fetchone()[0]
    new.close()
    assert total == RUNS
