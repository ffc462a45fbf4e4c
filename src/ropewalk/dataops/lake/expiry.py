"""Letting go of snapshots that nobody names any more, and of the files that only they needed."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import duckdb

from ropewalk.dataops.lake.views import snapshots_behind

_SNAPSHOTS = """
    SELECT snapshot_id, CAST(epoch_ms(CAST(snapshot_time AS TIMESTAMPTZ)) AS BIGINT)
    FROM __ducklake_metadata_lake.ducklake_snapshot ORDER BY snapshot_id
"""


@dataclass(frozen=True)
class Expired:
    """What was let go: how many snapshots, how many files, and their bytes."""

    snapshots: int
    files: int
    bytes: int


def expire_snapshots(connection: duckdb.DuckDBPyConnection, keep: Collection[int], before_ms: int) -> Expired:
    """Expire all snapshots but `keep`, the newest, those that were the newest after `before_ms`, and those behind views.

    The caller holds the writer lease.
    """
    gone = list(_superseded(connection, keep, before_ms))
    if gone:
        numbers = ", ".join(map(str, gone))
        connection.execute(f"CALL ducklake_expire_snapshots('lake', versions => [{numbers}])")
    # Also without: a process that was killed between the two calls left files that nobody needs.
    size = sum(map(_size, _unneeded(connection, "dry_run => true")))
    files = _unneeded(connection, "dry_run => false")
    return Expired(len(gone), len(files), size)


def _superseded(
    connection: duckdb.DuckDBPyConnection, keep: Collection[int], before_ms: int
) -> Iterator[int]:
    rows = connection.execute(_SNAPSHOTS).fetchall()
    young = {int(number) for (number, _), (_, replaced) in pairwise(rows) if int(replaced) >= before_ms}
    # A view is only as long-lived as the rows behind it.
    kept = snapshots_behind(connection, {*keep, *young, *(int(number) for number, _ in rows[-1:])})
    # What counts is when it ceased to be the newest: until then anyone may have begun to read it.
    for (number, _), (_, replaced_at) in pairwise(rows):
        if int(number) not in kept and int(replaced_at) < before_ms:
            yield int(number)


def _unneeded(connection: duckdb.DuckDBPyConnection, option: str) -> list[Path]:
    sql = f"CALL ducklake_cleanup_old_files('lake', cleanup_all => true, {option})"
    return [Path(str(row[0])) for row in connection.execute(sql).fetchall()]


def _size(path: Path) -> int:
    # A file that is gone already takes no room.
    with suppress(FileNotFoundError):
        return path.stat().st_size
    return 0
