"""The protocol's rows for traces as clients of before 3.0 ask, and tags, for which newer ones still ask so."""

from __future__ import annotations

from ropewalk.mlops.tracking.rows.row import Row
from ropewalk.mlops.tracking.rows.traces import search_page, tag_row, untag_row
from ropewalk.mlops.tracking.traces import reading, recording
from ropewalk.mlops.tracking.wire import trace_answers as answers
from ropewalk.mlops.tracking.wire import traces as wire
from ropewalk.mlops.tracking.wire.answers import entries, need
from ropewalk.mlops.tracking.wire.compat import missing
from ropewalk.pipeline import Workspace
from ropewalk.routes import Permission
from ropewalk.store import now_ms
from ropewalk.store.tracking.traces import Trace


def _start(workspace: Workspace, asked: wire.StartTrace) -> wire.TraceInfoAnswer:
    begun = Trace(
        number=0,
        id="",
        experiment_id=need(asked.experiment_id, "experiment_id"),
        started_at=now_ms() if asked.timestamp_ms is None else asked.timestamp_ms,
        duration_ms=None,
        state="IN_PROGRESS",
        tags=entries(asked.tags),
        metadata=entries(asked.request_metadata),
    )
    return wire.TraceInfoAnswer(answers.legacy_info(recording.begin_legacy_trace(workspace, begun)))


def _end(workspace: Workspace, asked: wire.EndTrace) -> wire.TraceInfoAnswer:
    status = answers.named(wire.TRACE_STATUSES, asked.status, "TRACE_STATUS_UNSPECIFIED")
    ended = Trace(
        number=0,
        id=need(asked.request_id, "request_id"),
        experiment_id="",
        started_at=0,
        duration_ms=None,
        state="STATE_UNSPECIFIED" if status == "TRACE_STATUS_UNSPECIFIED" else status,
        tags=entries(asked.tags),
        metadata=entries(asked.request_metadata),
    )
    ended_at = now_ms() if asked.timestamp_ms is None else asked.timestamp_ms
    return wire.TraceInfoAnswer(answers.legacy_info(recording.end_legacy_trace(workspace, ended, ended_at)))


def _get(workspace: Workspace, asked: wire.GetTraceInfo) -> wire.TraceInfoAnswer:
    found = reading.find_trace(workspace, need(asked.request_id, "request_id"))
    return wire.TraceInfoAnswer(answers.legacy_info(found))


def _search(workspace: Workspace, asked: wire.SearchTraces) -> wire.SearchTracesResponse:
    if not asked.experiment_ids:
        raise missing("experiment_ids")
    found, token = search_page(workspace, asked.experiment_ids, asked)
    return wire.SearchTracesResponse([answers.legacy_info(one) for one in found], token)


def _tag(workspace: Workspace, asked: wire.SetTraceTag) -> None:
    tag_row(workspace, wire.SetTraceTagV3(asked.request_id, asked.key, asked.value))


def _untag(workspace: Workspace, asked: wire.DeleteTraceTag) -> None:
    untag_row(workspace, wire.DeleteTraceTagV3(asked.request_id, asked.key))


_READ, _WRITE = Permission.READ, Permission.WRITE
_AT, _ONE = "/mlflow/traces", "/mlflow/traces/{request_id}"
ROWS = (
    Row("POST", _AT, _WRITE, wire.StartTrace, _start),
    Row("GET", _AT, _READ, wire.SearchTraces, _search),
    Row("PATCH", _ONE, _WRITE, wire.EndTrace, _end),
    Row("GET", f"{_ONE}/info", _READ, wire.GetTraceInfo, _get),
    Row("PATCH", f"{_ONE}/tags", _WRITE, wire.SetTraceTag, _tag),
    Row("DELETE", f"{_ONE}/tags", _WRITE, wire.DeleteTraceTag, _untag),
)
