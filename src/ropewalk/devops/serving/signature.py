"""A model's signature as its MLmodel file states it, and whether a request fits.

The rules are MLflow's: whole numbers fit columns of floating point, nothing else is converted; a missing value
is fine in floating-point and text columns, and in others only where the signature says `required: false`.
Unlike there, every column must be in the request: a misspelt one never becomes a column of missing values.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

import msgspec

from ropewalk.devops.serving.errors import BadPayload, MissingColumn, ModelNotServable, WrongValue
from ropewalk.devops.serving.payload import Frame, Values, shown
from ropewalk.errors import nearest

# What a column of the lake can hold; lists and objects have no place in a table of predictions.
_SCALARS = frozenset({str, int, float, bool, type(None)})
# How an error calls what a column takes.
_WORDS = {
    "double": "a number",
    "float": "a number",
    "long": "a whole number",
    "integer": "a whole number",
    "boolean": "true or false",
    "string": "text",
    "datetime": "text such as 2026-11-23T10:00:00",
}
# The Python types, as JSON gives them, that need no second look.
_PLAIN: dict[str, frozenset[object]] = {
    "double": frozenset({float, type(None)}),
    "float": frozenset({float, type(None)}),
    "long": frozenset(),
    "integer": frozenset(),
    "boolean": frozenset({bool}),
    "string": frozenset({str, type(None)}),
    "datetime": frozenset({type(None)}),
}
_WHOLE = {"long": 2**63, "integer": 2**31}
# Whole numbers up to here are exact in floating point and in every column type of the lake.
_LARGEST = 2**63
NUMBERS = frozenset({"double", "float", "long", "integer", "boolean"})


@dataclass(frozen=True)
class Column:
    """One input of a model: its name, MLflow type, and whether values may never be missing."""

    name: str
    type: str
    required: bool = True
    _plain: frozenset[object] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        extra = frozenset() if self.required else frozenset({type(None)})
        object.__setattr__(self, "_plain", _PLAIN[self.type] | extra)

    def check(self, values: Values) -> None:
        """Check the values a request has for this column.

        Raises:
            WrongValue: one does not fit; the error names its row.
        """
        # Most columns pass on their set of types alone; the values are looked at one by one only when it is unusual.
        kinds = set(map(type, values))
        if kinds <= self._plain or (kinds == {int} and self._fit_all(cast("Sequence[int]", values))):
            return
        for row, value in enumerate(values):
            if not self._fits(value):
                raise WrongValue(
                    f"row {row}, column {self.name!r}: {shown(value)} is not {_WORDS[self.type]}",
                    hint=self._hint(value),
                )

    def _fit_all(self, values: Sequence[int]) -> bool:
        return self._fits(min(values)) and self._fits(max(values))

    def _fits(self, value: object) -> bool:
        if type(value) in self._plain:
            return True
        if type(value) is int:
            return self.type in NUMBERS - {"boolean"} and abs(value) < _WHOLE.get(self.type, _LARGEST)
        if type(value) is float:
            # JavaScript and pandas write 3.0 for a whole number that passed through floating point.
            return self.type in _WHOLE and value.is_integer() and abs(value) < _LARGEST
        return self.type == "datetime" and isinstance(value, str) and _is_time(value)

    def _hint(self, value: object) -> str | None:
        if type(value) is int and self.type in _WHOLE:
            return f"a column of type {self.type} takes whole numbers from {1 - _WHOLE[self.type]} to {_WHOLE[self.type] - 1}"
        if type(value) is int and self.type in NUMBERS:
            return "it is too large; write it in floating point, such as 1e30"
        if value is None:
            return "this column had no missing values when the model was logged"
        if isinstance(value, str) and self.type in NUMBERS:
            return "send numbers without quotes"
        return None


@dataclass(frozen=True)
class Signature:
    """The inputs of a model in their order; `named` is False for a model of bare arrays."""

    columns: tuple[Column, ...]
    named: bool = True

    @property
    def names(self) -> list[str]:
        """The name of each column."""
        return [column.name for column in self.columns]

    def is_number(self, name: str) -> bool | None:
        """Return whether a column holds numbers or booleans; None for one the model does not know."""
        return next((column.type in NUMBERS for column in self.columns if column.name == name), None)

    def select(self, frame: Frame) -> list[Values]:
        """Return the values of each of the model's columns, in its order.

        Raises:
            MissingColumn: the request lacks one.
            WrongValue: a value does not have its column's type.
            BadPayload: rows without names have another width than the model.
        """
        selected = self._by_name(frame) if frame.names is not None else self._by_order(frame)
        for column, values in zip(self.columns, selected, strict=True):
            column.check(values)
        return selected

    def _by_order(self, frame: Frame) -> list[Values]:
        if len(frame.columns) != len(self.columns):
            raise BadPayload(
                f"rows without names need {len(self.columns)} values, and these have {len(frame.columns)}",
                hint="in this order: " + ", ".join(self.names),
            )
        return list(frame.columns)

    def _by_name(self, frame: Frame) -> list[Values]:
        assert frame.names is not None
        given = dict(zip(frame.names, frame.columns, strict=True))
        try:
            selected = [given.pop(column.name) for column in self.columns]
        except KeyError as error:
            raise self._missing(str(error.args[0]), frame.names) from None
        for name, values in given.items():
            _check_extra(name, values)
        return selected

    def _missing(self, name: str, given: Sequence[str]) -> MissingColumn:
        absent = [column for column in self.names if column not in given]
        others = [name for name in given if name not in self.names]
        close = nearest(name, others) or nearest(name.casefold(), [other.casefold() for other in others])
        return MissingColumn(
            f"column {name!r} is missing",
            nearest=close,
            hint=f"the model needs {', '.join(self.names)}",
            detail=f"missing in all: {', '.join(absent)}" if len(absent) > 1 else None,
        )


def read_signature(inputs: str | None, features: Iterable[str]) -> Signature:
    """Return the signature whose `inputs` an MLmodel file holds as JSON text.

    A model of bare arrays, or without a signature, takes numbers named after its `features`.

    Raises:
        ModelNotServable: a column has a type that no request can carry.
    """
    # MLflow keeps the inputs as JSON text inside the YAML.
    columns = msgspec.json.decode(inputs) if inputs else []
    if not columns or any(column["type"] == "tensor" for column in columns):
        return Signature(tuple(Column(name, "double") for name in features), named=False)
    for column in columns:
        if column["type"] not in _PLAIN or "name" not in column:
            raise ModelNotServable(
                f"input {column.get('name', '(no name)')!r} of the model has type {column['type']!r}, "
                "which cannot be served",
                hint="log the model with a signature of plain named columns",
            )
    return Signature(tuple(Column(c["name"], c["type"], c.get("required", True)) for c in columns))


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _check_extra(name: str, values: Values) -> None:
    if not set(map(type, values)) <= _SCALARS:
        row = next(i for i, value in enumerate(values) if type(value) not in _SCALARS)
        raise WrongValue(
            f"row {row}, column {name!r}: only text, numbers, true, false and null can be recorded",
            hint="leave the column out: the model does not use it",
        )
    if int in set(map(type, values)):
        for row, value in enumerate(values):
            if type(value) is int and abs(value) >= _LARGEST:
                raise WrongValue(
                    f"row {row}, column {name!r}: {shown(value)} is too large to be recorded",
                    hint="send it as text",
                )
