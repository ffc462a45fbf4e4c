"""From the SQL of one table to its lineage; the only module of the room through which sqlglot is loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlglot import parse_one
from sqlglot.errors import SqlglotError

from ropewalk.dataops.columns.queries import read_query
from ropewalk.dataops.columns.relation import Field, Relation, Scope
from ropewalk.dataops.columns.schemas import Schema
from ropewalk.dataops.columns.values import ColumnLineage, Origin, TableLineage


def read_lineage(
    table: str, sql: str, inputs: Mapping[str, Schema], columns: Sequence[str] | None
) -> TableLineage:
    """Return where the columns and rows of `table` come from, which `sql` makes.

    Args:
        table: `schema.table`.
        sql: its SELECT.
        inputs: the tables that its names mean, by the name in the SQL in lower case.
        columns: the columns that it was seen to have when this SQL made it; None when it was not made yet.
    """
    reads = tuple(sorted({schema.table for schema in inputs.values()}))
    try:
        tree = parse_one(sql, dialect="duckdb")
    except SqlglotError:
        return TableLineage(
            table, _unknown(columns, "its SQL is not understood"), (), reads, (), "its SQL is not understood"
        )
    found = read_query(tree, Scope({name: _relation(schema) for name, schema in inputs.items()}))
    fields = _fields(found, columns)
    unknown = None
    if columns is None and found.rest is not None:
        unknown = found.rest.unknown or "some of its columns are called after values in the data"
    return TableLineage(
        table=table,
        columns=tuple(map(_column, fields)),
        rows=tuple(sorted(found.rows)),
        reads=reads,
        key=tuple(name for name in found.key),
        unknown=unknown,
    )


def _relation(schema: Schema) -> Relation:
    fields = tuple(
        Field(name, frozenset({Origin(schema.table, name.lower())}), transform="copy")
        for name in schema.columns or ()
    )
    rest = None
    if schema.columns is None:
        rest = Field("", unknown=f"the columns of {schema.table} are not known yet")
    return Relation(fields, full=schema.table, rest=rest, key=schema.key)


def _fields(found: Relation, columns: Sequence[str] | None) -> list[Field]:
    """Return a field for each column that the table has."""
    if columns is None:
        return list(found.fields)
    if found.rest is None and len(found.fields) == len(columns):
        # By place: the engine may call a column otherwise than its text.
        return [item.named(name) for item, name in zip(found.fields, columns, strict=True)]
    return [_by_name(found, name) for name in columns]


def _by_name(found: Relation, name: str) -> Field:
    known = found.by_name.get(name.lower())
    if known is not None:
        return known.named(name)
    if found.rest is not None:
        return found.rest.named(name)
    return Field(name, unknown="it is not told from the SQL")


def _column(item: Field) -> ColumnLineage:
    return ColumnLineage(
        item.name, tuple(sorted(item.values)), tuple(sorted(item.uses)), item.transform, item.unknown
    )


def _unknown(columns: Sequence[str] | None, why: str) -> tuple[ColumnLineage, ...]:
    return tuple(ColumnLineage(name, unknown=why) for name in columns or ())
