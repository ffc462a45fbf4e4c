"""Traces and assessments of the store as the structs of MLflow's protocol, and back."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec import UNSET, Raw

from ropewalk.mlops.tracking.errors import InvalidRequest
from ropewalk.mlops.tracking.wire import traces as wire
from ropewalk.mlops.tracking.wire.answers import need
from ropewalk.mlops.tracking.wire.compat import wire_number
from ropewalk.store import now_ms
from ropewalk.store.tracking.traces import Trace
from ropewalk.store.tracking.traces_assessments import Assessment, Kind

# The only form that MLflow's client writes and reads of expectations that are no plain value.
JSON_FORMAT = "JSON_FORMAT"
# Protobuf's JSON of a time: digits of a second in threes, and Z or an offset.
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")
_DURATION = re.compile(r"-?\d{1,12}(\.\d{1,9})?s")
_SOURCES = {"feedback": "CODE", "expectation": "HUMAN", "issue": "LLM_JUDGE"}


def trace_info(found: Trace) -> wire.TraceInfoV3:
    """Return a trace as MLflow writes it since 3.0."""
    return wire.TraceInfoV3(
        trace_id=found.id,
        client_request_id=found.client_request_id,
        trace_location=wire.TraceLocation(
            "MLFLOW_EXPERIMENT", wire.MlflowExperimentLocation(found.experiment_id)
        ),
        request_preview=found.request_preview,
        response_preview=found.response_preview,
        request_time=written_time(found.started_at),
        execution_duration=None if found.duration_ms is None else written_duration(found.duration_ms),
        state=found.state,  # type: ignore[arg-type]  # the store keeps what the protocol's decoder let in
        trace_metadata=dict(found.metadata),
        assessments=[assessment(one) for one in found.assessments],
        tags=dict(found.tags),
    )


def whole(found: Trace, spans: Iterable[bytes]) -> wire.Trace:
    """Return a trace with its spans, which are JSON already, as MLflow writes it."""
    return wire.Trace(trace_info(found), [Raw(span) for span in spans])


def legacy_info(found: Trace) -> wire.TraceInfo:
    """Return a trace as MLflow wrote it before 3.0."""
    unspecified = found.state == "STATE_UNSPECIFIED"
    return wire.TraceInfo(
        request_id=found.id,
        experiment_id=found.experiment_id,
        timestamp_ms=found.started_at,
        execution_time_ms=found.duration_ms,
        status="TRACE_STATUS_UNSPECIFIED" if unspecified else found.state,  # type: ignore[arg-type]  # as above
        request_metadata=[wire.TraceRequestMetadata(key, value) for key, value in found.metadata.items()],
        tags=[wire.TraceTag(key, value) for key, value in found.tags.items()],
    )


def read_trace_info(sent: wire.TraceInfoV3) -> Trace:
    """Return the trace that a client describes.

    Raises:
        InvalidRequest: a part is missing, or a time is none.
    """
    location = sent.trace_location.mlflow_experiment if sent.trace_location else None
    identifier = need(sent.trace_id, "trace.trace_info.trace_id")
    return Trace(
        number=0,
        id=identifier,
        experiment_id=need(
            location.experiment_id if location else None, "trace.trace_info.trace_location.experiment_id"
        ),
        started_at=_time("request_time", sent.request_time) or 0,
        duration_ms=None if sent.execution_duration is None else read_duration(sent.execution_duration),
        state=named(wire.TRACE_STATES, sent.state, "STATE_UNSPECIFIED"),
        client_request_id=sent.client_request_id,
        # Before 3.2 clients called them so.
        request_preview=sent.request if sent.request_preview is None else sent.request_preview,
        response_preview=sent.response if sent.response_preview is None else sent.response_preview,
        tags=sent.tags,
        metadata=sent.trace_metadata,
        assessments=tuple(read_assessment(one, identifier) for one in sent.assessments),
    )


def assessment(found: Assessment) -> wire.Assessment:
    """Return an assessment as MLflow writes it."""
    written = wire.Assessment(
        assessment_id=found.id,
        assessment_name=found.name,
        trace_id=found.trace_id,
        span_id=found.span_id,
        source=wire.AssessmentSource(found.source_type, found.source_id),  # type: ignore[arg-type]  # as above
        create_time=written_time(found.created_at),
        last_update_time=written_time(found.updated_at),
        rationale=found.rationale,
        metadata=dict(found.metadata),
        overrides=found.overrides,
        valid=found.is_valid,
    )
    if found.kind == "issue":
        written.issue = wire.IssueReference(str(found.value or found.name))
    elif found.kind == "expectation":
        written.expectation = _expectation(found.value)
    else:
        error = wire.AssessmentError(**found.error) if found.error else None
        written.feedback = wire.Feedback(UNSET if found.value is None and error else found.value, error)
    return written


def _expectation(value: object) -> wire.Expectation:
    # Protobuf's own values know no integers and its maps no order, so MLflow writes these as a text.
    if isinstance(value, dict | list):
        return wire.Expectation(serialized_value=wire.SerializedValue(JSON_FORMAT, json.dumps(value)))
    return wire.Expectation(value)


def read_assessment(sent: wire.Assessment, trace_id: str) -> Assessment:
    """Return the assessment that a client sent of a trace.

    Raises:
        InvalidRequest: it is no feedback, expectation or issue, or more than one of them.
    """
    kind, value, error = _content(sent)
    source = sent.source or wire.AssessmentSource()
    now = now_ms()
    created = _time("create_time", sent.create_time) or now
    return Assessment(
        id=sent.assessment_id or "",
        trace_id=trace_id,
        kind=kind,
        name=sent.assessment_name or "",
        source_type=named(wire.SOURCE_TYPES, source.source_type, _SOURCES[kind]),
        source_id=source.source_id or "default",
        created_at=created,
        updated_at=_time("last_update_time", sent.last_update_time) or created,
        value=value,
        error=error,
        span_id=sent.span_id or None,
        rationale=sent.rationale,
        metadata=sent.metadata,
        overrides=sent.overrides or None,
        is_valid=sent.valid is not False,
    )


def _content(sent: wire.Assessment) -> tuple[Kind, object, Mapping[str, str] | None]:
    given = [one for one in (sent.feedback, sent.expectation, sent.issue) if one is not None]
    if len(given) != 1:
        raise InvalidRequest("Exactly one of `expectation`, `feedback`, or `issue` should be specified.")
    if sent.issue:
        return "issue", sent.issue.issue_name or sent.assessment_name or "", None
    if sent.expectation:
        return "expectation", _expected(sent.expectation), None
    return _feedback(sent.feedback or wire.Feedback(), sent.error)


def _feedback(
    feedback: wire.Feedback, error: wire.AssessmentError | None
) -> tuple[Kind, object, Mapping[str, str] | None]:
    # Before 3.0 the error stood beside the feedback.
    value = None if feedback.value is UNSET else _finite(feedback.value)
    return "feedback", value, _error_fields(feedback.error or error)


def _error_fields(error: wire.AssessmentError | None) -> Mapping[str, str] | None:
    if error is None:
        return None
    fields = {name: getattr(error, name) for name in error.__struct_fields__}
    return {name: value for name, value in fields.items() if value}


def _expected(sent: wire.Expectation) -> object:
    if sent.serialized_value is None:
        if sent.value is UNSET or sent.value is None:
            raise InvalidRequest("Missing value for required parameter 'assessment.expectation.value'.")
        return _finite(sent.value)
    if sent.serialized_value.serialization_format != JSON_FORMAT:
        raise InvalidRequest(f"The only serialization_format of an expectation is {JSON_FORMAT}")
    try:
        return json.loads(sent.serialized_value.value or "null", parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise InvalidRequest("The serialized value of the expectation is not JSON") from None


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _finite(value: Any) -> Any:
    # JSON has no words for these, and what is kept is read by every later client.
    if isinstance(value, float) and not math.isfinite(value):
        return wire_number(value)
    return value


def named(names: Mapping[int, str], value: str | int | None, default: str) -> str:
    """Return the name of an enumeration's member that was given by name or by number.

    Raises:
        InvalidRequest: there is no member of that number.
    """
    if isinstance(value, int):
        if value not in names:
            raise InvalidRequest(f"Invalid value {value}: the numbers are {sorted(names)}")
        return names[value]
    return value or default


def written_time(ms: int) -> str:
    """Return UTC milliseconds as protobuf's JSON writes a time."""
    moment = datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{moment.rjust(19, '0')}.{ms % 1000:03}Z" if ms % 1000 else f"{moment.rjust(19, '0')}Z"


def _time(name: str, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        # Finer than a microsecond is finer than the standard library reads, and than anything here keeps.
        read = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text)) if _TIME.fullmatch(text) else None
    except ValueError:
        read = None
    if read is None or read.year < 1970:
        raise InvalidRequest(
            f"Invalid value {text[:80]!r} for parameter '{name}' supplied: It must be a time"
        )
    return int((read - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000 + 0.5)


def written_duration(ms: int) -> str:
    """Return milliseconds as protobuf's JSON writes a duration."""
    seconds, rest = divmod(abs(ms), 1000)
    return f"{'-' if ms < 0 else ''}{seconds}{f'.{rest:03}' if rest else ''}s"


def read_duration(text: str) -> int:
    """Return the milliseconds of a duration such as `1.5s`.

    Raises:
        InvalidRequest: it is none.
    """
    if not _DURATION.fullmatch(text):
        raise InvalidRequest(
            f"Invalid value {text[:80]!r} for parameter 'execution_duration' supplied: It must be seconds, such as 1.5s"
        )
    return round(float(text[:-1]) * 1000)
