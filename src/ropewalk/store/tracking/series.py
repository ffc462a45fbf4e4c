"""Reading the points of one metric of a run: all, a page, those between two steps, or as many as a chart can show.

Each reads the chunks that it needs and no others, besides the loose segments of the newest batches.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ropewalk.store.connections import Connection
from ropewalk.store.tracking.chunks import Place, walk
from ropewalk.store.tracking.segments import (
    WIDTH,
    Point,
    between,
    ordered,
    outline,
    pack_series,
    rank,
    unpack_keys,
    unpack_series,
)

_LEAST, _MOST = -(2**63), 2**63 - 1
# For a chart so many points are unpacked at most, and then so many chunks are looked through at most: each takes some
# fifty milliseconds. A longer line is drawn by the outlines of its chunks, of which it has at least that many.
DECODED = 50_000
READ_CHUNKS = 100
EVERY_STEP = (_LEAST, _MOST)
_OVERLAPPING = "run = ? AND key = ? AND first_step <= ? AND last_step >= ?"


@dataclass(frozen=True)
class Thinned:
    """A series as a chart shows it.

    Attributes:
        points: the first and last, and the extremes in between, in order.
        total: how many points they stand for; a point that was sent again and not merged yet counts twice.
    """

    points: list[Point]
    total: int


@dataclass(frozen=True)
class Series:
    """One metric of one run: their short numbers. Whoever reads gives the connection."""

    run: int
    key: int


def find_series(connection: Connection, run: int, name: str) -> Series | None:
    """Return the series of that metric's name of the run of that number; None when nobody ever logged that name."""
    # Unlike `key_number` this adds nothing: reading must not leave names behind.
    row = connection.execute("SELECT id FROM metric_key WHERE name = ?", (name,)).fetchone()
    return Series(run, row["id"]) if row else None


def all_points(connection: Connection, series: Series) -> list[Point]:
    """Return every point by step, time and value, each once."""
    return [point for block in _blocks(connection, series, (_LEAST, _LEAST)) for point in block]


def page_of_points(
    connection: Connection, series: Series, limit: int, after: Point | None = None
) -> list[Point]:
    """Return the first `limit` points that come after the point `after`, or of all."""
    found: list[Point] = []
    for block in _blocks(connection, series, after[:2] if after else (_LEAST, _LEAST)):
        found += block[bisect_right(block, rank(after), key=rank) :] if after and not found else block
        if len(found) >= limit:
            break
    return found[:limit]


def points_between(connection: Connection, series: Series, first_step: int, last_step: int) -> list[Point]:
    """Return the points of all steps from `first_step` to `last_step`, both included."""
    found: list[Point] = []
    for block in _blocks(connection, series, (first_step, _LEAST)):
        found += _within(block, first_step, last_step)
        if block[-1][0] > last_step:
            break
    return found


def count_points(connection: Connection, series: Series, first_step: int, last_step: int) -> int:
    """Return how many points the chunks between two steps have: at least the points that are in no loose segment."""
    row = connection.execute(
        f"SELECT sum(points) AS points FROM metric_chunk WHERE {_OVERLAPPING}",  # noqa: S608  # ours
        (series.run, series.key, last_step, first_step),
    ).fetchone()
    return int(row["points"] or 0)


def thinned(
    connection: Connection, series: Series, most: int, first_step: int = _LEAST, last_step: int = _MOST
) -> Thinned:
    """Return at most about `most` points that draw the same line as all of those steps: their ends and extremes.

    Where there are too many to be read, the extremes are those of whole chunks, which are kept beside them: nothing
    that stands out is lost.
    """
    rows = connection.execute(
        f"SELECT points, outline FROM metric_chunk WHERE {_OVERLAPPING} ORDER BY first_step, first_time",  # noqa: S608
        (series.run, series.key, last_step, first_step),
    ).fetchall()
    if sum(row["points"] for row in rows) <= DECODED:
        points = points_between(connection, series, first_step, last_step)
        return Thinned(_extremes(points, most), len(points))
    loose = list(_within(_loose(connection, series), first_step, last_step))
    if len(rows) <= READ_CHUNKS:
        found, total = _outlines(connection, series, (first_step, last_step), -(-most // (2 * len(rows))))
    else:
        found = [point for row in rows for point in unpack_series(row["outline"])]
        total = sum(row["points"] for row in rows)
    points = list(dict.fromkeys(sorted([*found, *loose], key=rank)))
    return Thinned(_extremes(_within(points, first_step, last_step), most), total + len(loose))


def _outlines(
    connection: Connection, series: Series, steps: tuple[int, int], parts: int
) -> tuple[list[Point], int]:
    """Return the outlines of the parts of the chunks between two steps, and how many points they have there."""
    first_step, last_step = steps
    found: list[Point] = []
    total = 0
    for row in connection.execute(
        f"SELECT content FROM metric_chunk WHERE {_OVERLAPPING} ORDER BY first_step, first_time",  # noqa: S608
        (series.run, series.key, last_step, first_step),
    ):
        content = between(row["content"], first_step, last_step)
        total += len(content) // WIDTH
        if content:
            found += outline(content, parts)
    return found, total


def _extremes(points: Sequence[Point], most: int) -> list[Point]:
    """Return the points, or the lowest and highest of parts of equal length, and the first and the last."""
    if len(points) <= most:
        return list(points)
    return outline(pack_series(points), max((most - 2) // 2, 1))


def _blocks(connection: Connection, series: Series, start: Place) -> Iterator[list[Point]]:
    return walk(connection, series.run, series.key, _loose(connection, series), start)


def _loose(connection: Connection, series: Series) -> list[Point]:
    # Two branches instead of OR, so that each is a range of the index.
    blobs = connection.execute(
        "SELECT content FROM metric_segment WHERE run = ? AND sole_key = ? UNION ALL"
        " SELECT content FROM metric_segment WHERE run = ? AND sole_key IS NULL",
        (series.run, series.key, series.run),
    )
    return ordered(
        packed for row in blobs for key, packed in unpack_keys(row["content"]) if key == series.key
    )


def _within(points: Sequence[Point], first_step: int, last_step: int) -> Sequence[Point]:
    start = bisect_left(points, first_step, key=_step)
    return points[start : bisect_right(points, last_step, lo=start, key=_step)]


def _step(point: Point) -> int:
    return point[0]
