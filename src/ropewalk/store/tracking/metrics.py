"""Metric points: appended as packed segments, with the newest point of each key kept beside them for search."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from itertools import chain

from blake3 import blake3

from ropewalk.store.connections import Connection, Cursor
from ropewalk.store.tracking.chunks import compact_run, has_many_loose
from ropewalk.store.tracking.segments import Point, pack, rank
from ropewalk.store.tracking.series import all_points, find_series
from ropewalk.store.tracking.values import Metric

# A batch may arrive late or twice: a point replaces the newest one only when it is not older. NaN, stored as NULL,
# ranks below every number, as in `rank`.
_IS_NEWER = """(excluded.step, excluded.recorded_at, coalesce(excluded.value, -9e999))
    >= (latest_metric.step, latest_metric.recorded_at, coalesce(latest_metric.value, -9e999))"""
# The extremes move with every batch, in whatever order batches arrive and however often one does.
_INTO_LATEST = (
    "INSERT INTO latest_metric (run, key, value, step, recorded_at, least, greatest, has_extremes) VALUES "
)
_ROW = "(?, ?, ?, ?, ?, ?, ?, 1)"
_UNLESS_OLDER = f"""
ON CONFLICT (run, key) DO UPDATE SET
    value = CASE WHEN {_IS_NEWER} THEN excluded.value ELSE latest_metric.value END,
    step = CASE WHEN {_IS_NEWER} THEN excluded.step ELSE latest_metric.step END,
    recorded_at = CASE WHEN {_IS_NEWER} THEN excluded.recorded_at ELSE latest_metric.recorded_at END,
    least = CASE WHEN excluded.least < latest_metric.least OR latest_metric.least IS NULL
        THEN excluded.least ELSE latest_metric.least END,
    greatest = CASE WHEN excluded.greatest > latest_metric.greatest OR latest_metric.greatest IS NULL
        THEN excluded.greatest ELSE latest_metric.greatest END
"""
# A batch of many metrics takes a statement for so many: a server's answer to each would cost more than its work.
_AT_ONCE = 50
_LATEST = _INTO_LATEST + _ROW + _UNLESS_OLDER
_MANY_LATEST = _INTO_LATEST + ", ".join([_ROW] * _AT_ONCE) + _UNLESS_OLDER


def ask_keys(connection: Connection, metrics: Iterable[Metric]) -> Cursor | None:
    """Ask for the numbers of the metrics' names, for `append_metrics`; a server is asked along with what follows."""
    names = list({metric.key for metric in metrics})
    if not names:
        return None
    # One question for the whole batch: with a server each would be a way there and back.
    return connection.execute(
        "SELECT name, id FROM metric_key WHERE name IN (SELECT value FROM json_each(?))", (json.dumps(names),)
    )


def append_metrics(
    connection: Connection, run: int, metrics: Sequence[Metric], known: Cursor | None = None
) -> None:
    """Add points to the run of that number; a batch that is already there changes nothing.

    Args:
        connection: a connection in a write transaction.
        run: the run's number.
        metrics: the points.
        known: what `ask_keys` asked in this transaction; asked here when it is None.
    """
    known = known or ask_keys(connection, metrics)
    if known is None:
        return
    numbers = _key_numbers(connection, metrics, known)
    points: dict[int, list[Point]] = {number: [] for number in numbers.values()}
    for key, value, step, recorded_at in metrics:
        points[numbers[key]].append((step, recorded_at, value))
    # One blob per batch and not a row per point: it is written some eight times faster, and takes no index
    # per point.
    content = pack(points)
    # Most requests log one key; naming it lets readers of other keys pass the blob over.
    sole_key = next(iter(points)) if len(points) == 1 else None
    digest = blake3(content).digest(length=16)
    connection.execute(
        "INSERT INTO metric_segment (run, sole_key, points, digest, content) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        (run, sole_key, len(metrics), digest, content),
    )
    # Not asked whether the batch was there before: it moves nothing twice, and a server's answer would be waited for.
    newest = list(_newest(run, points))
    while len(newest) >= _AT_ONCE:
        connection.execute(_MANY_LATEST, list(chain.from_iterable(newest[:_AT_ONCE])))
        del newest[:_AT_ONCE]
    connection.executemany(_LATEST, newest)
    # Counting costs a statement, so only every eighth batch does it, told by its digest: no counter has to be kept.
    if digest[0] % 8 == 0 and has_many_loose(connection, run):
        compact_run(connection, run)


def _newest(run: int, points: dict[int, list[Point]]) -> Iterable[tuple[float | None, ...]]:
    for key, series in points.items():
        numbers = [value for _, _, value in series]
        # A sum tells whether there is any NaN, which is rare, and without which points compare as they are.
        if math.isnan(sum(numbers)):
            numbers = [value for value in numbers if not math.isnan(value)]
            step, recorded_at, value = max(series, key=rank)
        else:
            step, recorded_at, value = max(series)
        newest = (run, key, None if math.isnan(value) else value, step, recorded_at)
        yield *newest, min(numbers, default=None), max(numbers, default=None)


def metric_history(connection: Connection, run: int, key: str) -> list[Metric]:
    """Return every point of one key by step, time and value, each once."""
    return [Metric(key, value, step, time) for step, time, value in metric_points(connection, run, key)]


def metric_points(connection: Connection, run: int, key: str) -> list[Point]:
    """Return what `metric_history` returns as bare (step, time, value), which a long series is better kept as."""
    series = find_series(connection, run, key)
    return all_points(connection, series) if series else []


def _key_numbers(connection: Connection, metrics: Iterable[Metric], known: Cursor) -> dict[str, int]:
    numbers = {row["name"]: int(row["id"]) for row in known}
    for name in {metric.key for metric in metrics} - numbers.keys():
        numbers[name] = key_number(connection, name)
    return numbers


def key_number(connection: Connection, name: str) -> int:
    """Return the short number of a metric's name, giving it one when it is new."""
    # Looked up first: nearly every name is known, and reading it is cheaper than an insert that conflicts.
    row = connection.execute("SELECT id FROM metric_key WHERE name = ?", (name,)).fetchone()
    if row is not None:
        return int(row["id"])
    added = connection.execute("INSERT INTO metric_key (name) VALUES (?) RETURNING id", (name,))
    return int(added.fetchone()["id"])
