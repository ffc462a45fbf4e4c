"""Metrics: all of them, and one with its figures over time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ropewalk.dataops.metrics import (
    GRAINS,
    Metric,
    MetricMissing,
    MetricQuestion,
    ask_metrics,
    survey_metrics,
)
from ropewalk.errors import RopewalkError
from ropewalk.web.charts import LineChart
from ropewalk.web.errors import InvalidQuery, status_of
from ropewalk.web.grid import Grid, make_grid
from ropewalk.web.page import Visit
from ropewalk.web.views.drawn import draw
from ropewalk.web.views.sql import QueryProblem, problem_of

SHOWN = 500


@dataclass(frozen=True)
class MetricLine:
    """One metric in a list."""

    name: str
    description: str | None
    kind: str
    table: str
    owner: str | None
    unit: str | None
    dimensions: tuple[str, ...]


@dataclass(frozen=True)
class MetricList:
    """All metrics of the project.

    Attributes:
        metrics: those of the files that can be read.
        broken: what is wrong with the others.
    """

    metrics: tuple[MetricLine, ...]
    broken: tuple[QueryProblem, ...] = ()


@dataclass(frozen=True)
class MetricPage:
    """One metric as it was asked for.

    Attributes:
        metric: what is declared of it.
        by: dimensions asked for.
        grain: the grain of time.
        where: the condition.
        grains: the grains there are; none without a time.
        result: its figures.
        chart: the same, drawn.
        sql: the SELECT behind it.
        problem: why there is no result.
        status: the HTTP status that says the same.
    """

    metric: MetricLine
    by: str
    grain: str
    where: str
    grains: tuple[str, ...]
    result: Grid | None = None
    chart: LineChart | None = None
    sql: str = ""
    problem: QueryProblem | None = None
    status: int = 200


def metric_list(visit: Visit) -> MetricList:
    """Return all metrics; a file that is wrong takes nothing from the others."""
    found = survey_metrics(visit.workspace.root)
    return MetricList(
        tuple(_line(metric) for metric in found.by_name.values()),
        tuple(map(problem_of, found.broken.values())),
    )


def metric_page(visit: Visit) -> MetricPage:
    """Return one metric, by month unless something else is asked for.

    Raises:
        MetricMissing: there is none of that name.
    """
    metric = survey_metrics(visit.workspace.root).find(visit.names["name"])
    has_time = metric.subject.declared.time is not None
    query = dict(visit.query)
    if has_time and not {"by", "grain", "where"} & query.keys():
        query["grain"] = "month"
    asked = (query.get("by", ""), query.get("grain", ""), query.get("where", ""))
    page = MetricPage(_line(metric), *asked, GRAINS if has_time else ())
    try:
        question = read_metric_question(metric.name, query, SHOWN)
        return _answered(visit, metric, page, question)
    except MetricMissing:
        raise
    except RopewalkError as error:
        return MetricPage(
            page.metric, *asked, page.grains, problem=problem_of(error), status=status_of(error)
        )


def read_metric_question(name: str, asked: Mapping[str, str], limit: int) -> MetricQuestion:
    """Return the question about metrics that an address asks.

    Raises:
        InvalidQuery: a grain that is none.
    """
    grain = next((grain for grain in GRAINS if grain == asked.get("grain")), None)
    if asked.get("grain") and grain is None:
        raise InvalidQuery(
            f"there is no grain {asked['grain'][:20]!r}", hint=f"the grains are {', '.join(GRAINS)}"
        )
    return MetricQuestion(
        _split(name),
        _split(asked.get("by", "")),
        grain,
        asked.get("where") or None,
        _split(asked.get("order", "")),
        limit,
    )


def _answered(visit: Visit, metric: Metric, page: MetricPage, question: MetricQuestion) -> MetricPage:
    answer = ask_metrics(visit.workspace, question)
    grid = make_grid(((column.name, column.type) for column in answer.result.columns), answer.result.rows)
    chart = None
    if answer.dimensions:
        x, color = answer.dimensions[0], answer.dimensions[1] if len(answer.dimensions) > 1 else None
        is_share = metric.measure.format == "percent"
        chart = draw(grid, metric.name, x, [metric.name], color, is_share=is_share)
    return MetricPage(page.metric, page.by, page.grain, page.where, page.grains, grid, chart, answer.sql)


def _line(metric: Metric) -> MetricLine:
    declared, measure = metric.subject.declared, metric.measure
    return MetricLine(
        metric.name,
        measure.description or declared.description,
        measure.kind,
        declared.table,
        metric.owner,
        measure.unit,
        tuple(declared.dimensions),
    )


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
