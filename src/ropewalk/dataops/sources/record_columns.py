"""The columns of newline-delimited JSON: types found over all records in one pass, and read by them in another."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

from ropewalk.dataops.lake import Column, literal, quote
from ropewalk.dataops.sources.columns import TEXT, Relation, describe
from ropewalk.dataops.sources.plain_columns import EXACT, ZONED, plain_columns

_NUMBERED = re.compile(r"^(.+)_\d+$")
_NESTED = ("STRUCT", "MAP", "UNION")
_WIDE = frozenset({"HUGEINT", "UBIGINT"})
_HAS_ZONE = "regexp_matches({0}, '(Z|[+-][0-9]{{2}}:?[0-9]{{2}})$')"
_IS_WIDE = "TRY_CAST({0} AS BIGINT) IS NULL"


def json_relation(connection: duckdb.DuckDBPyConnection, path: Path, types: Mapping[str, str]) -> Relation:
    """Return the records of the file as a SELECT with plain types, those of `types` that are text as text.

    Nested values stay JSON, so that they may change their shape; whole numbers are BIGINT while they fit; a column
    in which no value was seen is text; times with a zone keep it.
    """
    file = literal(str(path))
    sql = f"FROM read_json({file}, format = 'newline_delimited', sample_size = -1)"
    found = describe(connection, sql).columns
    if _has_doubles(found):
        plain = plain_columns(connection, sql, found)
        shown = ", ".join(f"{made.sql or quote(made.name)} AS {quote(made.name)}" for made in plain)
        return Relation(f"SELECT {shown} {sql}", tuple(Column(made.name, made.type) for made in plain))
    texts = {name.lower() for name, kind in types.items() if kind.strip().upper() == TEXT}
    kinds = {column.name: TEXT if column.name.lower() in texts else column.type for column in found}
    kinds = _settled(connection, file, kinds)
    # With the types given, the second pass does not look for them again.
    return Relation(
        f"SELECT * {_read(file, kinds)}", tuple(Column(name, kind) for name, kind in kinds.items())
    )


def _has_doubles(columns: Sequence[Column]) -> bool:
    """Return whether a column may be named otherwise than its field: DuckDB makes `A_1` of `A` beside `a`."""
    names = {column.name.lower() for column in columns}
    numbered = (_NUMBERED.match(name) for name in names)
    return any(found and found[1] in names for found in numbered)


def _settled(connection: duckdb.DuckDBPyConnection, file: str, found: Mapping[str, str]) -> dict[str, str]:
    """Return a plain type for each column, looking once at the values of those whose type leaves a question."""
    kinds = {name: "JSON" if _is_nested(kind) else kind for name, kind in found.items()}
    open_ = {name: question for name, kind in found.items() if (question := _question(name, kind))}
    if not open_:
        return kinds
    asked = ", ".join(f"coalesce(bool_or({question}), false)" for question in open_.values())
    row = connection.execute(f"SELECT {asked} {_read(file, dict.fromkeys(open_, TEXT))}").fetchone()
    for name, is_so in zip(open_, row or (), strict=True):
        kinds[name] = _answered(found[name], bool(is_so))
    return kinds


def _question(name: str, kind: str) -> str | None:
    """Return the SQL condition of values that decide the type of a column, if they have to be looked at."""
    column = quote(name)
    if kind in _WIDE:
        # DuckDB widens as soon as there are negative and positive numbers, and Parquet keeps HUGEINT as DOUBLE.
        return f"{column} IS NOT NULL AND {_IS_WIDE.format(column)}"
    if kind == "JSON":
        # Without any value DuckDB says JSON, which would bind the numbers that come later.
        return f"{column} IS NOT NULL"
    # DuckDB turns a time with a zone into UTC and forgets the zone: as text, it shows.
    return _HAS_ZONE.format(column) if kind == "TIMESTAMP" else None


def _answered(kind: str, is_so: bool) -> str:  # the answer to its question
    if kind in _WIDE:
        return EXACT if is_so else "BIGINT"
    if kind == "JSON":
        return "JSON" if is_so else TEXT
    return ZONED if is_so else "TIMESTAMP"


def _is_nested(kind: str) -> bool:
    return kind.startswith(_NESTED) or kind.endswith("]")


def _read(file: str, kinds: Mapping[str, str]) -> str:
    columns = ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in kinds.items())
    return f"FROM read_json({file}, format = 'newline_delimited', columns = {{{columns}}})"
