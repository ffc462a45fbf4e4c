"""The header of a table's file: the comment it starts with, which describes it and may say how it is partitioned."""

from __future__ import annotations

import re
from typing import Literal

from ropewalk.dataops.transform.errors import InvalidSQL
from ropewalk.dataops.transform.values import Partition
from ropewalk.errors import Place, nearest

_COMMENT = re.compile(r"\s*(?:/\*(?P<block>.*?)\*/|(?P<lines>(?:[ \t]*--[^\n]*(?:\n|$))+))", re.DOTALL)
_LINE = re.compile(r"^[ \t]*--[ \t]*partition[ \t]*:[ \t]*(?P<value>[^\n]*?)[ \t\r]*$", re.MULTILINE)
_VALUE = re.compile(r"(?P<by>\w*)\s*\(\s*(?P<column>[^\W\d]\w*)\s*\)")
BY: tuple[Literal["hour", "day", "month", "key"], ...] = ("hour", "day", "month", "key")
HINT = "such as `-- partition: day(scheduled_at)`; by hour, day, month, or key for one part per value"


def read_description(text: str) -> str | None:
    """Return the comment that `text` starts with as one text, without what it says of partitions."""
    found = _COMMENT.match(text)
    if not found:
        return None
    lines = (found["block"] or found["lines"]).splitlines()
    words = " ".join(line.strip().lstrip("-*").strip() for line in lines if not _LINE.match(line)).strip()
    return words or None


def read_partition(text: str, start: int, path: str) -> Partition | None:
    """Return how the header of `text`, whose statement starts at `start`, says that the table is partitioned.

    Raises:
        InvalidSQL: it says so in a way that cannot be read, twice, or behind the start of the statement.
    """
    found = list(_LINE.finditer(text))
    if not found:
        return None
    if found[0].start() > start:
        raise InvalidSQL(
            "`partition:` stands behind the start of the SELECT",
            place=_place(text, found[0].start(), path),
            hint="put the line above the SELECT",
        )
    if len(found) > 1:
        raise InvalidSQL("a table is partitioned in one way", place=_place(text, found[1].start(), path))
    return _read(found[0], text, path)


def _read(line: re.Match[str], text: str, path: str) -> Partition:
    place = _place(text, line.start("value"), path)
    value = _VALUE.fullmatch(line["value"])
    if value is None:
        raise InvalidSQL(f"{line['value']!r} is no way to partition a table", place=place, hint=HINT)
    for by in BY:
        if by == value["by"].lower():
            return Partition(by, value["column"], place.line or 1)
    raise InvalidSQL(
        f"a table is not partitioned by {value['by']!r}",
        place=place,
        nearest=nearest(value["by"], BY),
        hint=HINT,
    )


def _place(text: str, offset: int, path: str) -> Place:
    return Place(path, text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))
