"""OpenTelemetry's exports of spans, over HTTP as protobuf or as JSON, to the content of spans and back to an answer.

The format: https://opentelemetry.io/docs/specs/otlp/#otlphttp.
"""

from __future__ import annotations

import base64
import json
import math
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

from google.protobuf import json_format  # type: ignore[import-untyped]  # its types are in a package of their own
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # as above
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from ropewalk.mlops.tracking import limits
from ropewalk.mlops.tracking.errors import RequestTooLarge
from ropewalk.mlops.tracking.traces.errors import InvalidSpans
from ropewalk.mlops.tracking.wire.compat import wire_number

PROTOBUF, JSON = "application/x-protobuf", "application/json"
TRACE_ID, SPAN_ID = 16, 8
# What an export says once of all its spans is kept with each of them, where searches find it.
RESOURCE = "resource."
# Some thirty attributes with each of ten thousand spans; what a pair costs besides its own bytes is counted too.
COPIED_BYTES = 32 << 20
_PAIR_BYTES = 64
_BLOCK = 1 << 20
# JSON writes these ids as hexadecimal digits, which protobuf's own JSON does not.
_IDS = {"traceId", "spanId", "parentSpanId", "trace_id", "span_id", "parent_span_id"}


def inflate(body: bytes, encoding: str) -> bytes:
    """Return a request's body without its compression (`gzip` or `deflate`, or none).

    Raises:
        InvalidSpans: it is not compressed in that way, or in a way that is not known here.
        RequestTooLarge: it becomes larger than a request may be.
    """
    named = encoding.strip().lower()
    if named in ("", "identity"):
        return body
    if named not in ("gzip", "deflate"):
        raise InvalidSpans(f"Content-Encoding {encoding[:40]!r} is not supported", hint="use gzip or none")
    # gzip and zlib have different heads; 32 added to the window's size reads either.
    reader = zlib.decompressobj(wbits=32 + zlib.MAX_WBITS)
    try:
        # One byte more than allowed tells a body that is too large, however much it would become.
        found = reader.decompress(body, limits.BODY_BYTES + 1)
    except zlib.error as error:
        raise InvalidSpans(f"The body is not {named}: {error}") from None
    if len(found) > limits.BODY_BYTES:
        raise RequestTooLarge(f"Request body must be at most {limits.BODY_BYTES} bytes when uncompressed")
    if not reader.eof:
        raise InvalidSpans(f"The body is not {named}: it ends too early")
    return found


def read_export(body: bytes, kind: str) -> ExportTraceServiceRequest:
    """Return an export that was sent as `kind`, protobuf's or JSON's media type.

    Raises:
        InvalidSpans: it cannot be read, or holds nothing.
    """
    message = ExportTraceServiceRequest()
    try:
        if kind == PROTOBUF:
            message.ParseFromString(body)
        else:
            json_format.ParseDict(_ids_in_base64(_object(body)), message, ignore_unknown_fields=True)
    except (DecodeError, json_format.Error, ValueError, RecursionError, AttributeError, TypeError) as error:
        said = (
            "Invalid OpenTelemetry protobuf format"
            if kind == PROTOBUF
            else "Invalid Content-Type: no such JSON"
        )
        raise InvalidSpans(f"{said}: {str(error)[:200]}") from None
    # OpenTelemetry would let it pass; MLflow's server, and so its clients, take it for a body that was lost.
    if not message.resource_spans:
        raise InvalidSpans("Invalid OpenTelemetry format - no spans found")
    return message


def _object(body: bytes) -> dict[str, Any]:
    read = json.loads(body)
    # Protobuf's reader takes some other values for a message of which nothing is set.
    if not isinstance(read, dict):
        raise ValueError("it is no object")
    return read


def _ids_in_base64(read: Any) -> Any:
    if isinstance(read, list):
        return [_ids_in_base64(one) for one in read]
    if not isinstance(read, dict):
        return read
    return {
        key: base64.b64encode(bytes.fromhex(value)).decode()
        if key in _IDS and isinstance(value, str)
        else _ids_in_base64(value)
        for key, value in read.items()
    }


