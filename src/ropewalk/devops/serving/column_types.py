"""The lake's column types for what requests hold, and how a column widens when later requests differ.

A model's own columns have the types of its signature. Other columns (the key, times, what is merely recorded) and
the predictions get the narrowest type that holds every value seen. A column of times holds UTC: a text with an
offset is brought there, one without is taken as UTC, as monitors take it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime

_BY_MLFLOW = {
    "double": "DOUBLE",
    "float": "DOUBLE",
    "long": "BIGINT",
    "integer": "BIGINT",
    "boolean": "BOOLEAN",
    "string": "VARCHAR",
    "datetime": "TIMESTAMP",
}
_BY_PYTHON: dict[type, str] = {bool: "BOOLEAN", int: "BIGINT", float: "DOUBLE"}
_NUMBERS = "DOUBLE[]"
# `fromisoformat` alone would also take 20130701, which is more often an identifier than a day.
_TIME = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d.*)?")
# What the lake reads as Python does; such a text stays as it was sent, in case its column turns out to be no time.
_PLAIN_TIME = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?)?")
TEXT = "VARCHAR"
TIME = "TIMESTAMP"


def signature_type(mlflow_type: str) -> str:
    """Return the lake's type for a model's column."""
    return _BY_MLFLOW.get(mlflow_type, TEXT)


def values_type(values: Iterable[object]) -> str | None:
    """Return the narrowest type that holds all `values`; None when all are missing."""
    found: str | None = None
    for value in values:
        if value is not None and found != TEXT:
            found = wider(found, _value_type(value))
    return found


def wider(one: str | None, other: str | None) -> str | None:
    """Return the narrowest type that holds what both types hold; None stands for nothing but missing values."""
    if one is None or other is None or one == other:
        return one or other
    if {one, other} == {"BIGINT", "DOUBLE"}:
        return "DOUBLE"
    return TEXT


def as_utc(value: object) -> object:
    """Return a text that is a time as one in UTC that the lake reads; any other value as it is."""
    if not isinstance(value, str) or _PLAIN_TIME.fullmatch(value):
        return value
    moment = _moment(value)
    return value if moment is None else moment.isoformat()


def _value_type(value: object) -> str:
    if isinstance(value, str):
        return TIME if _TIME.fullmatch(value) and _moment(value) else TEXT
    if isinstance(value, list):
        # A score per class; whatever else a model puts into a list is kept as JSON text.
        return _NUMBERS if set(map(type, value)) <= {int, float, type(None)} else TEXT
    if type(value) is int and not -(2**63) <= value < 2**63:
        return TEXT
    return _BY_PYTHON.get(type(value), TEXT)


def _moment(text: str) -> datetime | None:
    """Return the moment in UTC, without a zone, that a text names; None when it names none."""
    try:
        moment = datetime.fromisoformat(text)
        # The engine drops an offset without a word, and hours of rows would land in another window.
        return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    except (ValueError, OverflowError):
        return None
