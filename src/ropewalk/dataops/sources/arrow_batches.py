"""Rows of Python values as Arrow tables, each value exactly or as text; types are those that the values have."""

from __future__ import annotations

import datetime as dt
import decimal
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

LARGEST = 2**63 - 1
# Beyond it not every whole number is a float.
LARGEST_EXACT = 2**53


class ArrowBatches:
    """Makes tables of the rows of one result.

    A column that has no value in a batch is left out of it: what comes later, or nothing, tells its type.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = list(names)
        self._seen: set[str] = set()

    def table(self, rows: Sequence[Sequence[object]]) -> pa.Table:
        """Return `rows` as a table."""
        import pyarrow as pa

        columns: dict[str, pa.Array] = {}
        for name, values in zip(self.names, zip(*rows, strict=True), strict=True):
            kind = _kind(values)
            if kind is not None:
                columns[name] = pa.array([_value(value, kind) for value in values], type=_arrow(kind))
        if not columns:
            # Rows without any value are rows.
            columns[self.names[0]] = pa.array([None] * len(rows), type=pa.string())
        self._seen |= columns.keys()
        return pa.table(columns)

    def rest(self) -> pa.Table | None:
        """Return an empty table with the columns that never had a value, or None when all had one."""
        import pyarrow as pa

        unknown = [name for name in self.names if name not in self._seen]
        return pa.table({name: pa.array([], pa.string()) for name in unknown}) if unknown else None


def _kind(values: Sequence[object]) -> str | None:
    """Return the kind of a column's values, or None when there is none; text where they are of several."""
    kinds = {_KINDS.get(type(value), "text") for value in values if value is not None}
    if not kinds:
        return None
    if kinds == {"whole", "float"}:
        # A whole number that a float would round is kept as text, and all others with it.
        return "float" if _are_exact_floats(values) else "text"
    kind = kinds.pop() if len(kinds) == 1 else "text"
    return _exact_kind(kind, values)


def _exact_kind(kind: str, values: Sequence[object]) -> str:
    """Return the kind that holds these values without losing anything, where `kind` has several."""
    if kind == "whole" and any(isinstance(value, int) and abs(value) > LARGEST for value in values):
        return "text"
    zoned = {value.tzinfo is not None for value in values if isinstance(value, dt.datetime | dt.time)}
    if zoned <= {False}:
        return kind
    # A time without a zone is no instant beside one that has it, and Arrow knows no zone of a time of day.
    return "instant" if kind == "time" and zoned == {True} else "text"


def _are_exact_floats(values: Sequence[object]) -> bool:
    return all(abs(value) <= LARGEST_EXACT for value in values if isinstance(value, int))


# A decimal number has no width of its own here: as text it can be held against whatever type is declared.
_KINDS: Mapping[type, str] = {
    bool: "truth",
    int: "whole",
    float: "float",
    str: "text",
    bytes: "bytes",
    dt.datetime: "time",
    dt.date: "date",
    dt.time: "clock",
}


def _arrow(kind: str) -> pa.DataType:
    import pyarrow as pa

    return {
        "truth": pa.bool_(),
        "whole": pa.int64(),
        "float": pa.float64(),
        "bytes": pa.binary(),
        "time": pa.timestamp("us"),
        "instant": pa.timestamp("us", "UTC"),
        "date": pa.date32(),
        "clock": pa.time64("us"),
    }.get(kind, pa.string())


def _value(value: object, kind: str) -> object:
    if value is None or kind != "text" or isinstance(value, str):
        return value
    if isinstance(value, decimal.Decimal):
        return f"{value:f}"
    if isinstance(value, list | dict | tuple):
        return json.dumps(value, default=str, ensure_ascii=False)
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    return str(value)
