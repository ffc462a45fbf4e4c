"""Which tables the lake has, now or at a snapshot: their columns and how many rows they have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

import duckdb

from ropewalk.dataops.lake.digest import Column, read_columns
from ropewalk.dataops.lake.names import TableName, literal

# Book-keeping stands in a schema of its own, which is not shown among the tables.
_COLUMNS = """
    SELECT schema_name, table_name, column_name, data_type FROM duckdb_columns()
    WHERE database_name = 'lake' AND schema_name <> 'ropewalk' AND NOT internal
    ORDER BY schema_name, table_name, column_index
"""


@dataclass(frozen=True)
class TableInfo:
    """A table of the lake: where it is, its columns in order, and how many rows it has."""

    schema: str
    name: str
    columns: tuple[Column, ...]
    rows: int


def list_tables(connection: duckdb.DuckDBPyConnection) -> list[TableInfo]:
    """Return every table at the lake's head with its columns and row count, in order of their names."""
    columns: dict[TableName, list[Column]] = {}
    for schema, table, name, kind in connection.execute(_COLUMNS).fetchall():
        columns.setdefault(TableName(str(schema), str(table)), []).append(Column(str(name), str(kind)))
    newest = connection.execute("SELECT id FROM lake.current_snapshot()").fetchone()
    assert newest is not None
    rows = _count_rows(connection, dict.fromkeys(columns, int(newest[0])))
    return [TableInfo(n.schema, n.name, tuple(found), rows.get(n, 0)) for n, found in columns.items()]


def describe_tables(
    connection: duckdb.DuckDBPyConnection, tables: Mapping[TableName, int]
) -> dict[TableName, TableInfo]:
    """Return those of `tables` that the lake has at the snapshots they are named with."""
    rows = _count_rows(connection, tables)
    return {
        name: TableInfo(
            name.schema, name.name, tuple(read_columns(connection, name.at(tables[name]))), rows[name]
        )
        for name in tables
        if name in rows
    }


def _count_rows(
    connection: duckdb.DuckDBPyConnection, tables: Mapping[TableName, int]
) -> dict[TableName, int]:
    """Return how many rows each table has that is there at its snapshot."""
    if not tables:
        return {}
    rows = connection.execute(_rows_sql(tables.items())).fetchall()
    # Of files that several snapshots share, only their rows tell of which each is.
    found = {
        TableName(str(schema), str(table)): int(n) for schema, table, n, is_shared in rows if not is_shared
    }
    return found | _read_counts(connection, {name: at for name, at in tables.items() if name not in found})


def _read_counts(
    connection: duckdb.DuckDBPyConnection, tables: Mapping[TableName, int]
) -> dict[TableName, int]:
    """Return how many rows those of `tables` have of which the catalogue does not know it, such as views."""
    found: dict[TableName, int] = {}
    for name, snapshot in tables.items():
        # What is neither a table nor a view at its snapshot is left out, and so is a snapshot that is gone.
        with suppress(duckdb.CatalogException, duckdb.InvalidInputException):
            row = connection.execute(f"SELECT count(*) FROM {name.at(snapshot)}").fetchone()
            found[name] = int(row[0]) if row else 0
    return found


def _rows_sql(tables: Iterable[tuple[TableName, int]]) -> str:
    """Return the query for rows of live files less those that delete files take away.

    The engine's own estimate counts history.
    """
    wanted = ", ".join(f"({literal(n.schema)}, {literal(n.name)}, {number:d})" for n, number in tables)

    def lives(row: str) -> str:
        at = "w.snapshot"
        return f"{row}.begin_snapshot <= {at} AND ({row}.end_snapshot IS NULL OR {row}.end_snapshot > {at})"

    # Names are compared as the engine does: without their case.
    return f"""
        SELECT w.schema, w.name, coalesce(sum(f.record_count - coalesce(d.delete_count, 0)), 0),
            coalesce(bool_or(coalesce(greatest(f.partial_max, d.partial_max) > w.snapshot, false)), false)
        FROM (VALUES {wanted}) AS w (schema, name, snapshot)
        JOIN __ducklake_metadata_lake.ducklake_snapshot n ON n.snapshot_id = w.snapshot
        JOIN __ducklake_metadata_lake.ducklake_schema s ON lower(s.schema_name) = lower(w.schema) AND {lives("s")}
        JOIN __ducklake_metadata_lake.ducklake_table t
            ON t.schema_id = s.schema_id AND lower(t.table_name) = lower(w.name) AND {lives("t")}
        LEFT JOIN __ducklake_metadata_lake.ducklake_data_file f ON f.table_id = t.table_id AND {lives("f")}
        LEFT JOIN __ducklake_metadata_lake.ducklake_delete_file d
            ON d.data_file_id = f.data_file_id AND {lives("d")}
        GROUP BY ALL
    """  # names are written as literals
