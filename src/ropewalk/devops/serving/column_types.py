"""The lake's column types for what requests hold, and how a column widens when later requests differ.

A model's own columns have the types of its signature. Other columns (the key, times, what is merely recorded) and
the predictions get the narrowest type that holds every value seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

_BY_MLFLOW = {
    "double": "DOUBLE",
    "float": "DOUBLE",
    "long": "BIGINT",
    "integer": "BIGINT",
    "boolean": "BOOLEAN",
    "string": "VARCHAR",
    "datetime": "TIMESTAMP",
}
_BY_PYTHON: dict[type, str] = {bool: "BOOLEAN", int: "BIGINT", float: "DOUBLE", list: "DOUBLE[]"}
# `fromisoformat` alone would also take 20130701, which is more often an identifier than a day.
_TIME = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d.*)?")
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


def _value_type(value: object) -> str:
    if isinstance(value, str):
        return TIME if _is_time(value) else TEXT
    return _BY_PYTHON.get(type(value), TEXT)


def _is_time(text: str) -> bool:
    if not _TIME.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
