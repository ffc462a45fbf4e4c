"""Traces that come from elsewhere, or go there: whole, with the ids, times and words that they have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from ropewalk.mlops.tracking.errors import InvalidRequest
from ropewalk.mlops.tracking.traces.assessments import identified
from ropewalk.mlops.tracking.traces.recording import ARTIFACT_LOCATION, HERE, SPANS_LOCATION
from ropewalk.mlops.tracking.traces.spans import span_of
from ropewalk.mlops.tracking.wire import trace_answers as answers
from ropewalk.mlops.tracking.wire import traces as wire
from ropewalk.pipeline import Workspace
from ropewalk.store import Connection
from ropewalk.store.imports import list_trace_ids, trace_links
from ropewalk.store.tracking import traces as table
from ropewalk.store.tracking.traces import Trace
from ropewalk.store.tracking.traces_assessments import put_assessment
from ropewalk.store.tracking.traces_spans import add_spans, read_spans

# Where a trace lies says nothing of what it is; each server writes its own places.
PLACES = frozenset({SPANS_LOCATION, ARTIFACT_LOCATION})
_TIMES = ("start_time_unix_nano", "end_time_unix_nano", "time_unix_nano")


@dataclass(frozen=True)
class MovedTrace:
    """A trace with all that belongs to it but its files.

    Attributes:
        spans: their content, as `Span.content` has it.
        runs: the ids of runs that it was linked to.
        prompts: the versions of prompts that it used, as NAME/VERSION.
    """

    trace: Trace
    spans: tuple[Mapping[str, Any], ...] = ()
    runs: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The trace's id."""
        return self.trace.id

    @property
    def location(self) -> str:
        """Where its files lie."""
        return self.trace.artifact_uri


def read_moved(info: Mapping[str, Any], spans: Sequence[Mapping[str, Any]] = ()) -> MovedTrace:
    """Return the trace of what MLflow writes of one since 3.0, and of its spans in protobuf's JSON.

    Raises:
        InvalidRequest: it is not of that form.
    """
    try:
        described = answers.read_trace_info(msgspec.convert(info, wire.TraceInfoV3, strict=False))
        contents = tuple(span_of(_normal(span)).content for span in spans)
        said = tuple(identified(one, place) for place, one in enumerate(described.assessments))
    except (msgspec.MsgspecError, ValueError, KeyError, TypeError) as error:
        raise InvalidRequest(f"a trace is not of MLflow's form: {str(error)[:200]}") from None
    return MovedTrace(replace(described, assessments=said), contents)


def read_moved_legacy(info: Mapping[str, Any]) -> MovedTrace:
    """Return the trace of what MLflow wrote of one before 3.0; its spans are a file.

    Raises:
        InvalidRequest: it is not of that form.
    """
    try:
        read = msgspec.convert(info, wire.TraceInfo, strict=False)
    except msgspec.MsgspecError as error:
        raise InvalidRequest(f"a trace is not of MLflow's form: {str(error)[:200]}") from None
    state = str(read.status or "STATE_UNSPECIFIED")
    return MovedTrace(
        Trace(
            number=0,
            id=str(read.request_id),
            experiment_id=str(read.experiment_id),
            started_at=read.timestamp_ms or 0,
            duration_ms=read.execution_time_ms,
            state="STATE_UNSPECIFIED" if state.startswith("TRACE_STATUS") else state,
            tags={str(tag.key): tag.value or "" for tag in read.tags},
            metadata={str(one.key): one.value or "" for one in read.request_metadata},
        )
    )


def _normal(holder: Mapping[str, Any]) -> dict[str, Any]:
    """Return a span, event or link with its times as numbers, which protobuf's JSON writes as texts."""
    numbers = {name: int(holder[name]) for name in _TIMES if holder.get(name)}
    lists = {name: [_normal(one) for one in holder[name]] for name in ("events", "links") if holder.get(name)}
    pairs = [
        {**one, "value": _normal_value(one.get("value") or {})} for one in holder.get("attributes") or ()
    ]
    values = {"attributes": pairs} if pairs else {}
    kept = {name: value for name, value in holder.items() if value not in (None, "", [])}
    return {**kept, **numbers, **lists, **values}


def _normal_value(value: Mapping[str, Any]) -> dict[str, Any]:
    if "int_value" in value:
        return {"int_value": int(value["int_value"])}
    if "array_value" in value:
        return {
            "array_value": {"values": [_normal_value(one) for one in value["array_value"].get("values", ())]}
        }
    return dict(value)


def keep_moved(connection: Connection, moved: MovedTrace, experiment: str) -> Trace:
    """Add a trace that is not here yet, in this experiment, as it was; return it as it is now."""
    trace = replace(moved.trace, experiment_id=experiment)
    number = table.put_trace(connection, trace)
    for assessment in trace.assessments:
        put_assessment(connection, number, assessment)
    if moved.spans:
        add_spans(connection, number, [span_of(content).row() for content in moved.spans])
        table.set_trace_texts(connection, "trace_tag", number, {SPANS_LOCATION: HERE})
    for run in moved.runs:
        table.link_run(connection, [number], run)
    table.link_prompts(connection, number, moved.prompts)
    return table.read_traces(connection, [number])[0]


def moved_trace(workspace: Workspace, identifier: str) -> MovedTrace | None:
    """Return a trace of this project as it can be moved, or None."""
    with workspace.database.read() as connection:
        found = table.find_traces(connection, [identifier])
        if not found:
            return None
        spans = read_spans(connection, [found[0].number]).get(found[0].number, [])
        runs, prompts = trace_links(connection, found[0].number)
    return MovedTrace(found[0], tuple(msgspec.json.decode(span) for span in spans), runs, prompts)


def moved_traces(workspace: Workspace, experiment: str) -> Iterator[MovedTrace]:
    """Yield every trace of an experiment, one by one: they may not fit into memory together."""
    with workspace.database.read() as connection:
        ids = list_trace_ids(connection, experiment)
    for identifier in ids:
        if (found := moved_trace(workspace, identifier)) is not None:
            yield found
