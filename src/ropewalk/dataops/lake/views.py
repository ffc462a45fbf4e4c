"""Views of the lake: a SELECT kept in place of rows, over its inputs at the snapshots it was made from.

DuckLake keeps each version of a view as it keeps those of a table, so that `AT (VERSION => 7)` works for both and
nobody who reads has to know which it is. What a version means never changes, since the snapshots are part of it.
"""

from __future__ import annotations

import re
from collections.abc import Collection

import duckdb

from ropewalk.dataops.lake.names import LAKE, TableName, literal, quote

_AT = re.compile(r"\bAT\s*\(\s*VERSION\s*=>\s*(\d+)\s*\)", re.IGNORECASE)
_IS_VIEW = "SELECT 1 FROM duckdb_views() WHERE database_name = 'lake' AND lower(schema_name) = {0} AND lower(view_name) = {1}"
_BODIES = """
    SELECT sql FROM __ducklake_metadata_lake.ducklake_view AS v JOIN (VALUES {0}) AS w (snapshot)
    ON v.begin_snapshot <= w.snapshot AND (v.end_snapshot IS NULL OR v.end_snapshot > w.snapshot)
"""


def define_view(connection: duckdb.DuckDBPyConnection, name: TableName, select_sql: str) -> None:
    """Let `name` mean the rows of `select_sql`, whatever it meant before; all that it names is in the lake."""
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {LAKE}.{quote(name.schema)}")
    # A table and a view share one name, and neither makes way for the other by itself.
    if not drop_view(connection, name):
        connection.execute(f"DROP TABLE IF EXISTS {name.sql}")
    connection.execute(f"CREATE VIEW {name.sql} AS\n{select_sql}")


def drop_view(connection: duckdb.DuckDBPyConnection, name: TableName) -> bool:
    """Remove `name` from the lake from now on if it is a view, and return whether it was."""
    asked = _IS_VIEW.format(literal(name.schema.lower()), literal(name.name.lower()))
    if connection.execute(asked).fetchone() is None:
        return False
    connection.execute(f"DROP VIEW {name.sql}")
    return True


def snapshots_behind(connection: duckdb.DuckDBPyConnection, snapshots: Collection[int]) -> set[int]:
    """Return `snapshots` and all that the views they have are made from, directly or through other views."""
    found, asked = set(snapshots), set(snapshots)
    while asked:
        values = ", ".join(f"({number:d})" for number in sorted(asked))
        bodies = connection.execute(_BODIES.format(values)).fetchall()
        # A text that looks like one keeps a snapshot too many, which harms nobody.
        named = {int(number) for (sql,) in bodies for number in _AT.findall(str(sql))}
        asked = named - found
        found |= asked
    return found
