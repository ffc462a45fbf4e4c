"""Fitting what arrives to the columns of a table: which type each gets, what does not fit, what is new."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from ropewalk.dataops.lake import Column, LakeTransaction, TableName, quote
from ropewalk.dataops.sources.errors import ColumnMissing, InvalidSource
from ropewalk.dataops.sources.quarantine import NOWHERE, Evidence, RowPlace
from ropewalk.errors import Place, nearest

_TYPE = re.compile(r'^[A-Za-z_][\w ]*(\([\w\s,()"\[\]]*\))?(\[\])*$')
_COMMON_TYPES = [
    "BIGINT",
    "BOOLEAN",
    "DATE",
    "DECIMAL",
    "DOUBLE",
    "INTEGER",
    "JSON",
    "SMALLINT",
    "TIME",
    "TIMESTAMP",
    "TIMESTAMPTZ",
    "UUID",
    "VARCHAR",
]
_WHOLE = frozenset(
    [
        "TINYINT",
        "SMALLINT",
        "INTEGER",
        "BIGINT",
        "HUGEINT",
        "UTINYINT",
        "USMALLINT",
        "UINTEGER",
        "UBIGINT",
        "UHUGEINT",
    ]
)
TEXT = "VARCHAR"


@dataclass(frozen=True)
class Relation:
    """Rows that could be loaded.

    Attributes:
        sql: a SELECT.
        columns: the columns it has.
        place: where a row of it stands.
        evidence: what else its reader knows of rows that do not fit.
    """

    sql: str
    columns: tuple[Column, ...]
    place: RowPlace = NOWHERE
    evidence: Evidence | None = None


def describe(connection: duckdb.DuckDBPyConnection, sql: str) -> Relation:
    """Return `sql`, a SELECT, with the columns it has."""
    rows = connection.execute(f"DESCRIBE {sql}").fetchall()
    return Relation(sql, tuple(Column(str(row[0]), str(row[1])) for row in rows))


def declared_types(
    connection: duckdb.DuckDBPyConnection, types: Mapping[str, str], place: Place
) -> dict[str, str]:
    """Return the declared types as DuckDB writes them, by lower-case column name.

    Raises:
        InvalidSource: one is not a type.
    """
    return {name.lower(): _canonical_type(connection, name, kind, place) for name, kind in types.items()}


def _canonical_type(connection: duckdb.DuckDBPyConnection, name: str, kind: str, place: Place) -> str:
    # Only what looks like a type gets into the SQL, so that nothing else can.
    try:
        if _TYPE.match(kind.strip()):
            row = connection.execute(f"SELECT typeof(CAST(NULL AS {kind}))").fetchone()
            assert row is not None
            return str(row[0])
    except duckdb.Error:
        pass
    raise InvalidSource(
        f"types.{name}: {kind!r} is not an SQL type",
        place=place,
        nearest=nearest(kind.upper(), _COMMON_TYPES),
    )


def require_columns(wanted: Sequence[str], columns: Sequence[Column], what: str, place: Place) -> None:
    """Check that all `wanted` columns are among `columns`; `what` names the key that asks for them.

    Raises:
        ColumnMissing: one is not; the error names the nearest that is.
    """
    present = [column.name for column in columns]
    for name in wanted:
        if name.lower() not in {other.lower() for other in present}:
            raise ColumnMissing(
                f"{what}: the data have no column {name!r}",
                place=place,
                nearest=nearest(name, present),
                hint="columns: " + ", ".join(present),
            )


def target_types(
    present: Sequence[Column] | None, arriving: Sequence[Column], declared: Mapping[str, str]
) -> dict[str, str]:
    """Return the type that each arriving column is to have: the table's, else the declared, else its own."""
    table = {column.name.lower(): column.type for column in present or ()}
    return {
        column.name: table.get(column.name.lower(), declared.get(column.name.lower(), column.type))
        for column in arriving
    }


_SIZES = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT")
_DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")


def is_wider(kind: str, than: str) -> bool:
    """Return whether the type `kind` holds all values of the type `than`, and others too."""
    if kind in _SIZES and than in _SIZES:
        return _SIZES.index(kind) > _SIZES.index(than)
    wide, narrow = _DECIMAL.fullmatch(kind), _DECIMAL.fullmatch(than)
    if wide and narrow:
        fractions = int(wide[2]) - int(narrow[2])
        return kind != than and fractions >= 0 and int(wide[1]) - int(narrow[1]) >= fractions
    return (than, kind) in {("FLOAT", "DOUBLE"), ("DATE", "TIMESTAMP")}


