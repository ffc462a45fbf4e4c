"""The header of a table's file: the comment it starts with, which describes it and says what SQL cannot.

A line `-- kind: history` sets one thing; all other lines of the comment are the table's description.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from ropewalk.dataops.transform.errors import InvalidHeader
from ropewalk.dataops.transform.values import FORMS, Form, Header, Partition
from ropewalk.errors import Place, nearest

KEYS = ("kind", "partition", "key", "time", "engine")
# What people who come from other tools write.
FOREIGN = {
    "materialized": "kind",
    "materialization": "kind",
    "materialised": "kind",
    "type": "kind",
    "unique_key": "key",
    "primary_key": "key",
    "updated_at": "time",
    "partition_by": "partition",
    "partitioned_by": "partition",
}
BY: tuple[Literal["hour", "day", "month", "key"], ...] = ("hour", "day", "month", "key")
HINT = "such as `-- partition: day(scheduled_at)`; by hour, day, month, or key for one part per value"
# What each kind may say beside its kind.
ALLOWED: Mapping[Form, tuple[str, ...]] = {
    "table": ("engine",),
    "view": (),
    "incremental": ("partition", "key"),
    "history": ("key", "time"),
}

_COMMENT = re.compile(r"\s*(?:/\*(?P<block>.*?)\*/|(?P<lines>(?:[ \t]*--[^\n]*(?:\n|$))+))", re.DOTALL)
_LINE = re.compile(
    r"^(?:(?P<dashes>[ \t]*--)|[ \t]*(?:/\*+|\*))?[ \t]*(?P<key>[A-Za-z_]+)[ \t]*:[ \t]*(?P<value>[^\n]*?)[ \t\r]*$",
    re.MULTILINE,
)
_PARTITION = re.compile(r"(?P<by>\w*)\s*\(\s*(?P<column>[^\W\d]\w*)\s*\)")
_NAME = re.compile(r"[^\W\d]\w*")
# What a value may look like: prose after a colon is no setting.
_VALUE = re.compile(r"[\w.]+(\s*\([^()]*\))?(\s*,\s*[\w.]+)*")


@dataclass(frozen=True)
class _Line:
    """One `key: value` of a file, and where it stands."""

    key: str
    value: str
    offset: int
    place: Place
    value_place: Place


def read_description(text: str) -> str | None:
    """Return the comment that `text` starts with as one text, without the lines that set something."""
    found = _COMMENT.match(text)
    if not found:
        return None
    lines = (found["block"] or found["lines"]).splitlines()
    # Saved questions name it, so people do here too.
    plain = (line.strip().lstrip("-*").strip() for line in lines if not _sets(line))
    words = " ".join(line.removeprefix("description:").strip() for line in plain).strip()
    return words or None


def read_header(text: str, start: int, path: str) -> Header:
    """Return what the header of `text`, whose statement starts at `start`, says of the table.

    Raises:
        InvalidHeader: a key is not one, stands twice or behind the start of the statement, a value cannot be read,
            or what is said does not fit the kind.
    """
    found: dict[str, _Line] = {}
    for line in _lines(text, start, path):
        if line.key in found:
            said = "is partitioned in one way" if line.key == "partition" else f"has one `{line.key}:`"
            raise InvalidHeader(f"a table {said}", place=line.place)
        found[line.key] = line
    partition = _partition(found["partition"]) if "partition" in found else None
    form = _form(found.get("kind"), is_partitioned=partition is not None)
    _refuse_misfits(form, found)
    return Header(
        form=form,
        partition=partition,
        key=_columns(found.get("key")),
        time=_column(found.get("time")),
        engine=_column(found.get("engine")),
        lines={key: line.place.line or 1 for key, line in found.items()},
    )


def _sets(line: str) -> bool:
    found = _LINE.match(line)
    return found is not None and bool(found["dashes"]) and found["key"] in KEYS


def _lines(text: str, start: int, path: str) -> Iterator[_Line]:
    """Yield the settings of `text`.

    Raises:
        InvalidHeader: one is misspelt, stands in another comment, or behind the start of the statement.
    """
    for match in _LINE.finditer(text):
        line = _Line(
            match["key"],
            match["value"],
            match.start(),
            _place(text, match.start("dashes" if match["dashes"] else "key"), path),
            _place(text, match.start("value"), path),
        )
        if match.start() > start:
            _refuse_behind(line, is_comment=bool(match["dashes"]))
        elif not match["dashes"]:
            _refuse_in_block(line)
        elif line.key in KEYS:
            yield line
        else:
            _refuse_misspelt(line)


def _refuse_behind(line: _Line, *, is_comment: bool) -> None:
    # Comments inside a statement are about its parts, and may well speak of keys and times.
    if is_comment and line.key in ("kind", "partition") and _VALUE.fullmatch(line.value):
        raise InvalidHeader(
            f"`{line.key}:` stands behind the start of the SELECT",
            place=line.place,
            hint="put the line above the SELECT",
        )


def _refuse_in_block(line: _Line) -> None:
    value = line.value.removesuffix("*/").strip()
    if line.key in KEYS and _VALUE.fullmatch(value):
        raise InvalidHeader(
            f"`{line.key}:` stands in a comment of the other form",
            place=line.place,
            hint=f"write it on a line of its own: `-- {line.key}: {value}`",
        )


def _refuse_misspelt(line: _Line) -> None:
    """Refuse what looks like a setting and is none; a sentence with a colon is a description."""
    word = line.key.lower()
    close = FOREIGN.get(word) or nearest(word, KEYS)
    if close and _VALUE.fullmatch(line.value):
        raise InvalidHeader(
            f"a table's header has no `{line.key}:`",
            place=line.place,
            nearest=close,
            hint="it takes " + ", ".join(KEYS) + "; every other line is the table's description",
        )


def _form(line: _Line | None, *, is_partitioned: bool) -> Form:
    if line is None:
        # Who says how it is cut has said that it is built in parts.
        return "incremental" if is_partitioned else "table"
    for form in FORMS:
        if form == line.value:
            return form
    raise InvalidHeader(
        f"{line.value!r} is no kind of table" if line.value else "`kind:` says nothing",
        place=line.value_place,
        nearest=nearest(line.value.lower(), FORMS),
        hint="one of " + ", ".join(FORMS),
    )


def _refuse_misfits(form: Form, found: Mapping[str, _Line]) -> None:
    """Refuse what the kind does not take, and a kind that lacks what it needs."""
    for key in found:
        if key != "kind" and key not in ALLOWED[form]:
            raise _misplaced(form, found[key])
    if form == "incremental" and ("key" in found) == ("partition" in found):
        raise InvalidHeader(
            "a table of kind incremental is built by time or by key"
            + (", and this one says both" if "key" in found else ", and this one says neither"),
            place=found["kind"].place if "kind" in found else found["key"].place,
            hint="`-- partition: day(COLUMN)` for intervals of time, `-- key: COLUMN` for rows whose inputs changed",
        )
    if form == "history" and "key" not in found:
        raise InvalidHeader(
            "a table of kind history needs a key",
            place=found["kind"].place,
            hint="`-- key: COLUMN` names what tells one thing from another; several columns with commas",
        )


def _misplaced(form: Form, line: _Line) -> InvalidHeader:
    kinds = [kind for kind, keys in ALLOWED.items() if line.key in keys]
    return InvalidHeader(
        f"a table of kind {form} takes no `{line.key}:`",
        place=line.place,
        hint=f"`{line.key}:` belongs to kind {' or '.join(kinds)}",
    )


def _partition(line: _Line) -> Partition:
    value = _PARTITION.fullmatch(line.value)
    if value is None:
        raise InvalidHeader(
            f"{line.value!r} is no way to partition a table", place=line.value_place, hint=HINT
        )
    for by in BY:
        if by == value["by"].lower():
            return Partition(by, value["column"], line.value_place.line or 1)
    raise InvalidHeader(
        f"a table is not partitioned by {value['by']!r}",
        place=line.value_place,
        nearest=nearest(value["by"], BY),
        hint=HINT,
    )


def _columns(line: _Line | None) -> tuple[str, ...]:
    if line is None:
        return ()
    names = tuple(name.strip() for name in line.value.split(","))
    for name in names:
        if not _NAME.fullmatch(name):
            raise InvalidHeader(
                f"{name!r} is not the name of a column" if name else "`key:` lacks a column",
                place=line.value_place,
                hint="such as `-- key: customer_id`, or several with commas",
            )
    if len({name.lower() for name in names}) < len(names):
        raise InvalidHeader("`key:` names a column twice", place=line.value_place)
    return names


def _column(line: _Line | None) -> str | None:
    if line is None:
        return None
    if not _NAME.fullmatch(line.value):
        raise InvalidHeader(
            f"{line.value!r} is not the name of a column",
            place=line.value_place,
            hint="such as `-- time: updated_at`: the column that says since when a row is as it is",
        )
    return line.value


def _place(text: str, offset: int, path: str) -> Place:
    return Place(path, text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))
