"""Metric points: packed, kept once, and the newest of each key beside them."""

from __future__ import annotations

import math
import random
import struct
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
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


def test_the_layout_of_a_segment() -> None:
    """The bytes are what earlier releases wrote: a directory of keys, then their points, all little-endian."""
    blob = pack({7: [(1, 2, 0.5)], 3: [(4, 5, -1.0), (1, 1, 2.0)]})

    assert struct.unpack_from("<I", blob) == (2,)
    assert struct.unpack_from("<IIII", blob, 4) == (3, 2, 7, 1)
    assert struct.unpack_from("<qqd", blob, 20 + 48) == (1, 2, 0.5)
    assert len(blob) == 20 + 3 * 24


@pytest.mark.parametrize("cut", [1, 3, 10, 30])
def test_a_blob_that_was_cut(cut: int) -> None:
    """Half a blob is an error: a series must not come back shorter without a word."""
    blob = pack({1: [(step, 0, 0.0) for step in range(2)]})

    with pytest.raises(struct.error):
        list(unpack_key(blob[:cut], 1))


SERIES = st.lists(
    st.builds(
        Metric,
        st.sampled_from(["loss", "auc"]),
        st.sampled_from([0.0, 1.0, -1.0, math.inf, -math.inf, math.nan]),
        st.integers(0, 2),
        st.integers(0, 2),
    ),
    max_size=12,
)


def _rank(point: Metric) -> tuple[int, int, float]:
    return point.step, point.recorded_at, -math.inf if math.isnan(point.value) else point.value


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(SERIES, st.integers(1, 5), st.randoms(use_true_random=False))
def test_any_batches_in_any_order(
    database: Database, add_run: AddRun, series: list[Metric], size: int, chance: random.Random
) -> None:
    """However a series is cut into batches, shuffled and sent twice, history and newest points are the same."""
    run = add_run()
    batches = [series[start : start + size] for start in range(0, len(series), size)] * 2
    chance.shuffle(batches)
    for batch in batches:
        _append(database, run, *batch)

    for key in ("loss", "auc"):
        points = {repr(point): point for point in series if point.key == key}
        ordered = sorted(points.values(), key=_rank)
        assert sorted(map(repr, _history(database, run, key))) == sorted(points)
        newest = _latest(database, run).get(key)
        assert (newest is None) == (not ordered)
        assert newest is None or _rank(newest) == _rank(ordered[-1])


@pytest.mark.parametrize("keys", [49, 50, 51, 130])
def test_many_metrics_of_one_batch(database: Database, add_run: AddRun, keys: int) -> None:
    """However many metrics a batch has, the newest point of each is kept, NaN and infinities too."""
    run = add_run()
    odd = {0: math.nan, 1: math.inf, 2: -math.inf}
    batch = [Metric(f"m{key}", odd.get(key, key / 3), 1, 1) for key in range(keys)]
    _append(database, run, *[Metric(f"m{key}", 9.0, 0, 0) for key in range(keys)])
    _append(database, run, *batch)

    assert repr(sorted(_latest(database, run).values())) == repr(sorted(batch))
