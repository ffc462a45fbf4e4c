"""The JSON body of an answer: finding the records and the next page in it without decoding the records."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import msgspec

from ropewalk.dataops.sources.errors import SourceBroken
from ropewalk.errors import Place, nearest

Fields = dict[str, msgspec.Raw]


@dataclass(frozen=True)
class Body:
    """A well-formed JSON body.

    Attributes:
        content: its bytes.
        what: the page it is, for errors.
        place: where the source is declared, for errors.
    """

    content: bytes
    what: str
    place: Place

    @classmethod
    def parse(cls, content: bytes, what: str, place: Place, content_type: str = "") -> Body:
        """Return the body that `content` is; `content_type` is what the answer calls it.

        Raises:
            SourceBroken: it is not JSON; the error names the line and column, and tells a web page from bad JSON.
        """
        try:
            # All of it is checked once: what is found below stays undecoded.
            content.decode()
            msgspec.json.decode(content, type=msgspec.Raw)
        # A body that nests without end ends the decoder's patience, not the process.
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise _no_json(content, what, place, content_type) from error
        return cls(content, what, place)

    def records(self, path: str | None) -> Sequence[bytes]:
        """Return each record of the list at the dotted `path` (None: the body itself) as JSON on one line.

        Raises:
            SourceBroken: there is no list of objects there; the error names the nearest key.
        """
        found = self._find(path.split(".") if path else [])
        if not found.lstrip().startswith(b"["):
            raise self._no_list(path, found)
        # A line break inside a record would end it in newline-delimited JSON.
        compact = msgspec.json.format(found, indent=-1) if b"\n" in found or b"\r" in found else found
        records = [bytes(record) for record in msgspec.json.decode(compact, type=list[msgspec.Raw])]
        if odd := next((record for record in records if not record.lstrip().startswith(b"{")), None):
            raise SourceBroken(
                f"{self.what}: a record is {odd[:40].decode(errors='replace')}, not an object",
                place=self.place,
            )
        return records

    def text_at(self, path: str) -> str | None:
        """Return the string or number at the dotted `path`, or None where there is none, null, false or ""."""
        content = self.content
        for number, step in enumerate(path.split(".")):
            fields = self._top if number == 0 else _fields(content)
            if step not in fields:
                return None
            content = bytes(fields[step])
        value = msgspec.json.decode(content)
        return str(value) if isinstance(value, str | int | float) and value not in {"", False} else None

    def is_false_at(self, path: str) -> bool:
        """Return whether there is a plain false, a zero, null or nothing at the dotted `path`."""
        return self.text_at(path) in {None, "0"}

    def number_at(self, path: str) -> int | None:
        """Return the whole number at the dotted `path`, or None when there is none."""
        text = self.text_at(path)
        return int(text) if text is not None and text.isdecimal() else None

    @cached_property
    def _top(self) -> Fields:
        return _fields(self.content)

    def _find(self, path: Sequence[str]) -> bytes:
        content = self.content
        for number, step in enumerate(path):
            fields = self._top if number == 0 else _fields(content)
            if step not in fields:
                raise SourceBroken(
                    f"{self.what} has no records at {'.'.join(path)!r}",
                    place=self.place,
                    nearest=nearest(step, fields),
                    hint="keys there: " + ", ".join(fields)
                    if fields
                    else "records: the dotted path to the list",
                )
            content = bytes(fields[step])
        return content

    def _no_list(self, path: str | None, found: bytes) -> SourceBroken:
        lists = [key for key, value in _fields(found).items() if bytes(value).lstrip().startswith(b"[")]
        at = f"at {path!r} " if path else ""
        prefix = f"{path}." if path else ""
        hint = f"records: {prefix}{lists[0]}" if lists else "records: the dotted path to the list"
        return SourceBroken(f"{self.what} has no list of records {at}".rstrip(), place=self.place, hint=hint)


def _no_json(content: bytes, what: str, place: Place, content_type: str) -> SourceBroken:
    start = content[:120].decode(errors="replace")
    if "html" in content_type.lower() or content[:100].lstrip().lower().startswith((b"<!doctype", b"<html")):
        return SourceBroken(
            f"{what} is not JSON but a web page",
            place=place,
            hint="often a log-in page: check url and auth",
            detail=start,
        )
    at = _error_at(content)
    around = content[max(0, at - 60) : at + 60].decode(errors="replace")
    line, column = content.count(b"\n", 0, at) + 1, at - content.rfind(b"\n", 0, at)
    where = f" at line {line}, column {column}" if content else ": it is empty"
    return SourceBroken(f"{what} is not JSON{where}", place=place, detail=around if at > 60 else start)


def _error_at(content: bytes) -> int:
    """Return at which byte `content` stops being JSON."""
    # Python's decoder tells the place; it is asked only about what is broken.
    try:
        json.loads(content.decode())
    except UnicodeDecodeError as error:
        return error.start
    except json.JSONDecodeError as error:
        return len(error.doc[: error.pos].encode())
    except RecursionError:
        return 0
    return len(content)


def _fields(content: bytes) -> Fields:
    """Return the fields of an object, undecoded; none when `content` is something else."""
    if not content.lstrip().startswith(b"{"):
        return {}
    return msgspec.json.decode(content, type=Fields)
