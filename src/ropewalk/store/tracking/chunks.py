"""Chunks: the points of one key of a run, in order and in pieces, so that any part is read without the others.

Batches arrive as loose segments. Once a run has many of them, or ends, they are merged into its chunks: new points are
mostly later than all before and go behind the last chunk; a late one has only the chunk rewritten that it falls into.
A point that is there already is dropped, which is how a batch that a client sends again stays a no-op.
"""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TypeAlias

from ropewalk.store.connections import Connection, Row
from ropewalk.store.tracking.segments import (
    WIDTH,
    Point,
    ordered,
    outline,
    pack_series,
    point_at,
    unpack_keys,
    unpack_series,
)

# Step and time: what a chunk is found by.
Place: TypeAlias = tuple[int, int]

# Decoded in a millisecond, and few enough for ten million points to be 1,200 rows.
CHUNK = 8192
# What one reading may have to merge besides chunks: about ten milliseconds' worth.
LOOSE_SEGMENTS, LOOSE_POINTS = 128, 32_768
# A run that ends with fewer is as quickly read as it is, and takes no row per key.
KEPT_LOOSE = 8
_TAKEN = 256
_AT = "run = ? AND key = ?"


@dataclass(frozen=True)
class Head:
    """A chunk without its points: the places of its first and last point, and how many it has."""

    first: Place
    last: Place
    points: int


def has_many_loose(connection: Connection, run: int) -> bool:
    """Return whether the run of that number has so many loose segments that its chunks should take them in."""
    row = connection.execute(
        "SELECT count(*) AS segments, sum(points) AS points FROM metric_segment WHERE run = ?", (run,)
    ).fetchone()
    return row["segments"] >= LOOSE_SEGMENTS or (row["points"] or 0) >= LOOSE_POINTS


def compact_run(connection: Connection, run: int, keep: int = KEPT_LOOSE) -> None:
    """Merge the loose segments of the run of that number into its chunks, unless they are at most `keep`."""
    row = connection.execute(
        "SELECT count(*) AS segments FROM metric_segment WHERE run = ?", (run,)
    ).fetchone()
    if row["segments"] <= keep:
        return
    # So many at a time, because a run of before there were chunks may have more than fit into memory.
    while taken := _take(connection, run):
        for key, pieces in taken.items():
            _merge(connection, run, key, ordered(pieces))


def _take(connection: Connection, run: int) -> dict[int, list[memoryview]]:
    """Remove the oldest loose segments and return their packed points by key."""
    rows = connection.execute(
        "SELECT id, content FROM metric_segment WHERE run = ? ORDER BY id LIMIT ?", (run, _TAKEN)
    ).fetchall()
    taken: dict[int, list[memoryview]] = {}
    for row in rows:
        for key, series in unpack_keys(row["content"]):
            taken.setdefault(key, []).append(series)
    numbers = json.dumps([row["id"] for row in rows])
    connection.execute("DELETE FROM metric_segment WHERE id IN (SELECT value FROM json_each(?))", (numbers,))
    return taken


def _merge(connection: Connection, run: int, key: int, points: Sequence[Point]) -> None:
    """Put points, which are in order, where they belong among the chunks of the key."""
    heads = _heads_from(connection, run, key, points[0][:2])
    if len(heads) <= 1:
        _merge_into(connection, (run, key), heads[0] if heads else None, points)
        return
    firsts = [head.first for head in heads]
    # Before the first chunk, into it: as good a place as a chunk of its own, and never too many of those.
    for index, group in groupby(points, lambda point: max(bisect_right(firsts, point[:2]) - 1, 0)):
        _merge_into(connection, (run, key), heads[index], list(group))


def _heads_from(connection: Connection, run: int, key: int, place: Place) -> list[Head]:
    """Return the chunk that begins at or before `place`, and all after it."""
    before = connection.execute(
        f"SELECT first_step, first_time FROM metric_chunk WHERE {_AT} AND (first_step, first_time) <= (?, ?)"  # noqa: S608
        " ORDER BY first_step DESC, first_time DESC LIMIT 1",
        (run, key, *place),
    ).fetchone()
    rows = connection.execute(
        "SELECT first_step, first_time, last_step, last_time, points FROM metric_chunk"  # noqa: S608
        f" WHERE {_AT} AND (first_step, first_time) >= (?, ?) ORDER BY first_step, first_time",
        (run, key, *(before or place)),
    )
    return [_head(row) for row in rows]


