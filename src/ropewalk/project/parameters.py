"""Parameters of steps that a command sets: text such as `8` or `true`, read as the type that the step declares."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from ropewalk.errors import Place, nearest
from ropewalk.project.errors import InvalidParameter, UnknownParameter


@dataclass(frozen=True)
class Parameter:
    """A tracked parameter: its value in force (the default, unless a command sets another), and where it stands."""

    name: str
    default: object
    annotation: str | None
    place: Place


_OPTIONAL = re.compile(r"^(?:typing\.)?Optional\[(.*)\]$")
_NONE = ("None", "null")
_TRUTH = {"true": True, "True": True, "false": False, "False": False}
_TYPES: dict[str, type] = {
    "int": int,
    "float": float,
    "str": str,
    "bool": bool,
    "list": list,
    "tuple": tuple,
    "dict": dict,
    "set": set,
    "None": type(None),
}


def set_parameters(
    parameters: Mapping[str, tuple[Parameter, ...]], given: Mapping[str, str]
) -> dict[str, tuple[Parameter, ...]]:
    """Return the parameters of each step, by its name, with those `given` as `STEP.NAME` -> text set.

    Raises:
        UnknownParameter: no step, or no parameter of the step, has that name.
        InvalidParameter: the text is no value of the parameter's type.
    """
    found = dict(parameters)
    for name, text in given.items():
        step, _, parameter = name.partition(".")
        if step not in found:
            raise UnknownParameter(
                f"no step is called {step!r}, so {name} cannot be set", nearest=nearest(step, found)
            )
        names = [known.name for known in found[step]]
        if parameter not in names:
            raise UnknownParameter(
                f"step {step!r} has no parameter {parameter!r}",
                nearest=nearest(parameter, names),
                hint="its parameters are " + ", ".join(names) if names else "it has no parameters",
            )
        found[step] = tuple(
            replace(known, default=read_value(text, known)) if known.name == parameter else known
            for known in found[step]
        )
    return found


def read_value(text: str, parameter: Parameter) -> object:
    """Return the value that `text` is for `parameter`: by its annotation, or else by the type of its default.

    Raises:
        InvalidParameter: the text is no such value.
    """
    types = _types(parameter)
    for kind in types:
        value = _READERS[kind](text)
        if value is not _NO_VALUE:
            return value
    raise InvalidParameter(
        f"parameter {parameter.name!r} must be {' or '.join(_shown(kind) for kind in types)}, not {text!r}",
        place=parameter.place,
        hint=f"its default is {parameter.default!r}",
    )


def _shown(kind: type) -> str:
    return "None" if kind is type(None) else kind.__name__


def _types(parameter: Parameter) -> list[type]:
    """Return the types that the value may have, text last: almost everything can be read as text."""
    annotation = (parameter.annotation or "").strip("'\"")
    if optional := _OPTIONAL.match(annotation):
        annotation = f"{optional[1]} | None"
    # Of `list[int]` the items are the step's own business.
    names = [part.strip().partition("[")[0].lower() for part in annotation.split("|")]
    found = [_TYPES[name] for name in ("None" if n == "none" else n for n in names) if name in _TYPES]
    if not found or len(found) < len(names):
        found = _types_like(parameter.default)
    return sorted(set(found), key=list(_READERS).index)


def _types_like(default: object) -> list[type]:
    if default is None:
        return list(_READERS)
    return [kind for kind in _READERS if type(default) is kind] or [str]


class _NoValue:
    """Stands for a text that is no value of a type; None is one of some."""


_NO_VALUE = _NoValue()


def _literal(text: str) -> object:
    # JSON first: it is what other programs print, and differs in `true`, `false` and `null`.
    for read in (json.loads, ast.literal_eval):
        try:
            return read(text)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            continue
    return _NO_VALUE


def _none(text: str) -> object:
    return None if text in _NONE else _NO_VALUE


def _truth(text: str) -> object:
    return _TRUTH.get(text, _NO_VALUE)


def _whole(text: str) -> object:
    value = _literal(text)
    return value if isinstance(value, int) and not isinstance(value, bool) else _NO_VALUE


def _number(text: str) -> object:
    value = _literal(text)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    try:
        return float(value) if is_number else _NO_VALUE  # type: ignore[arg-type]  # checked in the line before
    except OverflowError:
        return _NO_VALUE


def _list(text: str) -> object:
    value = _literal(text)
    return list(value) if isinstance(value, list | tuple) else _NO_VALUE


def _tuple(text: str) -> object:
    value = _literal(text)
    return tuple(value) if isinstance(value, list | tuple) else _NO_VALUE


def _mapping(text: str) -> object:
    value = _literal(text)
    return value if isinstance(value, dict) else _NO_VALUE


def _set(text: str) -> object:
    value = _literal(text)
    try:
        return set(value) if isinstance(value, set | list | tuple) else _NO_VALUE
    except TypeError:
        # Lists in a list: no set can hold them.
        return _NO_VALUE


def _text(text: str) -> object:
    value = _literal(text)
    # Quotes make a text of what else might be a number, and are no part of it.
    return value if isinstance(value, str) else text


_READERS = {
    type(None): _none,
    bool: _truth,
    int: _whole,
    float: _number,
    list: _list,
    tuple: _tuple,
    dict: _mapping,
    set: _set,
    str: _text,
}
