"""Rows in whatever form a step has them, as a DuckDB relation: what a table that a step makes is written from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias, cast

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

Rows: TypeAlias = "Sequence[Mapping[str, object]]"
TableData: TypeAlias = "duckdb.DuckDBPyRelation | pd.DataFrame | Rows | object"
# Rows of Python numbers have no width of their own, and one that follows from today's largest number would differ
# from one execution to the next; sums are 128 bits wide, which Parquet would round.
_WIDENED = {"TINYINT": "BIGINT", "SMALLINT": "BIGINT", "INTEGER": "BIGINT"}
_NARROWED = {"HUGEINT": "BIGINT", "UHUGEINT": "BIGINT"}


def relation_of(data: TableData) -> duckdb.DuckDBPyRelation:
    """Return `data` as a relation: a relation, a pandas frame, rows as mappings, or anything that streams Arrow.

    Raises:
        TypeError: it is none of these.
    """
    # Heavy, and not needed by a step that never makes a table itself.
    import duckdb

    if isinstance(data, duckdb.DuckDBPyRelation):
        return data
    # Asked by name, because importing pandas or pyarrow only to compare types would cost a second.
    if type(data).__module__.partition(".")[0] == "pandas":
        return duckdb.from_df(cast("pd.DataFrame", data))
    if hasattr(data, "__arrow_c_stream__"):
        return duckdb.from_arrow(data)
    if isinstance(data, Sequence) and data and all(isinstance(row, Mapping) for row in data):
        return _from_rows(cast("Rows", data))
    message = (
        f"a table cannot be made of {type(data).__qualname__}: give a pandas frame, an Arrow table or reader, "
        "a DuckDB relation, or one or more rows as mappings"
    )
    raise TypeError(message)


def write_parquet(relation: duckdb.DuckDBPyRelation, path: str) -> None:
    """Write `relation` to a Parquet file, equal rows to equal bytes.

    Raises:
        duckdb.Error: a value cannot be computed, or is a whole number beyond 64 bits.
    """
    _cast(relation, _NARROWED).write_parquet(path)


def _from_rows(rows: Rows) -> duckdb.DuckDBPyRelation:
    import duckdb

    # A key that some rows lack is a column that is empty there.
    names = dict.fromkeys(name for row in rows for name in row)
    whole = [{name: row.get(name) for name in names} for row in rows]
    relation = duckdb.sql("SELECT unnest(row) FROM (SELECT unnest($rows) AS row)", params={"rows": whole})
    return _cast(relation, _WIDENED)


def _cast(relation: duckdb.DuckDBPyRelation, types: Mapping[str, str]) -> duckdb.DuckDBPyRelation:
    """Return `relation` with its columns of the named types as others."""
    columns = list(zip(relation.columns, (str(kind) for kind in relation.types), strict=True))
    if not any(kind in types for _, kind in columns):
        return relation
    return relation.project(", ".join(_selected(columns, types)))


def _selected(columns: Iterable[tuple[str, str]], types: Mapping[str, str]) -> Iterable[str]:
    for name, kind in columns:
        quoted = '"' + name.replace('"', '""') + '"'
        yield f"{quoted}::{types[kind]} AS {quoted}" if kind in types else quoted
