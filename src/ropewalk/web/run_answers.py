"""Runs over HTTP for programs: found, compared, their histories, moved, deleted, and live events."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import asdict
from math import isfinite
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from ropewalk.mlops.tracking import (
    Column,
    Event,
    Feed,
    Run,
    RunQuery,
    Topic,
    branch_runs,
    branches_with_runs,
    get_run,
    judge_runs,
    list_experiments,
    move_runs,
    origin_of,
    page_of_runs,
    parse_column,
    read_series,
    remove_runs,
    set_stage,
)
from ropewalk.mlops.tracking import View as RunView
from ropewalk.pipeline import Workspace
from ropewalk.routes import Permission, Route
from ropewalk.web.errors import InvalidQuery

LIMIT, MOST_RUNS = 100, 1_000
POINTS, MOST_POINTS = 1_000, 25_000
MOST_BODY = 1 << 20
MOST_CHANGED = 10_000
JSON = "application/json"
VIEWS: tuple[RunView, ...] = ("active", "deleted", "all")
_COMMA = re.compile(r",(?![^()]*\))")
Answerer = Callable[[Workspace, Mapping[str, str]], object]


def run_routes(workspace: Workspace) -> list[Route]:
    """Return the routes under `/api` that are about runs."""
    reading: dict[str, Answerer] = {
        "/api/runs": _runs,
        "/api/runs/{id}": _run,
        "/api/runs/{id}/metrics/{key:path}": _history,
        "/api/branches": _branches,
        "/api/branches/{name:path}": _branch,
        "/api/retention": _retention,
    }
    changing: dict[str, Answerer] = {
        "/api/runs/move": _move,
        "/api/runs/delete": _delete,
        "/api/runs/restore": _restore,
    }
    return [
        *(
            Route("GET", path, Permission.READ, _reader(workspace, answer))
            for path, answer in reading.items()
        ),
        *(
            Route("POST", path, _permission(path), _changer(workspace, answer))
            for path, answer in changing.items()
        ),
        Route("POST", "/api/runs/remove", Permission.DELETE, _changer(workspace, _remove)),
        Route("GET", "/api/events", Permission.READ, _events(workspace)),
    ]


def feed_of(app: Starlette, workspace: Workspace) -> Feed:
    """Return the one feed of live events of an application, for all who listen through it."""
    # Made with the first listener and not with the application: it belongs to the loop that serves.
    if not hasattr(app.state, "feed"):
        app.state.feed = Feed(workspace)
    feed: Feed = app.state.feed
    return feed


def _permission(path: str) -> Permission:
    return Permission.DELETE if path.endswith("/delete") else Permission.WRITE


def _reader(workspace: Workspace, answer: Answerer) -> Callable[[Request], Any]:
    async def respond(request: Request) -> Response:
        asked = {**request.query_params, **{key: str(value) for key, value in request.path_params.items()}}
        return _json(await run_in_threadpool(answer, workspace, asked))

    return respond


def _changer(workspace: Workspace, answer: Answerer) -> Callable[[Request], Any]:
    async def respond(request: Request) -> Response:
        body = await _body(request)
        return _json(await run_in_threadpool(answer, workspace, body))

    return respond


async def _body(request: Request) -> dict[str, Any]:
    length = request.headers.get("content-length", "0")
    body = b"" if not length.isdigit() or int(length) > MOST_BODY else await request.body()
    if not body or len(body) > MOST_BODY:
        raise InvalidQuery(f"the body must be a JSON object of at most {MOST_BODY:,} bytes")
    try:
        found = msgspec.json.decode(body)
    except msgspec.DecodeError:
        raise InvalidQuery("the body is not JSON") from None
    if not isinstance(found, dict):
        raise InvalidQuery("the body must be a JSON object")
    return found


def _json(value: object) -> Response:
    return Response(msgspec.json.encode(value), headers={"cache-control": "no-store"}, media_type=JSON)


def split_list(text: str) -> list[str]:
    """Return the parts of a list; a comma within parentheses divides nothing."""
    return [part.strip() for part in _COMMA.split(text) if part.strip()]


def read_query(asked: Mapping[str, str], limit: int) -> RunQuery:
    """Return what runs an address asks for.

    Raises:
        InvalidQuery: there is no such view.
        InvalidFilter: a column does not parse.
    """
    name = asked.get("view") or "active"
    view: RunView | None = next((known for known in VIEWS if known == name), None)
    if view is None:
        raise InvalidQuery(f"there is no view {name[:20]!r}", hint=f"views are {', '.join(VIEWS)}")
    experiments = split_list(asked.get("experiment", ""))
    return RunQuery(
        experiments=experiments or None,
        filter=asked.get("filter", ""),
        order_by=split_list(asked.get("order_by", "")),
        view=view,
        with_archived=asked.get("archived", "") not in {"", "0", "false"},
        limit=limit,
        columns=[parse_column(text) for text in split_list(asked.get("columns", ""))],
    )


def whole(asked: Mapping[str, str], name: str, default: int, most: int) -> int:
    """Return a whole number from 1 to `most`.

    Raises:
        InvalidQuery: it is not one.
    """
    text = asked.get(name, "")
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= most:
        raise InvalidQuery(f"{name} must be a whole number from 1 to {most}, not {text[:40]!r}")
    return int(text)


def _runs(workspace: Workspace, asked: Mapping[str, str]) -> object:
    query = read_query(asked, whole(asked, "limit", LIMIT, MOST_RUNS))
    found, token = page_of_runs(workspace, query, asked.get("page_token"))
    columns: list[Column] = list(query.columns)
    return {
        "total": found.total,
        "order_by": [order.text for order in found.orders],
        "columns": [column.text for column in columns],
        "runs": [
            {
                **run_document(run, found.experiments[run.experiment_id].name),
                **(
                    {"values": dict(zip([column.text for column in columns], values, strict=True))}
                    if columns
                    else run_content(run)
                ),
            }
            for run, values in zip(found.runs, found.values, strict=True)
        ],
        "next_page_token": token,
    }


def run_document(run: Run, experiment: str) -> dict[str, object]:
    """Return the head of a run as plain JSON values; times in UTC milliseconds."""
    return {
        "id": run.id,
        "name": run.name,
        "experiment_id": run.experiment_id,
        "experiment": experiment,
        "status": run.status,
        "stage": run.stage,
        "user": run.user_id,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
    }


def run_content(run: Run) -> dict[str, object]:
    """Return what a run logged as plain JSON values; a metric that is not a number is null."""
    metrics = {
        key: {"value": metric.value, "step": metric.step, "recorded_at": metric.recorded_at}
        for key, metric in sorted(run.metrics.items())
    }
    return {"metrics": metrics, "params": dict(run.params), "tags": dict(run.tags)}


def _run(workspace: Workspace, asked: Mapping[str, str]) -> object:
    run = get_run(workspace, asked["id"])
    names = {experiment.id: experiment.name for experiment in list_experiments(workspace)}
    return {
        **run_document(run, names.get(run.experiment_id, run.experiment_id)),
        **run_content(run),
        "artifact_uri": run.artifact_uri,
        "origin": asdict(origin_of(run.tags)),
        "inputs": [
            {"name": dataset.name, "digest": dataset.digest, "source": dataset.source}
            for dataset in run.datasets
        ],
    }


def _history(workspace: Workspace, asked: Mapping[str, str]) -> object:
    series = read_series(
        workspace,
        asked["id"],
        asked["key"],
        most=whole(asked, "points", POINTS, MOST_POINTS),
        method=asked.get("method") or "min-max",
        steps=(_step(asked, "from"), _step(asked, "to")),
    )
    return {
        "key": series.key,
        "total": series.total,
        "returned": len(series.points),
        "method": series.method,
        # JSON has no word for these, and null would say that there is none.
        "points": [
            {"step": step, "recorded_at": time, "value": value if isfinite(value) else str(value)}
            for step, time, value in series.points
        ],
    }


def _step(asked: Mapping[str, str], name: str) -> int | None:
    text = asked.get(name, "")
    if not text:
        return None
    if not re.fullmatch(r"-?\d{1,18}", text):
        raise InvalidQuery(f"{name} must be a step, a whole number, not {text[:40]!r}")
    return int(text)


def _branches(workspace: Workspace, _asked: Mapping[str, str]) -> object:
    return {"branches": branches_with_runs(workspace)}


def _branch(workspace: Workspace, asked: Mapping[str, str]) -> object:
    found = branch_runs(workspace, asked["name"], asked.get("base") or None)
    names = {experiment.id: experiment.name for experiment in list_experiments(workspace)}

    def documents(runs: tuple[Run, ...]) -> list[dict[str, object]]:
        return [
            {**run_document(run, names.get(run.experiment_id, run.experiment_id)), **run_content(run)}
            for run in runs
        ]

    return {
        "branch": found.branch,
        "base_branch": found.base_branch,
        "base_commit": found.base_commit,
        "compared_commit": found.compared_commit,
        "runs": documents(found.runs),
        "base_runs": documents(found.base_runs),
    }


def _retention(workspace: Workspace, _asked: Mapping[str, str]) -> object:
    return {"verdicts": [asdict(verdict) for verdict in judge_runs(workspace)]}


def _ids(asked: Mapping[str, Any]) -> list[str]:
    found = asked.get("run_ids")
    if not isinstance(found, list) or not found or not all(isinstance(one, str) for one in found):
        raise InvalidQuery("run_ids must be a list of ids of runs")
    if len(found) > MOST_CHANGED:
        raise InvalidQuery(f"at most {MOST_CHANGED:,} runs can be changed at once, not {len(found):,}")
    return found


def _move(workspace: Workspace, asked: Mapping[str, Any]) -> object:
    target = asked.get("experiment_id")
    if not isinstance(target, str) or not target:
        raise InvalidQuery("experiment_id, where the runs are to go, is missing")
    with_nested = asked.get("with_nested", True)
    return {"moved": move_runs(workspace, _ids(asked), target, with_nested=with_nested is not False)}


def _delete(workspace: Workspace, asked: Mapping[str, Any]) -> object:
    nested = asked.get("with_nested") is True
    return {"deleted": set_stage(workspace, _ids(asked), "deleted", with_nested=nested)}


def _restore(workspace: Workspace, asked: Mapping[str, Any]) -> object:
    nested = asked.get("with_nested") is True
    return {"restored": set_stage(workspace, _ids(asked), "active", with_nested=nested)}


def _remove(workspace: Workspace, asked: Mapping[str, Any]) -> object:
    return asdict(remove_runs(workspace, _ids(asked)))


def _events(workspace: Workspace) -> Callable[[Request], Any]:
    async def respond(request: Request) -> Response:
        topic = Topic.parse(request.query_params.get("topics", ""))
        # Browsers send the header when they come back; who cannot set one may say it in the address.
        since = request.headers.get("last-event-id") or request.query_params.get("since", "")
        events = feed_of(request.app, workspace).listen(topic, since)
        # Asked for here, so that a refusal is an answer of its own and not a broken stream.
        first = await anext(events)
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return StreamingResponse(_stream(first, events), headers=headers, media_type="text/event-stream")

    return respond


async def _stream(first: Event | None, events: AsyncIterator[Event | None]) -> AsyncIterator[bytes]:
    yield b"retry: 2000\n\n" + event_bytes(first)
    async for event in events:
        yield event_bytes(event)


def event_bytes(event: Event | None) -> bytes:
    """Return an event as it is sent (WHATWG, Server-sent events); None is a sign of life that nobody hears."""
    if event is None:
        return b": alive\n\n"
    number = f"id: {event.id}\n" if event.id else ""
    data = msgspec.json.encode({"topic": event.topic, **event.data}).decode()
    return f"{number}event: {event.kind}\ndata: {data}\n\n".encode()
