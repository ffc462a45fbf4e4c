"""Runs beside one another: what differs first, then what is the same, and how their metrics went."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ropewalk.errors import InvalidInput
from ropewalk.mlops.tracking import (
    Column,
    Run,
    RunQuery,
    better,
    find_runs,
    get_run,
    list_experiments,
    origin_of,
    parse_column,
    read_series,
)
from ropewalk.pipeline import Workspace
from ropewalk.web.errors import InvalidQuery
from ropewalk.web.page import Visit
from ropewalk.web.views.run_lines import SYSTEM, RunLine, label, run_line
from ropewalk.web.xy_charts import Line, XYChart

MOST = 500
# So many charts are drawn by themselves, each of so many runs; others are asked for by name.
CHARTS, LINES, POINTS = 6, 40, 120
# A wide table of hundreds of runs is read by its rows: then each run is one.
COLUMNS = 12
CHOICES = ("last", "best", "min", "max")


@dataclass(frozen=True)
class Row:
    """One parameter, metric or fact of the runs, a value for each.

    Attributes:
        name: what it is called.
        values: what each run has, None where it has none.
        best: places of the runs whose value is the best; none where nothing says what is better.
        is_same: whether all runs have the same.
        is_number: whether it is a metric.
    """

    name: str
    values: tuple[str | float | None, ...]
    best: tuple[int, ...] = ()
    is_same: bool = False
    is_number: bool = False


@dataclass(frozen=True)
class Comparison:
    """Runs beside one another.

    Attributes:
        runs: the runs, the baseline first.
        facts: commit, branch, data and whatever else says under what circumstances they were made.
        params: parameters, those that differ first.
        metrics: metrics, by the chosen one of their values.
        charts: how metrics went.
        aggregate: which value of each metric is compared.
        total: how many runs were asked for; more than are here where that was too many.
        is_wide: whether runs stand beside one another as columns.
        query: the address's own query, without what the page's form says.
        charted: the metrics that are drawn.
        chartable: all that could be.
    """

    runs: tuple[RunLine, ...]
    facts: tuple[Row, ...]
    params: tuple[Row, ...]
    metrics: tuple[Row, ...]
    charts: tuple[XYChart, ...]
    aggregate: str
    total: int
    is_wide: bool
    ids: str
    filter: str
    charted: tuple[str, ...]
    chartable: tuple[str, ...]


def comparison(visit: Visit) -> Comparison:
    """Return the runs that the address names, or those that its filter finds, beside one another.

    Raises:
        InvalidQuery: it names none, or an aggregation that there is none of.
        UnknownRun: one of them does not exist.
        InvalidFilter: the filter does not parse.
    """
    aggregate = visit.query.get("agg") or "last"
    if aggregate not in CHOICES:
        raise InvalidQuery(
            f"there is no aggregation {aggregate[:40]!r}", hint=f"choose one of {', '.join(CHOICES)}"
        )
    runs, total = _runs(visit)
    names = sorted({name for run in runs for name in run.metrics if not name.startswith(SYSTEM)})
    experiments = {one.id: one.name for one in list_experiments(visit.workspace)}
    asked = [name for name in visit.query.get("charts", "").split(",") if name]
    chosen = [name for name in asked if name in names] or _with_history(runs, names)[:CHARTS]
    is_wide = len(runs) <= COLUMNS and visit.query.get("rows") != "1"
    return Comparison(
        runs=tuple(run_line(run, None, experiments.get(run.experiment_id, "")) for run in runs),
        facts=tuple(_facts(runs)),
        params=tuple(sorted(_params(runs), key=lambda row: (row.is_same, row.name))),
        metrics=tuple(_metrics(visit.workspace, runs, names, aggregate)),
        charts=tuple(_chart(visit.workspace, runs, name) for name in chosen),
        aggregate=aggregate,
        total=total,
        is_wide=is_wide,
        ids="" if "filter" in visit.query else ",".join(run.id for run in runs),
        filter=visit.query.get("filter", ""),
        charted=tuple(chosen),
        chartable=tuple(names),
    )


def _runs(visit: Visit) -> tuple[list[Run], int]:
    every = getattr(visit.query, "getlist", lambda name: [visit.query[name]] if name in visit.query else [])
    # As a list, which one writes, or one by one, as a form's boxes send them.
    ids = [part for text in every("runs") for part in text.split(",") if part] + list(every("run"))
    if ids:
        unique = list(dict.fromkeys(ids))
        return [get_run(visit.workspace, one) for one in unique[:MOST]], len(unique)
    if "filter" not in visit.query:
        raise InvalidQuery(
            "no runs to compare", hint="/compare?runs=ID,ID or /compare?filter=metrics.auc > 0.8"
        )
    experiment = visit.query.get("experiment")
    query = RunQuery([experiment] if experiment else None, visit.query["filter"], limit=MOST)
    found = find_runs(visit.workspace, query)
    return list(found.runs), found.total


def _facts(runs: Sequence[Run]) -> list[Row]:
    origins = [origin_of(run.tags) for run in runs]
    rows = [
        _row("commit", [_commit(one.commit, one.is_dirty) for one in origins]),
        _row("branch", [one.branch for one in origins]),
        _row("merge request", [one.merge_request for one in origins]),
        _row("environment", [one.environment for one in origins]),
        _row("data", [_data(run) for run in runs]),
    ]
    return [row for row in rows if any(value is not None for value in row.values)]


def _commit(commit: str | None, is_dirty: bool | None) -> str | None:
    return f"{commit[:8]}{'*' if is_dirty else ''}" if commit else None


def _data(run: Run) -> str | None:
    return ", ".join(f"{dataset.name}@{dataset.digest[:8]}" for dataset in run.datasets) or None


def _row(name: str, values: Sequence[str | None]) -> Row:
    return Row(name, tuple(values), is_same=len(set(values)) == 1)


def _params(runs: Sequence[Run]) -> list[Row]:
    names = sorted({name for run in runs for name in run.params})
    return [_row(name, [run.params.get(name) for run in runs]) for name in names]


def _metrics(workspace: Workspace, runs: Sequence[Run], names: Sequence[str], aggregate: str) -> list[Row]:
    columns = [_column(name, aggregate) for name in names]
    values = _values(workspace, runs, columns)
    rows = []
    for place, column in enumerate(columns):
        found = tuple(values.get(run.id, {}).get(place) for run in runs)
        known = [value for value in found if value is not None]
        extreme = (min if better(column.key) == "min" else max)(known, default=None)
        best = tuple(at for at, value in enumerate(found) if value is not None and value == extreme)
        is_same = len(set(found)) == 1
        rows.append(Row(label(column), found, () if is_same else best, is_same, is_number=True))
    return rows


def _column(name: str, aggregate: str) -> Column:
    # In backticks, because a metric's name may have spaces.
    return Column("metric", name) if aggregate == "last" else parse_column(f"{aggregate}(metrics.`{name}`)")


def _values(
    workspace: Workspace, runs: Sequence[Run], columns: Sequence[Column]
) -> dict[str, dict[int, float | None]]:
    ids = ", ".join(f"'{run.id}'" for run in runs)
    query = RunQuery(
        filter=f"run_id IN ({ids})", view="all", with_archived=True, limit=MOST, columns=list(columns)
    )
    try:
        found = find_runs(workspace, query)
    except InvalidInput:
        # An id that came from the address and that no filter can hold.
        return {}
    return {
        run.id: {
            place: float(value) if isinstance(value, int | float) and math.isfinite(value) else None
            for place, value in enumerate(row)
        }
        for run, row in zip(found.runs, found.values, strict=True)
    }


def _with_history(runs: Sequence[Run], names: Sequence[str]) -> list[str]:
    """Return the metrics that some run logged after its first step, as single figures make no line."""
    return [name for name in names if any(name in run.metrics and run.metrics[name].step > 0 for run in runs)]


def _chart(workspace: Workspace, runs: Sequence[Run], name: str) -> XYChart:
    lines = []
    for run in [run for run in runs if name in run.metrics][:LINES]:
        series = read_series(workspace, run.id, name, most=POINTS)
        points = tuple((float(step), value) for step, _, value in series.points)
        note = (
            "" if series.method == "all" else f"Thinned to at most {POINTS} points a run ({series.method})."
        )
        lines.append(Line(run.name, points, note, f"/runs/{run.id}"))
    return XYChart(name, tuple(lines))
