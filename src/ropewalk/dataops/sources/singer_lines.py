"""What a Singer tap prints, line by line, as the specification has it (github.com/singer-io/getting-started, SPEC.md)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

from ropewalk.dataops.sources.errors import ProgramGarbled, StreamMissing
from ropewalk.errors import nearest

# More than a person would want in one row; a line without end must not fill the memory.
LONGEST_LINE = 1 << 28
SHOWN = 120
TIMES = {"date-time": "TIMESTAMP WITH TIME ZONE", "date": "DATE"}
TYPES = {"integer": "BIGINT", "number": "DOUBLE", "boolean": "BOOLEAN", "string": "VARCHAR"}


@dataclass
class TapOutput:
    """What a tap said of one stream.

    Attributes:
        columns: the type of each column, by the schema; JSON for what the schema does not have.
        key: the properties that identify a record.
        records: how many records there were.
        others: how many records of other streams were passed over.
        state: the last state, as JSON, or None when there was none.
    """

    columns: dict[str, str] = field(default_factory=dict)
    key: tuple[str, ...] = ()
    records: int = 0
    others: int = 0
    state: str | None = None
    streams: set[str] = field(default_factory=set)


def read_tap(lines: IO[bytes], stream: str, rows: Path) -> TapOutput:
    """Write the records of `stream` to the file `rows`, as newline-delimited JSON, and return what else was said.

    Raises:
        ProgramGarbled: a line is none of the protocol's; the error has its number.
        StreamMissing: the tap speaks of other streams only.
    """
    output = TapOutput()
    with rows.open("w", encoding="utf-8") as written:
        for number, message in _messages(lines):
            _Message(number, message).tell(output, stream, written)
    if output.streams and stream not in output.streams:
        raise StreamMissing(
            f"the tap has no stream {stream!r}",
            nearest=nearest(stream, output.streams),
            hint="streams: " + ", ".join(sorted(output.streams)),
        )
    return output


def column_type(schema: object) -> str:
    """Return the SQL type of a property with the JSON Schema `schema`; JSON for what has no plain one."""
    if not isinstance(schema, Mapping):
        return "JSON"
    named = schema.get("type")
    kinds = [kind for kind in (named if isinstance(named, list) else [named]) if kind != "null"]
    if len(kinds) != 1:
        return "JSON"
    if kinds[0] == "string":
        return TIMES.get(str(schema.get("format")), "VARCHAR")
    return TYPES.get(str(kinds[0]), "JSON")


@dataclass(frozen=True)
class _Message:
    """One line: its number, and the object that it holds."""

    number: int
    content: Mapping[str, Any]

    def tell(self, output: TapOutput, stream: str, written: IO[str]) -> None:
        """Add what the line says to `output`, and its record to `written`."""
        match self.content.get("type"):
            case "STATE":
                output.state = json.dumps(self._get("value", object), sort_keys=True)
            case "SCHEMA":
                self._tell_schema(output, stream)
            case "RECORD":
                self._tell_record(output, stream, written)
            case "ACTIVATE_VERSION":
                # Says that older rows of a stream are gone; `write: replace` is how that is declared here.
                return
            case kind:
                raise self._garbled(f"has the type {kind!r}, which is not SCHEMA, RECORD or STATE")

    def _tell_schema(self, output: TapOutput, stream: str) -> None:
        name = cast("str", self._get("stream", str))
        output.streams.add(name)
        if name == stream:
            schema = cast("Mapping[str, Any]", self._get("schema", Mapping))
            properties, key = schema.get("properties") or {}, self.content.get("key_properties") or []
            if not isinstance(properties, Mapping) or not isinstance(key, list):
                raise self._garbled("has a schema whose properties or key_properties cannot be read")
            output.columns |= {str(name): column_type(value) for name, value in properties.items()}
            output.key = tuple(map(str, key))

    def _tell_record(self, output: TapOutput, stream: str, written: IO[str]) -> None:
        name = cast("str", self._get("stream", str))
        record = cast("Mapping[str, object]", self._get("record", Mapping))
        if name not in output.streams:
            raise self._garbled(f"has a record of {name!r}, of which no schema was told")
        if name != stream:
            output.others += 1
            return
        for key in record.keys() - output.columns.keys():
            # What the schema forgot is kept as it came.
            output.columns[key] = "JSON"
        written.write(json.dumps(record, ensure_ascii=False).encode("utf-8", "replace").decode() + "\n")
        output.records += 1

    def _get(self, name: str, kind: type) -> object:
        value = self.content.get(name)
        if not isinstance(value, kind) or value is None:
            raise self._garbled(f"has no {name}")
        return value

    def _garbled(self, why: str) -> ProgramGarbled:
        return ProgramGarbled(f"line {self.number} of what the tap printed {why}", hint=HINT)


HINT = "a tap prints its messages on stdout and everything else on stderr"


def _messages(lines: IO[bytes]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    number = 0
    while line := lines.readline(LONGEST_LINE):
        number += 1
        if len(line) >= LONGEST_LINE:
            raise ProgramGarbled(
                f"line {number} of what the tap printed is longer than {LONGEST_LINE:,} bytes"
            )
        if not line.strip():
            continue
        try:
            content = json.loads(line)
        except (ValueError, RecursionError):
            raise _no_message(number, line) from None
        if not isinstance(content, dict):
            raise _no_message(number, line)
        yield number, content


def _no_message(number: int, line: bytes) -> ProgramGarbled:
    shown = line[:SHOWN].decode("utf-8", "replace").rstrip("\n")
    return ProgramGarbled(f"line {number} of what the tap printed is no message", hint=HINT, detail=shown)


def select_stream(catalog: object, stream: str) -> dict[str, object]:
    """Return a tap's catalog with `stream` selected and no other.

    Raises:
        ProgramGarbled: it is no catalog.
        StreamMissing: it does not have the stream.
    """
    streams = catalog.get("streams") if isinstance(catalog, Mapping) else None
    if not isinstance(streams, Sequence) or not all(isinstance(entry, Mapping) for entry in streams):
        raise ProgramGarbled("the catalog of the tap has no list of streams")
    names = [str(entry.get("stream") or entry.get("tap_stream_id")) for entry in streams]
    if stream not in names:
        raise StreamMissing(
            f"the tap has no stream {stream!r}",
            nearest=nearest(stream, names),
            hint="streams: " + ", ".join(sorted(names)),
        )
    return {**catalog, "streams": [_select(e, n == stream) for e, n in zip(streams, names, strict=True)]}  # type: ignore[dict-item]  # a mapping, as was checked


def _select(entry: Mapping[str, Any], is_selected: bool) -> dict[str, object]:
    """Return an entry of a catalog as selected or not: in its metadata, and in its schema as older taps want it."""
    others = [item for item in entry.get("metadata") or [] if item.get("breadcrumb")]
    own = [item for item in entry.get("metadata") or [] if not item.get("breadcrumb")]
    metadata = {**(own[0].get("metadata") or {} if own else {}), "selected": is_selected}
    schema = {**(entry.get("schema") or {}), "selected": is_selected}
    return {**entry, "schema": schema, "metadata": [{"breadcrumb": [], "metadata": metadata}, *others]}