def with_article(kind: str) -> str:
    """Return the name of a type as it stands in a sentence: a BIGINT, an INTEGER."""
    return f"{'an' if kind[:1] in {'A', 'E', 'I', 'O'} else 'a'} {kind}"


def is_rounding(kind: str, wanted: str) -> bool:
    """Return whether a cast from `kind` to `wanted` loses something without a word, as 1.5 to 2."""
    if wanted in _WHOLE:
        return kind in {"DOUBLE", "FLOAT"} or kind.startswith("DECIMAL")
    return wanted == "DATE" and kind.startswith("TIMESTAMP")


def cast_column(column: Column, kind: str, name: str | None = None) -> str:
    """Return the SQL that turns `column` into the type `kind`, under its own name or another."""
    value, name = quote(column.name), quote(name or column.name)
    if column.type == kind:
        return f"{value} AS {name}"
    if column.type == "JSON" and kind == TEXT:
        # A JSON text is taken without its quotes.
        return f"{value} ->> '$' AS {name}"
    return f"CAST({value} AS {kind}) AS {name}"


def misfit_condition(column: Column, kind: str) -> str | None:
    """Return the SQL condition of rows whose value does not fit `kind`, or None when every value does."""
    if kind in {column.type, TEXT} or (column.type == "JSON" and "(" in kind):
        return None
    name = quote(column.name)
    # TRY_CAST tells without stopping the load, so that the value can be shown with its place.
    fails = f"{name} IS NOT NULL AND TRY_CAST({name} AS {kind}) IS NULL"
    if kind in _WHOLE:
        # A cast rounds 1.5 to 2 without a word.
        return f"({fails}) OR TRY_CAST({name} AS DOUBLE) <> TRY_CAST({name} AS {kind})"
    if kind == "DATE" and (column.type == TEXT or column.type.startswith("TIMESTAMP")):
        # A cast takes the time off without a word.
        return f"({fails}) OR TRY_CAST({name} AS DATE) <> TRY_CAST({name} AS TIMESTAMP)"
    return fails


def empty_text_columns(transaction: LakeTransaction, table: TableName, columns: Sequence[Column]) -> set[str]:
    """Return the lower-case names of the text columns of `table` that never had a value.

    Such a column has no type of its own and was made text; the first real values decide.
    """
    return {
        column.name.lower()
        for column in columns
        if column.type == TEXT and not _has_values(transaction, table, column)
    }


def fit_table(
    transaction: LakeTransaction, table: TableName, arriving: Sequence[Column], types: Mapping[str, str]
) -> None:
    """Create `table`, or give it the arriving columns that it lacks or has in another type."""
    present = {column.name.lower(): column for column in transaction.columns(str(table)) or ()}
    if not present:
        _create_table(transaction, table, arriving, types)
        return
    kinds = {column.name: (types[column.name], present.get(column.name.lower())) for column in arriving}
    wider = {old.name: kind for kind, old in kinds.values() if old and is_wider(kind, old.type)}
    if wider:
        _widen(transaction, table, wider)
    for name, (kind, old) in kinds.items():
        if old is None or (old.type != kind and old.name not in wider):
            _set_column(transaction, table, old, Column(name, kind))


def _set_column(transaction: LakeTransaction, table: TableName, old: Column | None, new: Column) -> None:
    execute = transaction.connection.execute
    if old is not None:
        # Only columns that never had a value are given another type.
        execute(f"ALTER TABLE {table.sql} DROP COLUMN {quote(old.name)}")
    execute(f"ALTER TABLE {table.sql} ADD COLUMN {quote(new.name)} {new.type}")


def _create_table(
    transaction: LakeTransaction, table: TableName, arriving: Sequence[Column], types: Mapping[str, str]
) -> None:
    # Made empty first, so that one way of inserting serves new and old tables.
    columns = ", ".join(f"{quote(column.name)} {types[column.name]}" for column in arriving)
    transaction.connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(table.schema)}")
    transaction.connection.execute(f"CREATE TABLE {table.sql} ({columns})")


def _widen(transaction: LakeTransaction, table: TableName, wider: Mapping[str, str]) -> None:
    casts = ", ".join(f"CAST({quote(name)} AS {kind}) AS {quote(name)}" for name, kind in wider.items())
    # DuckLake changes few types in place; all rows are written once more, and the old ones stay in their snapshot.
    transaction.replace(str(table), f"SELECT * REPLACE ({casts}) FROM {table.sql}")


def _has_values(transaction: LakeTransaction, table: TableName, column: Column) -> bool:
    sql = f"SELECT 1 FROM {table.sql} WHERE {quote(column.name)} IS NOT NULL LIMIT 1"
    return transaction.connection.execute(sql).fetchone() is not None
