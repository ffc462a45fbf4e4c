"""Traces: what an application did for one request, span by span, and what was said of it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass

from ropewalk.errors import RopewalkError, nearest
from ropewalk.mlops.tracking import (
    Experiment,
    InvalidFilter,
    Trace,
    WaterfallSpan,
    count_traces,
    list_experiments,
    search_traces,
    trace_waterfall,
)
from ropewalk.store.search import Page
from ropewalk.web.errors import NothingCalled
from ropewalk.web.page import Visit

PAGE = 50
MOST = 1_000_000
NAME, USAGE, COST = "mlflow.traceName", "mlflow.trace.tokenUsage", "mlflow.trace.cost"
RUN = "mlflow.sourceRun"
# Tags and metadata that clients write for MLflow's own pages.
HIDDEN = "mlflow."


@dataclass(frozen=True)
class AssessmentLine:
    """What somebody said of a trace, or of one span of it; `value` is text."""

    kind: str
    name: str
    value: str
    source: str
    rationale: str | None
    span_id: str | None
    created_at: int
    is_valid: bool


@dataclass(frozen=True)
class TraceLine:
    """One trace in a list; times in UTC milliseconds."""

    id: str
    name: str
    state: str
    started_at: int
    duration_ms: int | None
    request: str | None
    response: str | None
    tokens: int | None
    cost: float | None
    assessments: tuple[AssessmentLine, ...]


@dataclass(frozen=True)
class TraceTable:
    """A page of an experiment's traces, newest first.

    Attributes:
        total: how many traces the filter finds.
        problem: what is wrong with the filter, as every door prints it.
        status: 400 when the filter is wrong.
    """

    experiment_id: str
    experiment: str
    filter: str
    total: int
    page: int
    pages: int
    traces: tuple[TraceLine, ...]
    problem: Mapping[str, str | None] | None = None
    status: int = 200


@dataclass(frozen=True)
class TracePage:
    """One trace with its spans in the order of their tree, and how many more there are than shown."""

    trace: TraceLine
    experiment_id: str
    experiment: str
    run_id: str | None
    tags: Mapping[str, str]
    metadata: Mapping[str, str]
    spans: tuple[WaterfallSpan, ...]
    hidden: int


def trace_table(visit: Visit) -> TraceTable:
    """Return a page of an experiment's traces that the `filter` finds.

    Raises:
        NothingCalled: there is no such experiment.
        InvalidQuery: the page is not a number.
    """
    experiment, text = _find_experiment(visit), visit.query.get("filter", "").strip()
    asked = max(1, visit.number("page", 1, MOST))
    try:
        total = count_traces(visit.workspace, [experiment.id], text)
        pages = max(1, math.ceil(total / PAGE))
        page = min(asked, pages)
        part = Page(PAGE, (page - 1) * PAGE)
        found = search_traces(visit.workspace, [experiment.id], filter_text=text, page=part)
    except InvalidFilter as error:
        return _mistaken(experiment, text, error)
    return TraceTable(experiment.id, experiment.name, text, total, page, pages, tuple(map(_line, found)))


def _mistaken(experiment: Experiment, text: str, error: RopewalkError) -> TraceTable:
    return TraceTable(experiment.id, experiment.name, text, 0, 1, 1, (), problem=error.as_json(), status=400)


def trace_page(visit: Visit) -> TracePage:
    """Return one trace with its spans.

    Raises:
        UnknownTrace: there is none of that id.
    """
    found = trace_waterfall(visit.workspace, visit.names["id"])
    trace = found.trace
    names = {experiment.id: experiment.name for experiment in list_experiments(visit.workspace)}
    return TracePage(
        trace=_line(trace),
        experiment_id=trace.experiment_id,
        experiment=names.get(trace.experiment_id, trace.experiment_id),
        run_id=trace.metadata.get(RUN),
        tags=_shown(trace.tags),
        metadata=_shown(trace.metadata),
        spans=found.spans,
        hidden=found.hidden,
    )


def _find_experiment(visit: Visit) -> Experiment:
    wanted = visit.names["id"]
    found = list_experiments(visit.workspace)
    for experiment in found:
        if wanted in {experiment.id, experiment.name}:
            return experiment
    raise NothingCalled(
        f"there is no experiment {wanted!r}",
        nearest=nearest(wanted, [experiment.name for experiment in found]),
        hint="/experiments lists them all",
    )


def _line(trace: Trace) -> TraceLine:
    tokens = _figure(trace.metadata.get(USAGE), "total_tokens")
    return TraceLine(
        id=trace.id,
        name=trace.tags.get(NAME) or trace.id,
        state=trace.state,
        started_at=trace.started_at,
        duration_ms=trace.duration_ms,
        request=_unquoted(trace.request_preview),
        response=_unquoted(trace.response_preview),
        tokens=None if tokens is None else int(tokens),
        cost=_figure(trace.metadata.get(COST), "total_cost"),
        assessments=tuple(
            AssessmentLine(
                kind=said.kind,
                name=said.name,
                value=_said(said.value, said.error),
                source=f"{said.source_type.lower().replace('_', ' ')} {said.source_id}",
                rationale=said.rationale,
                span_id=said.span_id,
                created_at=said.created_at,
                is_valid=said.is_valid,
            )
            for said in trace.assessments
        ),
    )


def _unquoted(preview: str | None) -> str | None:
    # MLflow keeps the preview of a text as JSON, whose quotes and escapes nobody wants to read.
    try:
        text = json.loads(preview) if preview and preview.startswith('"') else None
    except ValueError:
        return preview
    return text if isinstance(text, str) else preview


def _said(value: object, error: Mapping[str, str] | None) -> str:
    if error:
        return f"failed: {error.get('error_message') or error.get('error_code') or 'without a reason'}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _figure(text: str | None, name: str) -> float | None:
    try:
        found = float(json.loads(text or "{}").get(name, math.nan))
    except (ValueError, TypeError, AttributeError, RecursionError, OverflowError):
        # A client may write anything there.
        return None
    return found if math.isfinite(found) else None


def _shown(texts: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in sorted(texts.items()) if not key.startswith(HIDDEN)}
