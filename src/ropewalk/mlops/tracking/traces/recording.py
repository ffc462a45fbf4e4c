"""Traces coming in: spans and descriptions, in any order, and again when a client did not hear the answer."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ropewalk.mlops.tracking import limits
from ropewalk.mlops.tracking.errors import InvalidRequest, RequestTooLarge, UnknownTag
from ropewalk.mlops.tracking.experiments import require_active_experiment
from ropewalk.mlops.tracking.runs import require_active_run
from ropewalk.mlops.tracking.traces import conventions, usage
from ropewalk.mlops.tracking.traces.anyvalues import Allowance
from ropewalk.mlops.tracking.traces.errors import UnknownTrace
from ropewalk.mlops.tracking.traces.previews import preview
from ropewalk.mlops.tracking.traces.prompts import LINKED_PROMPTS, prompts_of
from ropewalk.mlops.tracking.traces.spans import Span, span_of
from ropewalk.mlops.tracking.traces.translation import translated
from ropewalk.pipeline import Workspace
from ropewalk.store import Connection
from ropewalk.store.tracking import traces as table
from ropewalk.store.tracking.traces import Trace, TraceExtent
from ropewalk.store.tracking.traces_assessments import Assessment, put_assessment
from ropewalk.store.tracking.traces_spans import SpanRow, add_spans, count_spans, trace_figures

NAME_TAG, SOURCE_RUN = "mlflow.traceName", "mlflow.sourceRun"
SPANS_LOCATION, ARTIFACT_LOCATION = "mlflow.trace.spansLocation", "mlflow.artifactLocation"
HERE = "TRACKING_STORE"
SCHEMA, SCHEMA_VERSION = "mlflow.trace_schema.version", "3"
# What OpenTelemetry calls the session and the person, and where MLflow keeps them.
_COPIED = {"session.id": "mlflow.trace.session", "user.id": "mlflow.trace.user"}
TEXT_VALUE = 8000
PREVIEW = 10_000
# Far above what an agent does for one request, and what a reader still gets within a second.
MOST_SPANS = 100_000
MOST_LINKS = 100
# The end of the year 9999.
LATEST = 253_402_300_800_000
# Ids become parts of paths below which clients keep files.
_IDENTIFIER = re.compile(r"[\w:\-][\w.:\-]{0,127}", re.ASCII)


@dataclass(frozen=True)
class _Arrival:
    """What one export brings of one trace, computed before the database is asked to wait for it."""

    trace_id: str
    rows: Sequence[SpanRow]
    extent: TraceExtent
    metadata: Mapping[str, str]
    tags: Mapping[str, str]


def record_spans(
    workspace: Workspace, experiment_id: str, contents: Iterable[Mapping[str, Any]], run_id: str | None = None
) -> int:
    """Keep spans, of one trace or of several; return how many of the traces had not these spans before.

    Raises:
        UnknownExperiment: there is no such experiment.
        NotActive: it is deleted.
        RequestTooLarge: a trace gets more spans than one may have.
    """
    by_trace: dict[str, list[Span]] = {}
    # One for the whole export, which is what one request may cost.
    allowance = Allowance()
    for span in (translated(span_of(content), allowance) for content in contents):
        by_trace.setdefault(span.trace_id, []).append(span)
    arrivals = [_arrival(trace_id, spans, run_id) for trace_id, spans in by_trace.items()]
    # One transaction for the whole export: it is kept or refused as a whole, so a client can simply send it again.
    with workspace.database.write() as connection:
        require_active_experiment(connection, experiment_id)
        return sum(_keep(connection, experiment_id, arrival) for arrival in arrivals)


def _arrival(trace_id: str, spans: Sequence[Span], run_id: str | None) -> _Arrival:
    root = next((span for span in spans if span.parent is None), None)
    metadata = {SCHEMA: SCHEMA_VERSION} | ({SOURCE_RUN: run_id} if run_id else {})
    for span in spans:
        metadata |= _copied(span)
    tags = {NAME_TAG: root.name[:TEXT_VALUE]} if root else {}
    return _Arrival(trace_id, [span.row() for span in spans], _extent(spans, root), metadata, tags)


def _extent(spans: Sequence[Span], root: Span | None) -> TraceExtent:
    ends = [span.ended_ns for span in spans if span.ended_ns is not None]
    extent = TraceExtent(
        started_at=min(span.started_ns for span in spans) // 1_000_000,
        ended_at=max(ends) // 1_000_000 if ends else None,
    )
    if root is None:
        return extent
    state = "ERROR" if root.status == "ERROR" else "OK"
    return replace(
        extent,
        # A root that still runs says nothing of how its trace ended.
        state=state if root.ended_ns else None,
        request_preview=preview(conventions.inputs(root.values), "user"),
        response_preview=preview(conventions.outputs(root.values), "assistant"),
    )


def _copied(span: Span) -> dict[str, str]:
    found = {ours: span.values.get(theirs) for theirs, ours in _COPIED.items()}
    return {ours: str(value)[:TEXT_VALUE] for ours, value in found.items() if value}


def _keep(connection: Connection, experiment_id: str, arrival: _Arrival) -> bool:
    number = table.begin_trace(connection, arrival.trace_id, experiment_id, arrival.extent.started_at)
    if not add_spans(connection, number, arrival.rows):
        return False
    if count_spans(connection, [number])[number] > MOST_SPANS:
        raise RequestTooLarge(f"Trace {arrival.trace_id} has more than {MOST_SPANS} spans")
    table.extend_trace(connection, number, arrival.extent)
    # Clients fetch the spans from here only when this says so, and this server has them whoever else claims to.
    table.set_trace_texts(connection, "trace_tag", number, {SPANS_LOCATION: HERE})
    [trace] = table.read_traces(connection, [number])
    tags = {**arrival.tags, ARTIFACT_LOCATION: trace.artifact_uri}
    table.set_trace_texts(connection, "trace_tag", number, tags, is_derived=True)
    # Summed anew over all spans, so that what arrives twice or late counts once.
    metadata = {**arrival.metadata, **usage.summed(trace_figures(connection, number))}
    table.set_trace_texts(connection, "trace_metadata", number, metadata, is_derived=True)
    return True


def describe_trace(workspace: Workspace, trace: Trace) -> Trace:
    """Keep what a client says of a trace itself, over what its spans told; return the trace.

    Raises:
        UnknownExperiment: there is no such experiment.
        NotActive: it is deleted.
        InvalidRequest: the id or the name of a tag does not fit.
        RequestTooLarge: a text is too long.
    """
    if not _IDENTIFIER.fullmatch(trace.id):
        raise InvalidRequest(
            f"Invalid value {trace.id[:80]!r} for parameter 'trace_id' supplied: It must be a name of at most 128"
            " letters, digits, colons, dots, dashes and underscores"
        )
    _check_times(trace)
    check_texts(trace.tags, trace.metadata)
    shown = replace(
        trace,
        request_preview=_shortened(trace.request_preview),
        response_preview=_shortened(trace.response_preview),
    )
    with workspace.database.write() as connection:
        require_active_experiment(connection, trace.experiment_id)
        number = table.put_trace(connection, shown)
        for assessment in trace.assessments:
            put_assessment(connection, number, assessment)
        table.link_prompts(connection, number, prompts_of(trace.tags.get(LINKED_PROMPTS)))
        return _located(connection, number)


def _check_times(trace: Trace) -> None:
    # Later ones cannot be written as the protocol writes times.
    if not 0 <= trace.started_at < LATEST or abs(trace.duration_ms or 0) > LATEST:
        raise InvalidRequest(
            f"A trace cannot start at {trace.started_at} and take {trace.duration_ms} milliseconds"
        )


def with_assessments(trace: Trace, assessments: tuple[Assessment, ...]) -> Trace:
    """Return the trace with these assessments."""
    return replace(trace, assessments=assessments)


def _located(connection: Connection, number: int) -> Trace:
    [trace] = table.read_traces(connection, [number])
    location = {ARTIFACT_LOCATION: trace.artifact_uri}
    table.set_trace_texts(connection, "trace_tag", number, location, is_derived=True)
    return replace(trace, tags={**location, **trace.tags})


def _shortened(text: str | None) -> str | None:
    return text if text is None or len(text) <= PREVIEW else f"{text[: PREVIEW - 3]}..."


def check_texts(tags: Mapping[str, str], metadata: Mapping[str, str]) -> None:
    """Refuse tags and metadata that cannot be kept.

    Raises:
        InvalidRequest: a tag's name is not allowed, or a name is empty.
        RequestTooLarge: a name or value is too long.
    """
    for what, entries in (("Trace tag", tags), ("Trace metadata", metadata)):
        for key, value in entries.items():
            limits.check_length(f"{what} name", key, limits.KEY)
            limits.check_length(f"{what} value of '{key}'", value, TEXT_VALUE)
            if not key:
                raise InvalidRequest(f"{what} without a name")


def begin_legacy_trace(workspace: Workspace, trace: Trace) -> Trace:
    """Begin a trace as clients of before 3.0 do, which learn its id from the server."""
    return describe_trace(workspace, replace(trace, id=f"tr-{uuid.uuid4().hex}"))


def end_legacy_trace(workspace: Workspace, ended: Trace, ended_at: int) -> Trace:
    """End a trace as clients of before 3.0 do: state, tags and metadata of `ended` are set.

    Raises:
        UnknownTrace: there is none of that id.
    """
    _check_times(replace(ended, started_at=ended_at))
    check_texts(ended.tags, ended.metadata)
    with workspace.database.write() as connection:
        number = require_trace(connection, ended.id)
        table.end_trace(connection, number, ended_at, ended.state)
        table.set_trace_texts(connection, "trace_tag", number, ended.tags)
        table.set_trace_texts(connection, "trace_metadata", number, ended.metadata)
        return table.read_traces(connection, [number])[0]


def require_trace(connection: Connection, identifier: str) -> int:
    """Return the number of a trace.

    Raises:
        UnknownTrace: there is none of that id.
    """
    number = table.find_trace_number(connection, identifier)
    if number is None:
        raise UnknownTrace(f"Trace with ID '{identifier[:200]}' not found.")
    return number


def tag_trace(workspace: Workspace, identifier: str, key: str, value: str) -> None:
    """Set a tag of a trace; a longer value is cut, as MLflow does it.

    Raises:
        UnknownTrace: there is none of that id.
        InvalidRequest: the tag's name is not allowed.
    """
    limits.check_key("Trace tag", key)
    with workspace.database.write() as connection:
        number = require_trace(connection, identifier)
        table.set_trace_texts(connection, "trace_tag", number, {key: value[:TEXT_VALUE]})
        if key == LINKED_PROMPTS:
            table.link_prompts(connection, number, prompts_of(value))


def untag_trace(workspace: Workspace, identifier: str, key: str) -> None:
    """Remove a tag of a trace.

    Raises:
        UnknownTrace: there is none of that id.
        UnknownTag: it has no such tag.
    """
    with workspace.database.write() as connection:
        if not table.delete_trace_tag(connection, require_trace(connection, identifier), key):
            raise UnknownTag(f"No trace tag with key '{key}' for trace with ID '{identifier}'")


def link_traces(workspace: Workspace, identifiers: Sequence[str], run_id: str) -> None:
    """Let traces belong to a run too.

    Raises:
        RequestTooLarge: there are more than one request may have.
        UnknownRun: there is no such run.
        UnknownTrace: there is no such trace.
    """
    if len(identifiers) > MOST_LINKS:
        raise RequestTooLarge(
            f"Cannot link more than {MOST_LINKS} traces to a run in a single request."
            f" Provided {len(identifiers)} traces."
        )
    with workspace.database.write() as connection:
        require_active_run(connection, run_id)
        table.link_run(connection, [require_trace(connection, one) for one in identifiers], run_id)


def link_prompts(workspace: Workspace, identifier: str, prompts: Sequence[str]) -> None:
    """Note that a trace used these versions of prompts, each as NAME/VERSION.

    Raises:
        UnknownTrace: there is none of that id.
    """
    with workspace.database.write() as connection:
        table.link_prompts(connection, require_trace(connection, identifier), prompts)
