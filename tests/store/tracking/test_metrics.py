"""Metric points: packed, kept once, and the newest of each key beside them."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropewalk.store import Database
from ropewalk.store.tracking.metrics import append_metrics, metric_history
from ropewalk.store.tracking.runs import read_runs
from ropewalk.store.tracking.segments import pack, unpack_key
from ropewalk.store.tracking.values import Metric

AddRun = Callable[..., int]
INT64 = st.integers(-(2**63), 2**63 - 1)
POINTS = st.lists(st.tuples(INT64, INT64, st.floats()), max_size=20)


@given(st.dictionaries(st.integers(0, 2**32 - 1), POINTS, max_size=5))
def test_packing_loses_nothing(points: dict[int, list[tuple[int, int, float]]]) -> None:
    """Every point of every key comes back bit by bit, each once."""
    blob = pack(points)

    for key, series in points.items():
        assert {repr(point) for point in unpack_key(blob, key)} == {repr(point) for point in series}


def test_a_key_that_is_not_there() -> None:
    """A segment without a key yields nothing for it."""
    assert list(unpack_key(pack({3: [(0, 0, 1.0)]}), 4)) == []
    assert list(unpack_key(pack({}), 4)) == []


def test_order_does_not_matter() -> None:
    """Equal points in another order make the same blob, so that a repeated batch is known by its digest."""
    points = [(step, 0, step / 3) for step in range(50)]
    shuffled = random.Random(1).sample(points, len(points))

    assert pack({1: points, 2: points}) == pack({2: shuffled, 1: shuffled})


def _append(database: Database, run: int, *metrics: Metric) -> None:
    with database.write() as connection:
        append_metrics(connection, run, metrics)


def _history(database: Database, run: int, key: str) -> list[Metric]:
    with database.read() as connection:
        return metric_history(connection, run, key)


def _segments(database: Database) -> int:
    with database.read() as connection:
        return int(connection.execute("SELECT count(*) FROM metric_segment").fetchone()[0])


def _latest(database: Database, run: int) -> dict[str, Metric]:
    with database.read() as connection:
        return dict(read_runs(connection, [run])[0].metrics)


def test_a_repeated_batch_is_a_no_op(database: Database, add_run: AddRun) -> None:
    """A batch that a client sends again adds neither points nor bytes."""
    run = add_run()
    batch = [Metric("a", 1.0, 1, 1), Metric("b", math.nan, 1, 1)]
    _append(database, run, *batch)
    _append(database, run, *reversed(batch))

    assert _segments(database) == 1
    assert _history(database, run, "a") == [batch[0]]
    assert len(_history(database, run, "b")) == 1


def test_overlapping_batches(database: Database, add_run: AddRun) -> None:
    """A point that is in two different batches counts once; another value at its step is kept."""
    run = add_run()
    _append(database, run, Metric("a", 1.0, 1, 1), Metric("a", 2.0, 2, 2))
    _append(database, run, Metric("a", 2.0, 2, 2), Metric("a", 2.5, 2, 2), Metric("a", math.nan, 3, 3))
    _append(database, run, Metric("a", math.nan, 3, 3))

    assert [point.value for point in _history(database, run, "a")][:3] == [1.0, 2.0, 2.5]
    assert len(_history(database, run, "a")) == 4


def test_history_mixes_lone_and_shared_segments(database: Database, add_run: AddRun) -> None:
    """Points logged one by one and in batches of many keys are one series."""
    run = add_run()
    _append(database, run, Metric("a", 3.0, 3, 0))
    _append(database, run, Metric("a", 1.0, 1, 0), Metric("b", 9.0, 1, 0))
    _append(database, run, Metric("b", 8.0, 2, 0))

    assert [point.step for point in _history(database, run, "a")] == [1, 3]
    assert [point.value for point in _history(database, run, "b")] == [9.0, 8.0]


def test_runs_are_apart(database: Database, add_run: AddRun) -> None:
    """Equal points of two runs are two points."""
    first, second = add_run(), add_run()
    for run in (first, second):
        _append(database, run, Metric("a", 1.0, 1, 1))

    assert len(_history(database, first, "a")) == len(_history(database, second, "a")) == 1


@pytest.mark.parametrize(
    ("points", "newest"),
    [
        ([(1, 1, 5.0), (2, 1, 1.0)], (2, 1, 1.0)),
        ([(2, 1, 1.0), (1, 9, 5.0)], (2, 1, 1.0)),
        ([(1, 1, 5.0), (1, 2, 1.0)], (1, 2, 1.0)),
        ([(1, 1, 1.0), (1, 1, 5.0)], (1, 1, 5.0)),
        ([(1, 1, 5.0), (1, 1, 1.0)], (1, 1, 5.0)),
        ([(1, 1, math.nan), (1, 1, 1.0)], (1, 1, 1.0)),
        ([(1, 1, 1.0), (1, 1, math.nan)], (1, 1, 1.0)),
        ([(1, 1, 1.0), (2, 1, math.nan)], (2, 1, math.nan)),
        ([(-5, 1, 1.0), (-7, 1, 2.0)], (-5, 1, 1.0)),
    ],
)
@pytest.mark.parametrize("at_once", [True, False])
def test_newest_point(
    database: Database,
    add_run: AddRun,
    points: list[tuple[int, int, float]],
    newest: tuple[int, int, float],
    at_once: bool,  # a parameter of the test
) -> None:
    """The newest point is the greatest by step, time and value, in one batch or in several."""
    run = add_run()
    metrics = [Metric("a", value, step, time) for step, time, value in points]
    for batch in [metrics] if at_once else [[metric] for metric in metrics]:
        _append(database, run, *batch)

    found = _latest(database, run)["a"]
    assert repr((found.step, found.recorded_at, found.value)) == repr(newest)


def test_no_points(database: Database, add_run: AddRun) -> None:
    """An empty batch leaves nothing."""
    run = add_run()
    _append(database, run)

    assert _segments(database) == 0
    assert _latest(database, run) == {}
