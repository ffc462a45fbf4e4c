"""One span: its content as the wire writes it, and what is searched and counted of it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from ropewalk.mlops.tracking.traces import conventions
from ropewalk.store.tracking.traces_spans import SpanRow

REQUEST_ID = "mlflow.traceRequestId"
INPUTS, OUTPUTS = "mlflow.spanInputs", "mlflow.spanOutputs"
# How much of one attribute a search looks at; a span may bring megabytes, which nobody searches for by hand.
SEARCHED = 32_000
# The key under which names, messages and events are found, which are no attributes.
UNNAMED = ""
STATUSES = {"STATUS_CODE_OK": "OK", "STATUS_CODE_ERROR": "ERROR"}
# The words of MLflow's own files of spans.
_FILE_STATUSES = {"OK": "STATUS_CODE_OK", "ERROR": "STATUS_CODE_ERROR"}


@dataclass(frozen=True)
class Span:
    """One span.

    Attributes:
        content: the span in protobuf's JSON, names in snake_case, ids in base64.
        values: its attributes as plain values.
    """

    content: Mapping[str, Any]
    values: Mapping[str, Any]

    @property
    def trace_id(self) -> str:
        """MLflow's id of the trace that it belongs to."""
        return f"tr-{hex_of(self.content['trace_id'])}"

    @property
    def id(self) -> str:
        """Its id, as hexadecimal digits."""
        return hex_of(self.content["span_id"])

    @property
    def parent(self) -> str | None:
        """The id of the span that it is a part of."""
        return hex_of(self.content["parent_span_id"]) if self.content.get("parent_span_id") else None

    @property
    def name(self) -> str:
        """What it is called."""
        return str(self.content.get("name", ""))

    @property
    def status(self) -> str:
        """`OK`, `ERROR` or `UNSET`."""
        return STATUSES.get(self.content.get("status", {}).get("code", ""), "UNSET")

    @property
    def message(self) -> str:
        """What it says of its status."""
        return str(self.content.get("status", {}).get("message", ""))

    @property
    def started_ns(self) -> int:
        """When it started, in nanoseconds since 1970."""
        return int(self.content.get("start_time_unix_nano", 0))

    @property
    def ended_ns(self) -> int | None:
        """When it ended, or None while it goes on."""
        return int(self.content.get("end_time_unix_nano", 0)) or None

    def row(self) -> SpanRow:
        """Return the span as it is kept."""
        return SpanRow(
            id=self.id,
            parent=self.parent,
            name=self.name,
            type=conventions.span_type(self.values),
            status=self.status,
            started_ns=self.started_ns,
            ended_ns=self.ended_ns,
            content=msgspec.json.encode(self.content),
            model=conventions.model(self.values),
            provider=conventions.provider(self.values),
            attributes=self._searched(),
            figures=conventions.figures(self.values),
        )

    def _searched(self) -> dict[str, str]:
        said = [self.name, self.message]
        for event in self.content.get("events", ()):
            said += [str(event.get("name", "")), *map(as_text, plain_attributes(event).values())]
        found = {key: as_text(value)[:SEARCHED] for key, value in self.values.items() if key != UNNAMED}
        return {**found, UNNAMED: "\n".join(filter(None, said))[:SEARCHED]}

    def file_form(self) -> dict[str, object]:
        """Return the span as MLflow writes it into `traces.json`: attributes as JSON texts."""
        return {
            "trace_id": self.content["trace_id"],
            "span_id": self.content["span_id"],
            "parent_span_id": self.content.get("parent_span_id"),
            "name": self.name,
            "start_time_unix_nano": self.started_ns,
            "end_time_unix_nano": self.ended_ns,
            "events": [
                {
                    "name": event.get("name", ""),
                    "time_unix_nano": event.get("time_unix_nano", 0),
                    "attributes": plain_attributes(event),
                }
                for event in self.content.get("events", ())
            ],
            "status": {"code": _FILE_STATUSES.get(self.status, "STATUS_CODE_UNSET"), "message": self.message},
            "attributes": {key: json.dumps(value, ensure_ascii=False) for key, value in self.values.items()},
            "links": [
                {
                    "trace_id": f"tr-{hex_of(link.get('trace_id', ''))}",
                    "span_id": hex_of(link.get("span_id", "")),
                    "attributes": plain_attributes(link) or None,
                }
                for link in self.content.get("links", ())
            ],
        }


def span_of(content: Mapping[str, Any]) -> Span:
    """Return the span of that content; the attribute that names its trace says what its ids say."""
    # Whatever else a client claims there: the ids decide to which trace a span belongs.
    claimed = {"key": REQUEST_ID, "value": {"string_value": f"tr-{hex_of(content['trace_id'])}"}}
    attributes = [one for one in content.get("attributes", ()) if one.get("key") != REQUEST_ID]
    whole = {**content, "attributes": [*attributes, claimed]}
    return Span(whole, plain_attributes(whole))


def read_span(content: bytes) -> Span:
    """Return a span that was kept."""
    read: dict[str, Any] = msgspec.json.decode(content)
    return Span(read, plain_attributes(read))


def plain_attributes(holder: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of a span, event or link as plain values; the last of a name wins."""
    pairs: Iterable[Mapping[str, Any]] = holder.get("attributes", ())
    return {str(pair.get("key", "")): plain(pair.get("value", {})) for pair in pairs}


def plain(value: Mapping[str, Any]) -> Any:
    """Return what OpenTelemetry's `AnyValue` holds."""
    nothing: tuple[str, Any] = ("", None)
    kind, held = next(iter(value.items()), nothing)
    if kind == "array_value":
        return [plain(one) for one in held.get("values", ())]
    if kind == "kvlist_value":
        return {str(pair.get("key", "")): plain(pair.get("value", {})) for pair in held.get("values", ())}
    # Protobuf's JSON has no other way to write these.
    if kind == "double_value" and isinstance(held, str):
        return float(held)
    return held


def as_text(value: object) -> str:
    """Return a value as people read it and searches find it: a text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def hex_of(encoded: str) -> str:
    """Return bytes in base64 as hexadecimal digits."""
    return base64.b64decode(encoded).hex()
