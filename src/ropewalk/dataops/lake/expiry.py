"""Letting go of snapshots that nobody names any more, and of the files that only they needed."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PurePosixPath

import duckdb

from ropewalk.dataops.lake.names import literal

_META = "__ducklake_metadata_lake"
_SNAPSHOTS = f"""
    SELECT snapshot_id, CAST(epoch_ms(CAST(snapshot_time AS TIMESTAMPTZ)) AS BIGINT)
    FROM {_META}.ducklake_snapshot ORDER BY snapshot_id
"""
_FILES = f"""
    SELECT path, file_size_bytes, begin_snapshot, end_snapshot FROM {_META}.ducklake_data_file
    UNION ALL SELECT path, file_size_bytes, begin_snapshot, end_snapshot FROM {_META}.ducklake_delete_file
"""
_VIEWS = f"SELECT begin_snapshot, end_snapshot, sql FROM {_META}.ducklake_view"
# As `TableName.at` writes it.
_PINNED = re.compile(r"VERSION => (\d+)")
# Of files that are in the storage for no snapshot: how old they have to be where others may be writing them.
UNCLAIMED_AGE = "INTERVAL 1 DAY"


@dataclass(frozen=True)
class Expired:
    """What was let go, or would be: how many snapshots, how many files, and their bytes."""

    snapshots: int
    files: int
    bytes: int


def expire_snapshots(
    connection: duckdb.DuckDBPyConnection, keep: Collection[int], before_ms: int, *, is_dry: bool = False
) -> Expired:
    """Expire all snapshots but `keep`, the newest, and those that were the newest after `before_ms`.

    The caller holds the writer lease, unless nothing is to be done.
    """
    rows = [(int(number), int(at)) for number, at in connection.execute(_SNAPSHOTS).fetchall()]
    gone = list(_superseded(rows, _with_views(connection, keep, rows), before_ms))
    sizes = {_name(path): int(size) for path, size, *_ in connection.execute(_FILES).fetchall()}
    if is_dry:
        going = set(_freed(connection, sorted({number for number, _ in rows} - {*gone})))
        # Also what a process that was killed between the two calls below has left.
        going |= set(_unneeded(connection, "dry_run => true"))
    else:
        if gone:
            numbers = ", ".join(map(str, gone))
            connection.execute(f"CALL ducklake_expire_snapshots('lake', versions => [{numbers}])")
        going = set(_unneeded(connection, "dry_run => true"))
    size = sum(sizes[_name(path)] if _name(path) in sizes else _measure(connection, path) for path in going)
    if not is_dry:
        _unneeded(connection, "dry_run => false")
    return Expired(len(gone), len({_name(path) for path in going}), size)


def remove_unclaimed(connection: duckdb.DuckDBPyConnection) -> None:
    """Remove files that no snapshot names and that are too old to be part of a change that is being made."""
    connection.execute(f"CALL ducklake_delete_orphaned_files('lake', older_than => now() - {UNCLAIMED_AGE})")


def _with_views(
    connection: duckdb.DuckDBPyConnection, keep: Collection[int], rows: Sequence[tuple[int, int]]
) -> set[int]:
    """Return `keep` and the newest snapshot with those that views in them read from, and so on."""
    views = [
        (int(begin), end, {int(number) for number in _PINNED.findall(str(sql))})
        for begin, end, sql in connection.execute(_VIEWS).fetchall()
    ]
    found, kept = {*keep, *(number for number, _ in rows[-1:])}, set[int]()
    while found != kept:
        kept = set(found)
        for begin, end, numbers in views:
            if any(begin <= number and (end is None or number < int(end)) for number in kept):
                found |= numbers
    return kept


def _superseded(rows: Sequence[tuple[int, int]], keep: Collection[int], before_ms: int) -> Iterator[int]:
    kept = set(keep)
    # What counts is when it ceased to be the newest: until then anyone may have begun to read it.
    for (number, _), (_, replaced_at) in pairwise(rows):
        if number not in kept and replaced_at < before_ms:
            yield number


def _freed(connection: duckdb.DuckDBPyConnection, staying: Sequence[int]) -> Iterator[str]:
    """Yield the files that none of the snapshots that stay, in their order, reads."""
    for path, _, begin, end in connection.execute(_FILES).fetchall():
        if end is None:
            continue
        reader = bisect_left(staying, int(begin))
        if reader == len(staying) or staying[reader] >= int(end):
            yield str(path)


def _unneeded(connection: duckdb.DuckDBPyConnection, option: str) -> Iterable[str]:
    sql = f"CALL ducklake_cleanup_old_files('lake', cleanup_all => true, {option})"
    return [str(row[0]) for row in connection.execute(sql).fetchall()]


def _name(path: str) -> str:
    # The engine gives some paths in full, and others as they stand in the catalogue.
    return PurePosixPath(path).name


def _measure(connection: duckdb.DuckDBPyConnection, path: str) -> int:
    """Return the size of a file that the catalogue has no size of; 0 when it is gone."""
    if "://" not in path:
        with suppress(FileNotFoundError):
            return Path(path).stat().st_size
        return 0
    with suppress(duckdb.Error):
        row = connection.execute(f"SELECT size FROM read_blob({literal(path)})").fetchone()
        return int(row[0]) if row else 0
    return 0
