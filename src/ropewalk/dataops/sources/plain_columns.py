"""Columns as DuckDB finds them in JSON and Parquet, made plain: types that a table can keep while its source changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from ropewalk.dataops.lake import Column, literal, quote
from ropewalk.dataops.sources.columns import TEXT

ZONED = "TIMESTAMP WITH TIME ZONE"
EXACT = "DECIMAL(38,0)"
_NESTED = ("STRUCT", "MAP", "UNION")


@dataclass(frozen=True)
class PlainColumn:
    """A column as it is loaded: its name, its type, and the SQL that makes it so if it is not read that way."""

    name: str
    type: str
    sql: str | None = None


def plain_columns(
    connection: duckdb.DuckDBPyConnection, sql: str, columns: Sequence[Column]
) -> list[PlainColumn]:
    """Return how `columns` of `sql` (`FROM read_…(…)`) are loaded.

    Nested values stay JSON, so that they may change their shape; whole numbers are BIGINT while they fit; a
    column in which no value was seen is text; times with a zone keep it.
    """
    return [_plain(connection, sql, column) for column in columns]


def _plain(connection: duckdb.DuckDBPyConnection, sql: str, column: Column) -> PlainColumn:
    name, kind = column.name, column.type
    if kind.startswith(_NESTED) or kind.endswith("]"):
        return PlainColumn(name, "JSON", f"to_json({quote(name)})")
    if kind.startswith("ENUM"):
        return PlainColumn(name, TEXT, f"CAST({quote(name)} AS {TEXT})")
    if kind in {"HUGEINT", "UBIGINT"}:
        return _whole(connection, sql, name)
    # Without any value DuckDB says JSON, which would bind the numbers that come later.
    if kind == "JSON" and not _has(connection, sql, name):
        return PlainColumn(name, TEXT, f"CAST({quote(name)} AS {TEXT})")
    if kind == "TIMESTAMP" and "read_json(" in sql:
        return _time(connection, sql, name)
    return PlainColumn(name, kind)


def _whole(connection: duckdb.DuckDBPyConnection, sql: str, name: str) -> PlainColumn:
    # DuckDB widens as soon as there are negative and positive numbers, and Parquet keeps HUGEINT as DOUBLE.
    is_wide = _has(connection, sql, name, "TRY_CAST({0} AS BIGINT) IS NULL")
    kind = EXACT if is_wide else "BIGINT"
    return PlainColumn(name, kind, f"CAST({quote(name)} AS {kind})")


def _time(connection: duckdb.DuckDBPyConnection, sql: str, name: str) -> PlainColumn:
    # DuckDB turns a time with a zone into UTC and forgets the zone, in JSON but not in CSV: asked as text, it shows.
    texts = f"{sql.removesuffix(')')}, columns = {{{literal(name)}: 'VARCHAR'}})"
    if _has(connection, texts, name, "regexp_matches({0}, '(Z|[+-][0-9]{{2}}:?[0-9]{{2}})$')"):
        return PlainColumn(name, ZONED, f"CAST({quote(name)} AS {ZONED})")
    return PlainColumn(name, "TIMESTAMP")


def _has(connection: duckdb.DuckDBPyConnection, sql: str, name: str, condition: str = "true") -> bool:
    """Return whether the column has a value that meets `condition`, in which {0} stands for the column."""
    column = quote(name)
    found = f"SELECT 1 {sql} WHERE {column} IS NOT NULL AND ({condition.format(column)}) LIMIT 1"
    return connection.execute(found).fetchone() is not None
