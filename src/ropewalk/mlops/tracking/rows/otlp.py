"""OpenTelemetry's route for spans, and MLflow's for a trace as a file."""

from __future__ import annotations

import json
from importlib import import_module

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from ropewalk.mlops.tracking import artifacts, limits
from ropewalk.mlops.tracking.errors import RequestTooLarge
from ropewalk.mlops.tracking.rows.artifacts import sent_file
from ropewalk.mlops.tracking.rows.row import translated
from ropewalk.mlops.tracking.traces import reading, recording
from ropewalk.mlops.tracking.traces.errors import InvalidSpans, MissingHeader, NoSpanKept
from ropewalk.mlops.tracking.traces.spans import read_span
from ropewalk.mlops.tracking.wire.compat import missing
from ropewalk.pipeline import Workspace
from ropewalk.routes import Endpoint, Permission, Route

EXPERIMENT, RUN = "x-mlflow-experiment-id", "x-mlflow-run-id"
KINDS = ("application/x-protobuf", "application/json")
FILE = "traces.json"


def otlp_routes(workspace: Workspace) -> list[Route]:
    """Return the routes of OpenTelemetry's protocol, and those by which MLflow's pages read a trace's file."""
    file = _file(workspace)
    paths = [f"/ajax-api/{version}/mlflow/get-trace-artifact" for version in ("2.0", "3.0")]
    return [
        Route("POST", "/v1/traces", Permission.WRITE, _export(workspace)),
        *(Route("GET", path, Permission.READ, file) for path in paths),
    ]


def _export(workspace: Workspace) -> Endpoint:
    async def export(request: Request) -> Response:
        experiment = request.headers.get(EXPERIMENT)
        if not experiment:
            raise MissingHeader(
                f"The header {EXPERIMENT} is missing", hint="name the experiment that the spans are for"
            )
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in KINDS:
            raise InvalidSpans(f"Invalid Content-Type: {kind[:80] or 'none'}. Expected: {' or '.join(KINDS)}")
        body = await _body(request)
        encoding = request.headers.get("content-encoding", "")
        run = request.headers.get(RUN) or None
        answer = await run_in_threadpool(_record, workspace, (body, encoding, kind), experiment, run)
        return Response(answer, media_type=kind)

    return translated(export)


async def _body(request: Request) -> bytes:
    body = bytearray()
    # Counted while it arrives: a length that a client names is not to be believed.
    async for block in request.stream():
        body += block
        if len(body) > limits.BODY_BYTES:
            raise RequestTooLarge(f"Request body must be at most {limits.BODY_BYTES} bytes")
    return bytes(body)


def _record(workspace: Workspace, sent: tuple[bytes, str, str], experiment: str, run: str | None) -> bytes:
    body, encoding, kind = sent
    # Protobuf is loaded by who gets spans: most servers of small projects never do.
    protocol = import_module("ropewalk.mlops.tracking.traces.otlp")
    contents, refused = protocol.spans_of(protocol.read_export(protocol.inflate(body, encoding), kind))
    if refused and not contents:
        raise NoSpanKept(f"No span of the export can be kept: {'; '.join(refused[:3])}")
    if contents:
        recording.record_spans(workspace, experiment, contents, run)
    return bytes(protocol.answer(kind, refused))


def _file(workspace: Workspace) -> Endpoint:
    async def file(request: Request) -> Response:
        identifier = request.query_params.get("request_id") or request.query_params.get("trace_id")
        if not identifier:
            raise missing("request_id")
        path = request.query_params.get("path")
        return await run_in_threadpool(_read_file, workspace, identifier, path)

    return translated(file)


def _read_file(workspace: Workspace, identifier: str, path: str | None) -> Response:
    found = reading.whole_trace(workspace, identifier, is_partial_fine=True)
    headers = {"content-disposition": f"attachment; filename={FILE}", "x-content-type-options": "nosniff"}
    if path is None and (found.spans or reading.has_spans_here(found.trace)):
        content = {"spans": [read_span(span).file_form() for span in found.spans]}
        return Response(json.dumps(content), headers=headers, media_type="application/octet-stream")
    # Clients that send no spans put them, and what is attached to them, among the artifacts.
    name = artifacts.safe_path(path or FILE)
    root = artifacts.proxied_path(found.trace.artifact_uri) or ""
    stored = artifacts.find_artifact(workspace, f"{root}/{name}")
    sent = sent_file(stored, workspace.objects.path(stored.digest))
    if path is None:
        # Without quotes, as MLflow writes it of either kind of trace.
        sent.headers.update(headers)
    return sent
