"""Making few large files of many small ones, with the rows that were deleted left out.

Every snapshot that is kept can be read as before. It is done under the writer lease and outside of other changes: both
at once is what open bugs of DuckLake are about.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from ropewalk.dataops.lake.lake import Lake
from ropewalk.dataops.lake.names import literal

_META = "__ducklake_metadata_lake"
# A file of which so much was deleted is written anew without it.
DELETED_SHARE = 0.3
_LIVE = f"""
    SELECT count(*), coalesce(sum(file_size_bytes), 0) FROM {_META}.ducklake_data_file WHERE end_snapshot IS NULL
"""
_TABLES = f"""
    SELECT DISTINCT s.schema_name, t.table_name FROM {_META}.ducklake_data_file f
    JOIN {_META}.ducklake_table t USING (table_id) JOIN {_META}.ducklake_schema s USING (schema_id)
    WHERE f.end_snapshot IS NULL AND t.end_snapshot IS NULL AND s.end_snapshot IS NULL ORDER BY ALL
"""


@dataclass(frozen=True)
class Compacted:
    """How many files the head's tables have, and their bytes, before and after."""

    files_before: int
    bytes_before: int
    files_after: int
    bytes_after: int


def compact_lake(lake: Lake) -> Compacted:
    """Merge small files and leave deleted rows out; files that were replaced go with the next expiry.

    Raises:
        LakeBusy: another process kept the lake's writer lease too long.
        RopewalkError: what the engine could not do; the lake is as it was.
    """
    with lake.maintaining() as connection:
        files, size = _measure(connection)
        for schema, table in connection.execute(_TABLES).fetchall():
            # One table at a time: each is a commit of its own, and a kill loses no more than one.
            of = f"{literal(table)}, schema => {literal(schema)}"
            _commit(
                connection,
                f"CALL ducklake_rewrite_data_files('lake', {of}, delete_threshold => {DELETED_SHARE})",
                lake.sign("compact"),
            )
            _commit(connection, f"CALL ducklake_merge_adjacent_files('lake', {of})", lake.sign("compact"))
        after, size_after = _measure(connection)
    lake.home.catalog.forget()
    return Compacted(files, size, after, size_after)


def _commit(connection: duckdb.DuckDBPyConnection, sql: str, signature: tuple[str, str]) -> None:
    connection.execute("BEGIN")
    try:
        connection.execute(sql)
        connection.execute(f"CALL lake.set_commit_message({', '.join(map(literal, signature))})")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _measure(connection: duckdb.DuckDBPyConnection) -> tuple[int, int]:
    row = connection.execute(_LIVE).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])
