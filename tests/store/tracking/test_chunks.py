"""Chunks: whatever is merged, and in whichever order it came, any part of a series reads as if nothing had been."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest

from ropewalk.store import Database
from ropewalk.store.tracking.chunks import (
    CHUNK,
    KEPT_LOOSE,
    LOOSE_POINTS,
    LOOSE_SEGMENTS,
    compact_run,
)
from ropewalk.store.tracking.metrics import append_metrics, metric_points
from ropewalk.store.tracking.segments import Point, outline, pack_series, rank
from ropewalk.store.tracking.series import (
    all_points,
    find_series,
    page_of_points,
    points_between,
    thinned,
)
from ropewalk.store.tracking.values import Metric

AddRun = Callable[..., int]


def _append(database: Database, run: int, points: Sequence[Point], key: str = "loss") -> None:
    with database.write() as connection:
        append_metrics(connection, run, [Metric(key, value, step, time) for step, time, value in points])


def _compact(database: Database, run: int) -> None:
    with database.write() as connection:
        compact_run(connection, run, keep=0)


def _read(database: Database, run: int, reader: Callable[..., object], *more: object) -> object:
    with database.read() as connection:
        series = find_series(connection, run, "loss")
        assert series
        return reader(connection, series, *more)


def _count(database: Database, table: str) -> int:
    with database.read() as connection:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def _line(steps: Sequence[int]) -> list[Point]:
    return [(step, 1_000 + step, step / 7) for step in steps]


def test_chunks_take_in_what_is_loose(database: Database, add_run: AddRun) -> None:
    """Merging leaves no loose segment, and the series reads as before."""
    run = add_run()
    for start in range(0, 30, 3):
        _append(database, run, _line(range(start, start + 3)))
    before = _read(database, run, all_points)

    _compact(database, run)

    assert (_count(database, "metric_segment"), _count(database, "metric_chunk")) == (0, 1)
    assert _read(database, run, all_points) == before == _line(range(30))


def test_a_batch_sent_again_after_merging(database: Database, add_run: AddRun) -> None:
    """It is no new point: not for who reads before the next merging, not after it, nor for the newest value."""
    run = add_run()
    first = [(1, 1, 1.0), (2, 2, math.nan), (3, 3, math.inf)]
    _append(database, run, first)
    _compact(database, run)

    _append(database, run, first)
    loose = _read(database, run, all_points)
    _compact(database, run)

    assert [repr(point) for point in first] == [repr(point) for point in loose]  # type: ignore[attr-defined]
    assert repr(_read(database, run, all_points)) == repr(first)
    assert _count(database, "metric_chunk") == 1


@pytest.mark.parametrize("seed", range(6))
def test_any_order(database: Database, add_run: AddRun, seed: int) -> None:
    """Batches in any order, overlapping and repeated, with merges in between, read as the set of their points."""
    source, run = random.Random(seed), add_run()
    sent: set[Point] = set()
    for _ in range(12):
        start = source.randrange(40_000)
        steps = source.sample(range(start, start + 9_000), source.choice([1, 50, 2_500]))
        points = [(step // 3, step % 2, float(step % 5)) for step in steps]
        sent.update(points)
        _append(database, run, points)
        if source.random() < 0.5:
            _compact(database, run)

    everything = sorted(sent, key=rank)

    assert _read(database, run, all_points) == everything
    assert _pages(database, run, source.choice([700, 9_000])) == everything
    low, high = sorted(source.sample(range(14_000), 2))
    within = [point for point in everything if low <= point[0] <= high]
    assert _read(database, run, points_between, low, high) == within


def _pages(database: Database, run: int, size: int) -> list[Point]:
    found: list[Point] = []
    while True:
        page = _read(database, run, page_of_points, size, found[-1] if found else None)
        assert isinstance(page, list)
        found += page
        if len(page) < size:
            return found


def test_chunks_are_bounded_and_apart(database: Database, add_run: AddRun) -> None:
    """No chunk has more points than a page decodes quickly, and none begins before the one before it ends."""
    run = add_run()
    _append(database, run, _line(range(0, 60_000, 2)))
    _compact(database, run)
    _append(database, run, _line(range(1, 20_000, 2)))
    _compact(database, run)

    with database.read() as connection:
        rows = connection.execute(
            "SELECT first_step, last_step, points FROM metric_chunk ORDER BY first_step"
        ).fetchall()

    assert max(row["points"] for row in rows) <= CHUNK
    assert sum(row["points"] for row in rows) == 40_000
    assert all(one["last_step"] < two["first_step"] for one, two in pairwise(rows))


def test_points_of_one_place_stay_together(database: Database, add_run: AddRun) -> None:
    """Ten thousand values at one step and time are one chunk, and pages still divide them."""
    run = add_run()
    points = [(5, 5, float(value)) for value in range(10_000)]
    _append(database, run, [*points, (6, 6, 0.0)])
    _compact(database, run)

    assert _count(database, "metric_chunk") == 2
    assert _pages(database, run, 3_000) == [*points, (6, 6, 0.0)]


def test_batches_are_merged_by_themselves(database: Database, add_run: AddRun) -> None:
    """However many batches a run logs, few of them are loose."""
    run = add_run()
    with database.write() as connection:
        for step in range(20 * LOOSE_SEGMENTS):
            append_metrics(connection, run, [Metric("loss", 0.5, step, step)])

    # Looked at once in eight batches on average; ten times as many without a look would be one in a million.
    assert _count(database, "metric_segment") < 2 * LOOSE_SEGMENTS
    assert len(_read(database, run, all_points)) == 20 * LOOSE_SEGMENTS  # type: ignore[arg-type]


def test_few_batches_are_left_as_they_are(database: Database, add_run: AddRun) -> None:
    """A short run takes no chunk for each of its metrics when it ends."""
    run = add_run()
    for step in range(KEPT_LOOSE):
        _append(database, run, _line([step]))

    with database.write() as connection:
        compact_run(connection, run)

    assert _count(database, "metric_chunk") == 0
    assert LOOSE_POINTS > CHUNK


def test_other_runs_and_keys(database: Database, add_run: AddRun) -> None:
    """Merging keeps each run's and each key's points with their owner."""
    first, second = add_run(), add_run()
    for run in (first, second):
        with database.write() as connection:
            append_metrics(connection, run, [Metric("loss", run, 1, 1), Metric("gain", -run, 1, 1)])
    _compact(database, first)

    with database.read() as connection:
        found = [metric_points(connection, run, key) for run in (first, second) for key in ("loss", "gain")]

    assert found == [[(1, 1, float(value))] for value in (first, -first, second, -second)]


def test_thinned_keeps_what_stands_out(database: Database, add_run: AddRun) -> None:
    """A chart of fifty points has both ends and the one outlier of twenty thousand."""
    run = add_run()
    points = _line(range(20_000))
    points[12_345] = (12_345, 1, -1e9)
    _append(database, run, points)
    _compact(database, run)

    shown = _read(database, run, thinned, 50)

    assert (shown.total, len(shown.points) <= 50) == (20_000, True)  # type: ignore[attr-defined]
    assert {points[0], points[-1], points[12_345]} <= set(shown.points)  # type: ignore[attr-defined]


def test_thinned_between_steps(database: Database, add_run: AddRun) -> None:
    """Only points of the steps asked for are shown and counted, and few are shown as they are."""
    run = add_run()
    _append(database, run, _line(range(100)))

    shown = _read(database, run, thinned, 50, 10, 19)

    assert (shown.total, shown.points) == (10, _line(range(10, 20)))  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        ([1.0, 2.0, 3.0], [1.0, 3.0]),
        ([2.0, 1.0, 3.0, 2.5], [2.0, 1.0, 3.0, 2.5]),
        ([math.nan, 5.0, -math.inf, math.inf, 0.0], [math.nan, -math.inf, math.inf, 0.0]),
        ([math.nan, math.nan], [math.nan, math.nan]),
        ([7.0], [7.0]),
    ],
)
def test_outlines(values: list[float], kept: list[float]) -> None:
    """An outline has the first, lowest, highest and last point, each once, and NaN is no extreme."""
    points = outline(pack_series([(step, 0, value) for step, value in enumerate(values)]))

    assert repr([value for _, _, value in points]) == repr(kept)
