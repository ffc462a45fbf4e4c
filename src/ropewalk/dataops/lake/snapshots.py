"""The snapshots that a lake keeps: when, by whom, what for, and which tables they changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb

from ropewalk.dataops.lake.errors import EXPIRED, SnapshotMissing
from ropewalk.dataops.lake.names import TableName

_META = "__ducklake_metadata_lake"
_TIME = "CAST(epoch_ms(CAST(snapshot_time AS TIMESTAMPTZ)) AS BIGINT)"
# A table that was dropped keeps its row; one of the books is not shown.
_NAMES = f"""
    SELECT t.table_id, any_value(s.schema_name), any_value(t.table_name)
    FROM {_META}.ducklake_table t JOIN {_META}.ducklake_schema s USING (schema_id) GROUP BY t.table_id
"""
_BOOKS = "ropewalk"
_NAMES_AT = f"""
    SELECT s.schema_name, r.name FROM (
        SELECT schema_id, table_name AS name, begin_snapshot, end_snapshot FROM {_META}.ducklake_table
        UNION ALL SELECT schema_id, view_name, begin_snapshot, end_snapshot FROM {_META}.ducklake_view
    ) r JOIN {_META}.ducklake_schema s USING (schema_id)
    WHERE s.schema_name <> '{_BOOKS}'
        AND r.begin_snapshot <= {{snapshot}} AND coalesce(r.end_snapshot > {{snapshot}}, true)
        AND s.begin_snapshot <= {{snapshot}} AND coalesce(s.end_snapshot > {{snapshot}}, true)
    ORDER BY ALL
"""


@dataclass(frozen=True)
class SnapshotInfo:
    """One version of the lake.

    Attributes:
        number: which one.
        time_ms: when it was committed, in UTC milliseconds.
        author: who made it; None for the first ones, which made the lake.
        message: what for.
        tables: the tables whose rows or columns it changed, in order of their names.
    """

    number: int
    time_ms: int
    author: str | None
    message: str | None
    tables: tuple[str, ...]


def list_snapshots(
    connection: duckdb.DuckDBPyConnection, table: TableName | None, limit: int | None
) -> list[SnapshotInfo]:
    """Return the snapshots that are kept (those that changed `table`), the newest first, at most `limit`."""
    names = {
        str(identity): TableName(str(schema), str(name))
        for identity, schema, name in connection.execute(_NAMES).fetchall()
    }
    rows = connection.execute(
        f"SELECT snapshot_id, {_TIME}, author, commit_message, changes FROM lake.snapshots() ORDER BY 1 DESC"
    ).fetchall()
    found = [
        SnapshotInfo(int(number), int(time_ms), author, message, _changed(changes, names))
        for number, time_ms, author, message, changes in rows
        if table is None or str(table).lower() in map(str.lower, _changed(changes, names))
    ]
    return found if limit is None else found[:limit]


def names_at(connection: duckdb.DuckDBPyConnection, snapshot: int) -> list[str]:
    """Return `schema.table` of every table and view that there was at `snapshot`, the books left out.

    Raises:
        SnapshotMissing: the lake does not have that snapshot.
    """
    is_there = connection.execute(
        f"SELECT 1 FROM {_META}.ducklake_snapshot WHERE snapshot_id = {snapshot:d}"
    ).fetchone()
    if is_there is None:
        raise SnapshotMissing(f"the lake has no snapshot {snapshot}", hint=EXPIRED)
    rows = connection.execute(_NAMES_AT.format(snapshot=snapshot)).fetchall()
    return [f"{schema}.{name}" for schema, name in rows]


def find_snapshot_at(connection: duckdb.DuckDBPyConnection, time_ms: int) -> int:
    """Return the snapshot that was the newest at `time_ms`.

    Raises:
        SnapshotMissing: there is none that old.
    """
    row = connection.execute(
        f"SELECT max(snapshot_id) FROM {_META}.ducklake_snapshot WHERE {_TIME} <= {time_ms:d}"
    ).fetchone()
    if row is None or row[0] is None:
        told = datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(sep=" ", timespec="seconds")
        raise SnapshotMissing(f"the lake has no snapshot of {told} or before", hint=EXPIRED)
    return int(row[0])


def _changed(changes: dict[str, list[str]], names: dict[str, TableName]) -> tuple[str, ...]:
    """Return the tables in what DuckLake says of a commit: some by their numbers, others by their names."""
    found: set[str] = set()
    for kind, values in changes.items():
        if not kind.startswith("tables_") and kind != "merge_adjacent":
            continue
        for value in values:
            name = names.get(value)
            text = str(name) if name else value.replace('"', "")
            if not text.startswith(f"{_BOOKS}.") and "." in text:
                found.add(text)
    return tuple(sorted(found))
