"""Questions over HTTP: SQL, metrics and saved questions, answered as JSON, CSV, Parquet or Arrow.

The format is what the address ends in (`.csv`), else what `Accept` prefers, else JSON. Rows, seconds and memory have
limits that a request may lower and never raise.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from ropewalk.dataops.lake import Asking, Form, QueryResult, ask_environment, read_memory
from ropewalk.dataops.metrics import ask_metrics, survey_metrics
from ropewalk.dataops.privacy import project_masks
from ropewalk.dataops.questions import ask_question, survey_questions
from ropewalk.errors import RopewalkError
from ropewalk.pipeline import Workspace
from ropewalk.routes import Permission, Route
from ropewalk.web.bodies import read_body
from ropewalk.web.errors import InvalidQuery
from ropewalk.web.grid import as_csv, make_grid, plain
from ropewalk.web.views.metrics import read_metric_question

ROWS, MOST_ROWS = 1_000, 100_000
SECONDS = 30.0
MEMORY_MB = 2_000
MOST_BODY = 1 << 20
TYPES = {
    "json": "application/json",
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.stream",
}
_LIMITS = frozenset({"limit", "timeout", "memory", "format"})
_METRIC = frozenset({"by", "grain", "where", "order"})
Answerer = Callable[
    [Workspace, Mapping[str, str], Mapping[str, str], Asking], tuple[QueryResult, dict[str, Any]]
]


def answer_routes(workspace: Workspace) -> list[Route]:
    """Return the routes under `/api` that answer questions; all of them only read."""
    answerers: dict[str, Answerer] = {
        "/api/sql": _sql,
        "/api/metrics/{name}": _metrics,
        "/api/questions/{name}": _question,
    }
    found = [
        Route(method, path + ending, Permission.READ, _endpoint(workspace, answerer, ending))
        for path, answerer in answerers.items()
        for method in ("GET", "POST")
        for ending in ("", *(f".{form}" for form in TYPES))
    ]
    # Names may have dots: the longer address has to be tried first.
    found.sort(key=lambda route: "." not in route.path)
    return [*_lists(workspace), *found]


def _endpoint(workspace: Workspace, answerer: Answerer, ending: str) -> Callable[[Request], Any]:
    async def answer(request: Request) -> Response:
        asked = await _read(request)
        form = ending.lstrip(".") or asked.get("format") or _accepted(request)
        if form not in TYPES:
            raise InvalidQuery(
                f"there is no format {form[:20]!r}", hint=f"the formats are {', '.join(TYPES)}"
            )
        asking = _limits(asked, form)
        names = {name: str(value) for name, value in request.path_params.items()}
        result, about = await run_in_threadpool(answerer, workspace, names, asked, asking)
        return _response(result, about, form)

    return answer


async def _read(request: Request) -> dict[str, str]:
    """Return what is asked: the address's query, and what a body adds to it.

    Raises:
        InvalidQuery: the body is no JSON object of plain values, or too long.
    """
    asked = dict(request.query_params)
    if request.method != "POST":
        return asked
    body = await read_body(request, MOST_BODY)
    if "json" not in request.headers.get("content-type", ""):
        return {**asked, "q": body.decode("utf-8", "replace")}
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise InvalidQuery("the body is not JSON") from None
    if not isinstance(found, dict) or not all(
        isinstance(value, str | int | float | bool) for value in found.values()
    ):
        raise InvalidQuery("the body must be a JSON object of names and plain values")
    return asked | {
        name: value if isinstance(value, str) else json.dumps(value) for name, value in found.items()
    }


def _accepted(request: Request) -> str:
    accepted = request.headers.get("accept", "")
    return next((form for form, kind in TYPES.items() if form != "json" and kind in accepted), "json")


def _limits(asked: Mapping[str, str], form: str) -> Asking:
    rows = _number(asked, "limit", ROWS, MOST_ROWS)
    seconds = _number(asked, "timeout", SECONDS, SECONDS)
    memory = asked.get("memory")
    file_form: Form = "parquet" if form == "parquet" else "arrow" if form == "arrow" else "rows"
    if memory is None:
        return Asking(int(rows), seconds, form=file_form)
    size = read_memory(memory)
    if not size.upper().endswith("MB") or float(size[:-2]) > MEMORY_MB:
        raise InvalidQuery(f"memory must be at most {MEMORY_MB}MB, written as 512MB")
    return Asking(int(rows), seconds, size, file_form)


def _number(asked: Mapping[str, str], name: str, default: float, most: float) -> float:
    text = asked.get(name, "")
    if not text:
        return default
    try:
        value = float(text[:20])
    except ValueError:
        value = -1.0
    if not 0 < value <= most:
        raise InvalidQuery(f"{name} must be a number above 0 and at most {most:g}, not {text[:20]!r}")
    return value


def _sql(
    workspace: Workspace, _names: Mapping[str, str], asked: Mapping[str, str], asking: Asking
) -> tuple[QueryResult, dict[str, Any]]:
    query = asked.get("q", "").strip()
    if not query:
        raise InvalidQuery("q, the SELECT, is missing", hint="/api/sql?q=SELECT 1")
    return ask_environment(workspace, query, asking, masks=project_masks(workspace)), {}


def _metrics(
    workspace: Workspace, names: Mapping[str, str], asked: Mapping[str, str], asking: Asking
) -> tuple[QueryResult, dict[str, Any]]:
    if unknown := sorted(asked.keys() - _LIMITS - _METRIC):
        raise InvalidQuery(
            f"a metric is not asked by {unknown[0]!r}", hint=f"it is by {', '.join(sorted(_METRIC))}"
        )
    answer = ask_metrics(
        workspace, read_metric_question(names["name"], asked, asking.limit), asking.form, asking
    )
    metrics = [metric.name for metric in answer.metrics]
    return answer.result, {"metrics": metrics, "dimensions": list(answer.dimensions), "sql": answer.sql}


def _question(
    workspace: Workspace, names: Mapping[str, str], asked: Mapping[str, str], asking: Asking
) -> tuple[QueryResult, dict[str, Any]]:
    given = {name: value for name, value in asked.items() if name not in _LIMITS}
    answer = ask_question(workspace, names["name"], given, asking.form, asking)
    return answer.result, {"title": answer.question.title, "values": dict(answer.values)}


def _response(result: QueryResult, about: dict[str, Any], form: str) -> Response:
    headers = {"cache-control": "no-cache", "vary": "accept", "x-complete": str(result.is_complete).lower()}
    if form != "json":
        headers["content-disposition"] = f'attachment; filename="answer.{form}"'
    if form in {"parquet", "arrow"}:
        return Response(result.content, headers=headers, media_type=TYPES[form])
    columns = [(column.name, column.type) for column in result.columns]
    if form == "csv":
        return Response(as_csv(make_grid(columns, result.rows)), headers=headers, media_type=TYPES[form])
    document = {
        **about,
        "columns": [{"name": name, "type": kind} for name, kind in columns],
        "rows": [[plain(value) for value in row] for row in result.rows],
        "is_complete": result.is_complete,
    }
    return Response(msgspec.json.encode(document), headers=headers, media_type=TYPES[form])


def _listed(what: str, documents: list[dict[str, Any]], broken: Iterable[RopewalkError]) -> Response:
    """Return a list, and beside it what is wrong with files that would have been part of it."""
    content: dict[str, Any] = {what: documents}
    if problems := [error.as_json() for error in broken]:
        content["broken"] = problems
    return Response(msgspec.json.encode(content), media_type=TYPES["json"])


def _lists(workspace: Workspace) -> list[Route]:
    async def metrics(_request: Request) -> Response:
        found = await run_in_threadpool(survey_metrics, workspace.root)
        documents = [
            {
                "name": metric.name,
                "description": metric.measure.description,
                "kind": metric.measure.kind,
                "table": metric.subject.declared.table,
                "owner": metric.owner,
                "dimensions": [*metric.subject.declared.dimensions],
            }
            for metric in found.by_name.values()
        ]
        return _listed("metrics", documents, found.broken.values())

    async def questions(_request: Request) -> Response:
        found = await run_in_threadpool(survey_questions, workspace.root)
        documents = [
            {
                "name": question.name,
                "title": question.title,
                "description": question.description,
                "parameters": [
                    {"name": item.name, "type": item.type, "default": item.default, "choices": item.choices}
                    for item in question.parameters
                ],
            }
            for question in found.by_name.values()
        ]
        return _listed("questions", documents, found.broken.values())

    return [
        Route("GET", "/api/metrics", Permission.READ, metrics),
        Route("GET", "/api/questions", Permission.READ, questions),
    ]
