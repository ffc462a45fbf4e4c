"""The JSON body of an answer: finding the records and the next page in it without decoding the records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
    def parse(cls, content: bytes, what: str, place: Place) -> Body:
        """Return the body that `content` is.

        Raises:
            SourceBroken: it is not JSON.
        """
        try:
            # All of it is checked once: what is found below stays undecoded.
            msgspec.json.decode(content, type=msgspec.Raw)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            shown = content[:120].decode(errors="replace")
            raise SourceBroken(f"{what} is not JSON: {error}", place=place, detail=shown) from error
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
        compact = msgspec.json.format(found, indent=-1) if b"\n" in found else found
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
        for step in path.split("."):
            fields = _fields(content)
            if step not in fields:
                return None
            content = bytes(fields[step])
        value = msgspec.json.decode(content)
        return str(value) if isinstance(value, str | int | float) and value not in {"", False} else None

    def _find(self, path: Sequence[str]) -> bytes:
        content = self.content
        for step in path:
            fields = _fields(content)
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


def _fields(content: bytes) -> Fields:
    """Return the fields of an object, undecoded; none when `content` is something else."""
    if not content.lstrip().startswith(b"{"):
        return {}
    return msgspec.json.decode(content, type=Fields)
