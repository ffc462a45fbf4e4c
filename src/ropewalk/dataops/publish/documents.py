"""Rows as documents of a search cluster: the mapping of their columns, and the SQL that writes them as JSON."""

from __future__ import annotations

import re
from typing import Any

from ropewalk.dataops.lake import Column, literal, quote

_DECIMAL = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)")
_PLAIN = {
    "BOOLEAN": "boolean",
    "TINYINT": "byte",
    "UTINYINT": "short",
    "SMALLINT": "short",
    "USMALLINT": "integer",
    "INTEGER": "integer",
    "UINTEGER": "long",
    "BIGINT": "long",
    "UBIGINT": "unsigned_long",
    "FLOAT": "float",
    "DOUBLE": "double",
    "DATE": "date",
    "TIMESTAMP": "date",
    "TIMESTAMP_S": "date",
    "TIMESTAMP_MS": "date",
    "TIMESTAMP_NS": "date",
    "TIMESTAMP WITH TIME ZONE": "date",
    "BLOB": "binary",
}
# The clusters' own convention for text: searched by its words, sorted and counted as a whole.
_TEXT = {"type": "text", "fields": {"keyword": {"type": "keyword", "ignore_above": 256}}}
# The digits that a whole number of 64 bits always holds.
_EXACT_DIGITS = 18


def mapping_of(columns: tuple[Column, ...]) -> dict[str, Any]:
    """Return the mapping of an index for rows of these columns; what is nested the cluster maps by itself."""
    found = {column.name: _field(column.type) for column in columns}
    return {"properties": {name: field for name, field in found.items() if field}}


def document_sql(columns: tuple[Column, ...]) -> str:
    """Return the SQL of a row as the text of a JSON object."""
    pairs = ", ".join(f"{literal(column.name)}, {_value(column)}" for column in columns)
    return f"CAST(json_object({pairs}) AS VARCHAR)"


def not_finite(columns: tuple[Column, ...]) -> dict[str, str]:
    """Return, for each column that could hold a number JSON does not have, the SQL that finds one."""
    return {c.name: f"NOT isfinite({quote(c.name)})" for c in columns if c.type in {"FLOAT", "DOUBLE"}}


def _field(kind: str) -> dict[str, Any]:
    if found := _DECIMAL.fullmatch(kind):
        # Kept as a whole number: sums of money stay exact.
        is_exact = int(found[1]) <= _EXACT_DIGITS
        return (
            {"type": "scaled_float", "scaling_factor": 10 ** int(found[2])}
            if is_exact
            else {"type": "double"}
        )
    if kind in _PLAIN:
        return {"type": _PLAIN[kind]}
    if kind == "VARCHAR":
        return dict(_TEXT)
    is_nested = kind == "JSON" or kind.endswith("]") or kind.startswith(("STRUCT(", "MAP(", "UNION("))
    return {} if is_nested else {"type": "keyword"}


def _value(column: Column) -> str:
    name = quote(column.name)
    if column.type == "BLOB":
        return f"to_base64({name})"
    if column.type == "TIMESTAMP WITH TIME ZONE":
        return f"strftime(CAST({name} AS TIMESTAMP), '%Y-%m-%dT%H:%M:%S.%fZ')"
    if column.type.startswith("TIMESTAMP"):
        return f"strftime(CAST({name} AS TIMESTAMP), '%Y-%m-%dT%H:%M:%S.%f')"
    return name