def _head(row: Row) -> Head:
    return Head((row["first_step"], row["first_time"]), (row["last_step"], row["last_time"]), row["points"])


def _merge_into(
    connection: Connection, series: tuple[int, int], head: Head | None, points: Sequence[Point]
) -> None:
    content = pack_series(points)
    if head is None or (head.points >= CHUNK and points[0][:2] > head.last):
        _insert(connection, series, content)
        return
    found = connection.execute(
        f"SELECT content, outline FROM metric_chunk WHERE {_AT} AND first_step = ? AND first_time = ?",  # noqa: S608
        (*series, *head.first),
    ).fetchone()
    connection.execute(
        f"DELETE FROM metric_chunk WHERE {_AT} AND first_step = ? AND first_time = ?",  # noqa: S608
        (*series, *head.first),
    )
    if points[0][:2] > head.last:
        # Put behind what is there, which is never unpacked for it; its outline says all that the new one needs of it.
        _insert(connection, series, found["content"] + content, found["outline"] + content)
    else:
        _insert(connection, series, pack_series(ordered([found["content"], content])))


def _insert(
    connection: Connection, series: tuple[int, int], content: bytes, outlined: bytes | None = None
) -> None:
    """Add a packed series as one or more chunks; `outlined` has the same outline as all of it, and fewer points."""
    pieces = list(_split(content))
    connection.executemany(
        "INSERT INTO metric_chunk"
        " (run, key, first_step, first_time, last_step, last_time, points, outline, content)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                *series,
                *point_at(piece, 0)[:2],
                *point_at(piece, -1)[:2],
                len(piece) // WIDTH,
                pack_series(outline(outlined if outlined and len(pieces) == 1 else piece)),
                piece,
            )
            for piece in pieces
        ],
    )


def _split(content: bytes) -> Iterator[bytes]:
    """Yield pieces of at most `CHUNK` points; only points of one step and time make a longer one."""
    start, count = 0, len(content) // WIDTH
    while start < count:
        end = min(start + CHUNK, count)
        # A place that were in two chunks could not say which of them a reader has to go on with.
        while end < count and point_at(content, end)[:2] == point_at(content, end - 1)[:2]:
            end += 1
        yield content[start * WIDTH : end * WIDTH]
        start = end


def walk(
    connection: Connection, run: int, key: int, loose: Sequence[Point], start: Place
) -> Iterator[list[Point]]:
    """Yield all points of the key from the place `start` on, in order and each once, a chunk at a time.

    Args:
        connection: a connection in a transaction.
        run: the run's number.
        key: the metric's number.
        loose: the points that no chunk has yet, in order.
        start: the first place that matters; the first block may begin before it.
    """
    done = bisect_left(loose, start, key=_place)
    for head, content in _chunks_from(connection, run, key, start):
        upto = bisect_right(loose, head.last, lo=done, key=_place)
        among = loose[done:upto]
        done = upto
        # Mostly there is none: what is loose is newer than all chunks.
        yield ordered([content, pack_series(among)]) if among else unpack_series(content)
    if done < len(loose):
        yield list(loose[done:])


def _place(point: Point) -> Place:
    return point[:2]


def _chunks_from(connection: Connection, run: int, key: int, start: Place) -> Iterator[tuple[Head, bytes]]:
    """Yield the chunks that have points at `start` or after it."""
    before = connection.execute(
        f"SELECT first_step, first_time FROM metric_chunk WHERE {_AT} AND (first_step, first_time) <= (?, ?)"  # noqa: S608
        " ORDER BY first_step DESC, first_time DESC LIMIT 1",
        (run, key, *start),
    ).fetchone()
    at: Place = tuple(before) if before else start
    is_first = True
    while True:
        # A few at a time: a server sends all that is asked for, wanted or not.
        rows = connection.execute(
            "SELECT first_step, first_time, last_step, last_time, points, content FROM metric_chunk"  # noqa: S608
            f" WHERE {_AT} AND (first_step, first_time) {'>=' if is_first else '>'} (?, ?)"
            " ORDER BY first_step, first_time LIMIT 4",
            (run, key, *at),
        ).fetchall()
        for row in rows:
            head = _head(row)
            if head.last >= start:
                yield head, row["content"]
            at = head.first
        is_first = False
        if len(rows) < 4:
            return