def spans_of(message: ExportTraceServiceRequest) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the content of the spans that can be kept, and for each other span why it cannot.

    Raises:
        RequestTooLarge: what the export says once of all its spans would be too much with each of them.
    """
    _check_copies(message)
    kept, refused = list[dict[str, Any]](), list[str]()
    for span, about in _spans(message):
        problem = _problem(span)
        if problem:
            refused.append(f"span {span.name[:80]!r} {problem}")
        else:
            kept.append(_content(span, about))
    return kept, refused


def _check_copies(message: ExportTraceServiceRequest) -> None:
    copied = sum(
        (resource.resource.ByteSize() + _PAIR_BYTES * len(resource.resource.attributes))
        * sum(len(scope.spans) for scope in resource.scope_spans)
        for resource in message.resource_spans
    )
    # A small body could else become a hundred million rows, for which all other writers would wait.
    if copied > COPIED_BYTES:
        raise RequestTooLarge(
            f"The resource's attributes, kept with each span, would be more than {COPIED_BYTES} bytes",
            hint="export fewer spans at once (OTEL_BSP_MAX_EXPORT_BATCH_SIZE), or say less in the resource",
        )


def _spans(message: ExportTraceServiceRequest) -> Iterator[tuple[SpanMessage, list[dict[str, Any]]]]:
    """Yield each span with what its export says of the program that it comes from."""
    for resource in message.resource_spans:
        about = [
            {**pair, "key": f"{RESOURCE}{pair['key']}"}
            for pair in _pairs(resource.resource.attributes)
            if not _is_default(pair)
        ]
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield span, about


def _is_default(pair: dict[str, Any]) -> bool:
    # What the library says of itself when nobody said anything: MLflow's clients read their spans back without it.
    unnamed = str(pair["value"].get("string_value", "")).startswith("unknown_service")
    return pair["key"].startswith("telemetry.sdk.") or (pair["key"] == "service.name" and unnamed)


def _problem(span: SpanMessage) -> str | None:
    """Return why a span cannot be kept, or None."""
    # Ids of zeros, which OpenTelemetry calls invalid, MLflow's server takes, and so its clients send them.
    if len(span.trace_id) != TRACE_ID:
        return "has no trace_id of 16 bytes"
    if len(span.span_id) != SPAN_ID:
        return "has no span_id of 8 bytes"
    if span.parent_span_id and len(span.parent_span_id) != SPAN_ID:
        return "has a parent_span_id that is not of 8 bytes"
    # A column's widest whole number, some 292 years after 1970.
    if max(span.start_time_unix_nano, span.end_time_unix_nano) >= 1 << 63:
        return "has a time that is no time"
    return None


def _content(span: SpanMessage, about: list[dict[str, Any]]) -> dict[str, Any]:
    content: dict[str, Any] = {
        "trace_id": _base64(span.trace_id),
        "span_id": _base64(span.span_id),
        "parent_span_id": _base64(span.parent_span_id),
        "trace_state": span.trace_state,
        "flags": span.flags,
        "name": _clean(span.name),
        "kind": SpanMessage.SpanKind.Name(span.kind) if span.kind in SpanMessage.SpanKind.values() else None,
        "start_time_unix_nano": span.start_time_unix_nano,
        "end_time_unix_nano": span.end_time_unix_nano,
        # First, so that a span that says the same of itself is believed.
        "attributes": [*about, *_pairs(span.attributes)],
        "events": [
            _set(time_unix_nano=e.time_unix_nano, name=_clean(e.name), attributes=_pairs(e.attributes))
            for e in span.events
        ],
        "links": [
            _set(
                trace_id=_base64(link.trace_id),
                span_id=_base64(link.span_id),
                attributes=_pairs(link.attributes),
            )
            for link in span.links
        ],
    }
    status = _set(message=_clean(span.status.message), code=_code(span.status))
    # The one field that clients read without looking whether it is there.
    return {**_set(**content), "status": status}


def _code(status: Status) -> str | None:
    known = status.code and status.code in Status.StatusCode.values()
    return Status.StatusCode.Name(status.code) if known else None


def _set(**fields: Any) -> dict[str, Any]:
    """Return the fields that are set: what is zero or empty is left out, as protobuf's JSON does."""
    return {name: value for name, value in fields.items() if value}


def _pairs(pairs: Iterable[KeyValue]) -> list[dict[str, Any]]:
    return [{"key": _clean(pair.key), "value": _value(pair.value)} for pair in pairs]


def _value(value: AnyValue) -> dict[str, Any]:
    kind = value.WhichOneof("value")
    if kind is None:
        return {}
    held = getattr(value, kind)
    if kind == "array_value":
        return {kind: {"values": [_value(one) for one in held.values]}}
    if kind == "kvlist_value":
        return {kind: {"values": _pairs(held.values)}}
    if kind == "bytes_value":
        return {kind: _base64(held)}
    if kind == "double_value" and not math.isfinite(held):
        return {kind: wire_number(held)}
    return {kind: _clean(held) if isinstance(held, str) else held}


def _clean(text: str) -> str:
    # No database and no page can show this character, and a model's answer may have it.
    return text.replace("\0", "\ufffd") if "\0" in text else text


def _base64(held: bytes) -> str:
    return base64.b64encode(held).decode()


def answer(kind: str, refused: list[str]) -> bytes:
    """Return what an export is answered with, in the form in which it was sent."""
    message = ExportTraceServiceResponse()
    if refused:
        message.partial_success.rejected_spans = len(refused)
        message.partial_success.error_message = "; ".join(refused[:10])
    if kind == PROTOBUF:
        return bytes(message.SerializeToString())
    return str(json_format.MessageToJson(message, indent=None)).encode()
