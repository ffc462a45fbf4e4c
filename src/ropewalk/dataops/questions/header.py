"""The header of a question's file: the comment it starts with.

`-- title:`, `-- description:`, `-- owner:`, `-- chart: line x=month y=late_share color=carrier`, and for each parameter
`-- parameter: carrier text = UA [UA, AA]`. Lines of another form are the description.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from ropewalk.dataops.questions.errors import InvalidQuestion
from ropewalk.dataops.questions.values import Chart, Parameter
from ropewalk.errors import Place, nearest

KEYS = ("title", "description", "owner", "chart", "parameter")
TYPES = {
    "text": "VARCHAR",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "boolean": "BOOLEAN",
}
CHARTS = ("line", "bar", "number")
FORMATS = ("number", "percent")
_ROLES = ("x", "y", "color", "format")
# Dashes only: a block comment belongs to the SQL, where it may stand anywhere.
_COMMENT = re.compile(r"\s*(?:--[^\n]*(?:\n|$)\s*)+")
_LINE = re.compile(r"--[ \t]*(?P<key>[a-z]+)[ \t]*:[ \t]*(?P<value>.*?)[ \t\r]*$")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:$|[T ][0-9]{2}:[0-9]{2})")
_PARAMETER = re.compile(
    r"(?P<name>[A-Za-z_]\w*)[ \t]+(?P<type>\w+)[ \t]*=[ \t]*(?P<default>[^\[]*?)[ \t]*(?:\[(?P<choices>[^\]]*)\])?"
)


@dataclass
class Header:
    """What a header says.

    Attributes:
        end: where the SQL starts.
    """

    end: int = 0
    title: str | None = None
    owner: str | None = None
    words: list[str] = field(default_factory=list)
    chart: Chart | None = None
    parameters: list[Parameter] = field(default_factory=list)


def read_header(text: str, path: str) -> Header:
    """Return what the comment that `text` starts with says.

    Raises:
        InvalidQuestion: a line cannot be read; the error names its place.
    """
    found = _COMMENT.match(text)
    header = Header(found.end() if found else 0)
    for number, line in enumerate(text[: header.end].splitlines(), 1):
        match = _LINE.search(line)
        if match and match["key"] in KEYS:
            _take(header, match["key"], match["value"], Place(path, number, match.start("value") + 1))
        # A word before a colon that is like no key is prose, such as `-- note: ...`.
        elif match and (close := nearest(match["key"], KEYS)):
            raise InvalidQuestion(
                f"a question's header has no {match['key']!r}",
                place=Place(path, number, match.start("key") + 1),
                nearest=close,
            )
        elif words := line.strip().lstrip("-").strip():
            header.words.append(words)
    return header


def _take(header: Header, key: str, value: str, place: Place) -> None:
    match key:
        case "title":
            header.title = value
        case "owner":
            header.owner = value
        case "description":
            header.words.append(value)
        case "chart":
            header.chart = _read_chart(value, place)
        case _:
            parameter = _read_parameter(value, place)
            if any(parameter.name == other.name for other in header.parameters):
                raise InvalidQuestion(f"parameter {parameter.name!r} is declared twice", place=place)
            header.parameters.append(parameter)


def _read_chart(text: str, place: Place) -> Chart:
    kind, *parts = text.split() or [""]
    if kind not in CHARTS:
        raise InvalidQuestion(
            f"there is no chart {kind!r}",
            place=place,
            nearest=nearest(kind, CHARTS),
            hint="such as `-- chart: line x=month y=late_share color=carrier`",
        )
    roles: dict[str, str] = {}
    for part in parts:
        role, equals, column = part.partition("=")
        if role not in _ROLES or not equals or not column:
            raise InvalidQuestion(
                f"{part!r} is no part of a chart",
                place=place,
                nearest=nearest(role, _ROLES),
                hint="write x=COLUMN y=COLUMN color=COLUMN format=percent",
            )
        roles[role] = column
    needed = {"y"} if kind == "number" else {"x", "y"}
    if missing := sorted(needed - roles.keys()):
        raise InvalidQuestion(f"a {kind} chart needs {missing[0]}=COLUMN", place=place)
    if roles.get("format", FORMATS[0]) not in FORMATS:
        raise InvalidQuestion(
            f"there is no format {roles['format']!r}",
            place=place,
            nearest=nearest(roles["format"], FORMATS),
            hint=f"the formats are {', '.join(FORMATS)}",
        )
    is_share = roles.get("format") == "percent"
    return Chart(kind, roles.get("x"), roles["y"], roles.get("color"), is_share, place)


def _read_parameter(text: str, place: Place) -> Parameter:
    found = _PARAMETER.fullmatch(text)
    if found is None:
        raise InvalidQuestion(
            f"{text!r} is no parameter",
            place=place,
            hint="such as `-- parameter: carrier text = UA [UA, AA]`",
        )
    if found["type"] not in TYPES:
        raise InvalidQuestion(
            f"there is no type {found['type']!r} of parameters",
            place=place,
            nearest=nearest(found["type"], TYPES),
            hint=f"the types are {', '.join(TYPES)}",
        )
    choices = tuple(choice.strip() for choice in (found["choices"] or "").split(",") if choice.strip())
    parameter = Parameter(found["name"], found["type"], found["default"], choices, place)
    for value in (parameter.default, *choices):
        check_value(parameter, value)
    return parameter


def check_value(parameter: Parameter, value: str) -> str:
    """Return `value` when it is one that the parameter takes.

    Raises:
        InvalidQuestion: it is not.
    """
    if parameter.choices and value not in parameter.choices:
        raise InvalidQuestion(
            f"{parameter.name} takes {', '.join(parameter.choices)}, not {value!r}",
            place=parameter.place,
            nearest=nearest(value, parameter.choices),
        )
    try:
        _READERS[parameter.type](value)
    except (ValueError, KeyError, OverflowError):
        raise InvalidQuestion(
            f"{parameter.name} is of type {parameter.type}, and {value!r} is not", place=parameter.place
        ) from None
    return value


def _ascii(text: str) -> str:
    # Python reads the digits of all alphabets, the engine those of one.
    if not text.isascii():
        raise ValueError
    return text


def _with_dashes(text: str) -> str:
    # Python reads every form of ISO 8601, the engine the one with dashes, and hours with their minutes.
    if not _DAY.match(text):
        raise ValueError
    return text


_READERS: Mapping[str, Callable[[str], object]] = {
    "text": str,
    # Eight bytes are what the engine's BIGINT has.
    "integer": lambda text: int(_ascii(text), 10).to_bytes(8, signed=True),
    "number": lambda text: float(_ascii(text)),
    "date": lambda text: date.fromisoformat(_with_dashes(text)),
    "timestamp": lambda text: datetime.fromisoformat(_with_dashes(text)),
    "boolean": lambda text: {"true": True, "false": False}[text],
}
