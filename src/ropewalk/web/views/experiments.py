"""Experiments and their runs: found by a filter, sorted by any column, counted truly; the address holds all of it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from ropewalk.errors import InvalidInput, nearest
from ropewalk.mlops.tracking import (
    AGGREGATES,
    BranchRuns,
    Column,
    Experiment,
    FoundRuns,
    Run,
    RunQuery,
    better,
    branch_runs,
    branches_with_runs,
    experiment_counts,
    find_runs,
    list_experiments,
    origin_of,
    parse_column,
)
from ropewalk.pipeline import Workspace
from ropewalk.project import current_branch, default_branch
from ropewalk.web.errors import InvalidQuery, NothingCalled
from ropewalk.web.page import Visit
from ropewalk.web.views.run_lines import SYSTEM, RunLine, label, run_line, telling_params

PAGE = 100
MOST_PAGES = 10_000
# So many columns fit a screen; others are asked for by name.
METRICS, PARAMS = 8, 6
NEWEST = "-started_at"
CHOICES = ("last", "best", "min", "max")
_AT = re.compile(r"at character (\d+)")
_COMMA = re.compile(r",(?![^()]*\))")
_OWN_NAMES = {"started_at": "start_time", "name": "run_name"}


@dataclass(frozen=True)
class ExperimentLine:
    """One experiment in a list: how many runs it has, and when the newest started (UTC ms)."""

    id: str
    name: str
    runs: int
    last_started_at: int | None


@dataclass(frozen=True)
class ExperimentList:
    """All experiments that are not deleted, and the branches that runs were made on."""

    experiments: tuple[ExperimentLine, ...]
    branches: tuple[str, ...] = ()


@dataclass(frozen=True)
class Mistake:
    """What is wrong with a filter, an order or a column, and before which sign of it (from 0), where that is known."""

    field: str
    text: str
    message: str
    at: int | None = None
    nearest: str | None = None
    hint: str | None = None


@dataclass(frozen=True)
class Delta:
    """One metric of a branch against that of the commit it began from: means over the runs of each side."""

    metric: str
    base: float
    branch: float
    base_runs: int
    branch_runs: int
    is_better: bool | None


@dataclass(frozen=True)
class BranchView:
    """A branch's runs against those of its merge base."""

    branch: str
    base_branch: str | None
    base_commit: str | None
    compared_commit: str | None
    base_runs: tuple[RunLine, ...]
    deltas: tuple[Delta, ...]


@dataclass(frozen=True)
class RunTable:
    """Runs, a page of them.

    Attributes:
        experiment: the experiment, with the number of runs that were found; of all experiments it has no id.
        sort: the column they are sorted by (`started_at`, `metrics.auc`, `max(metrics.auc)`), `-` for downwards.
        page: which page this is, from 1.
        pages: how many there are.
        metrics: the columns of metrics, as they are called on the page.
        params: names of the parameters that differ between these runs, or all when there is one run.
        runs: the runs of this page.
        sorts: how each metric's column is written in an address.
        tags: names of the tags that were asked for as columns.
        filter: the filter that is in force.
        columns: the columns that were asked for, as written; empty for the usual ones.
        aggregate: which of each metric's values is shown.
        view: active runs, those in the trash, or all.
        archived: whether runs of deleted branches are shown.
        hidden: how many metrics and parameters more there are.
        branch: the branch that is looked at, with what it is compared with.
        own_branch: the branch that is checked out, where runs were made on it and it is not the main one.
        mistake: what is wrong with the address; then everything else is as if it had not been said.
        address: this page's path.
        query: its query without sort and page.
    """

    experiment: ExperimentLine
    sort: str
    page: int
    pages: int
    metrics: tuple[str, ...]
    params: tuple[str, ...]
    runs: tuple[RunLine, ...]
    sorts: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    filter: str = ""
    columns: str = ""
    aggregate: str = "last"
    view: str = "active"
    archived: bool = False
    hidden: int = 0
    branch: BranchView | None = None
    own_branch: str | None = None
    mistake: Mistake | None = None
    address: str = ""
    query: str = ""

    @property
    def status(self) -> int:
        """The page's status: what cannot be read is the reader's mistake."""
        return 400 if self.mistake else 200


@dataclass(frozen=True)
class _Asked:
    """What the address asks for, once it is understood."""

    query: RunQuery
    columns: tuple[Column, ...] = ()
    aggregate: str = "last"
    mistake: Mistake | None = None
    branch: BranchRuns | None = None

    def limited(self) -> RunQuery:
        """Return the query, limited to the branch's runs where one is looked at."""
        if self.branch is None:
            return self.query
        ids = ", ".join(f"'{run.id}'" for run in self.branch.runs) or "'none'"
        both = f"{self.query.filter} AND " if self.query.filter else ""
        return replace(self.query, filter=f"{both}run_id IN ({ids})")


def experiment_list(visit: Visit) -> ExperimentList:
    """Return all experiments that are not deleted."""
    counts = experiment_counts(visit.workspace)
    lines = []
    for experiment in list_experiments(visit.workspace):
        count = counts.get(experiment.id)
        runs, newest = (count.runs, count.last_started_at) if count else (0, None)
        lines.append(ExperimentLine(experiment.id, experiment.name, runs, newest))
    return ExperimentList(tuple(lines), tuple(branches_with_runs(visit.workspace)[:20]))


def run_table(visit: Visit) -> RunTable:
    """Return a page of an experiment's runs, or of all runs, as the address asks.

    Raises:
        NothingCalled: there is no such experiment.
        InvalidQuery: the page is not a number, or there is no such view.
    """
    experiment = _find_experiment(visit) if "id" in visit.names else None
    asked = _read(visit, experiment)
    if branch := visit.query.get("branch", ""):
        asked = replace(asked, branch=branch_runs(visit.workspace, branch))
    wanted = max(1, visit.number("page", 1, MOST_PAGES))
    found, asked = _find(visit.workspace, asked, wanted)
    pages = max(1, math.ceil(found.total / PAGE))
    # A page that no longer exists, because runs were deleted, is the last one.
    page = min(wanted, pages)
    if page != wanted:
        found, asked = _find(visit.workspace, asked, page)
    table = _table(visit, found, asked, experiment is None)
    return replace(
        table,
        experiment=ExperimentLine(
            experiment.id if experiment else "",
            experiment.name if experiment else "All runs",
            found.total,
            max((run.started_at for run in found.runs), default=None),
        ),
        page=page,
        pages=pages,
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


def _read(visit: Visit, experiment: Experiment | None) -> _Asked:
    view = visit.query.get("view") or "active"
    if view not in {"active", "deleted", "all"}:
        raise InvalidQuery(f"there is no view {view[:20]!r}", hint="views are active, deleted and all")
    query = RunQuery(
        experiments=[experiment.id] if experiment else None,
        filter=visit.query.get("filter", "").strip(),
        order_by=[order_of(visit.query.get("sort") or NEWEST)],
        view=view,  # type: ignore[arg-type]  # checked above
        with_archived=visit.query.get("archived") == "1" or view != "active",
        limit=PAGE,
        params_as_numbers=True,
    )
    aggregate = visit.query.get("agg") or "last"
    if aggregate not in CHOICES:
        return _Asked(query, mistake=_unknown_aggregate(aggregate))
    try:
        columns = [
            parse_column(part) for part in _COMMA.split(visit.query.get("columns", "")) if part.strip()
        ]
    except InvalidInput as error:
        return _Asked(query, (), aggregate, _mistake("columns", visit.query["columns"], error))
    return _Asked(query, tuple(columns), aggregate)


def order_of(sort: str) -> str:
    """Return a page's sort (`-metrics.auc`) as a clause of an order (`metrics.auc DESC`)."""
    column = sort.removeprefix("-")
    return f"{_OWN_NAMES.get(column, column)} {'DESC' if sort.startswith('-') else 'ASC'}"


def _unknown_aggregate(name: str) -> Mistake:
    return Mistake(
        "agg",
        name,
        f"there is no aggregation {name[:40]!r}",
        nearest=nearest(name, AGGREGATES),
        hint=f"choose one of {', '.join(CHOICES)}",
    )


def _mistake(where: str, text: str, error: InvalidInput) -> Mistake:
    at = _AT.search(error.message)
    place = int(at[1]) - 1 if at and int(at[1]) <= len(text) + 1 else None
    return Mistake(where, text, error.message, place, error.nearest, error.hint)


def _find(workspace: Workspace, asked: _Asked, page: int) -> tuple[FoundRuns, _Asked]:
    """Return the runs; with a filter or order that is wrong, all of them, and what is wrong."""
    query = replace(asked.limited(), offset=(page - 1) * PAGE, columns=asked.columns)
    try:
        return find_runs(workspace, query), asked
    except InvalidInput as error:
        unfiltered = replace(asked, query=replace(asked.query, filter=""))
        blamed = asked.query.filter
        try:
            # Which of the two it is, is told by asking without the filter.
            found = find_runs(workspace, replace(query, filter=unfiltered.limited().filter))
        except InvalidInput as other:
            sort = asked.query.order_by[0].rpartition(" ")[0]
            harmless = replace(query, filter=unfiltered.limited().filter, order_by=["start_time DESC"])
            return find_runs(workspace, harmless), replace(asked, mistake=_mistake("sort", sort, other))
        return found, replace(asked, mistake=_mistake("filter", blamed, error))


def _table(visit: Visit, found: FoundRuns, asked: _Asked, is_of_all: bool) -> RunTable:
    names = _metric_names(found)
    metrics = _keyed(asked, "metric") or [_column(name, asked.aggregate) for name in _plain(names)[:METRICS]]
    values = _values(visit.workspace, found, asked, metrics)
    lines = _lines(found, values, is_of_all=is_of_all)
    telling = telling_params(lines)
    params = tuple(column.key for column in _keyed(asked, "parameter"))
    more = max(0, len(names) - len(metrics)) + max(0, len(telling) - PARAMS)
    return RunTable(
        experiment=ExperimentLine("", "", 0, None),
        sort=visit.query.get("sort") or NEWEST,
        page=1,
        pages=1,
        metrics=tuple(map(label, metrics)),
        # Whoever names columns gets those and no others.
        params=params if asked.columns else telling[:PARAMS],
        runs=tuple(lines),
        sorts=tuple(column.text for column in metrics),
        tags=tuple(column.key for column in _keyed(asked, "tag")),
        filter=asked.query.filter,
        columns=visit.query.get("columns", ""),
        aggregate=asked.aggregate,
        view=asked.query.view,
        archived=visit.query.get("archived") == "1",
        hidden=0 if asked.columns else more,
        branch=_branch(asked.branch) if asked.branch else None,
        own_branch=None if asked.branch else _own_branch(visit.workspace),
        mistake=asked.mistake,
        address=f"/experiments/{visit.names['id']}/runs" if "id" in visit.names else "/runs",
        query=_query(visit),
    )


def _keyed(asked: _Asked, entity: str) -> list[Column]:
    return [column for column in asked.columns if column.entity == entity]


def _metric_names(found: FoundRuns) -> list[str]:
    return sorted({name for run in found.runs for name in run.metrics})


def _plain(names: list[str]) -> list[str]:
    """Return the names of what the runs are about; the machine's own figures where there is nothing else."""
    return [name for name in names if not name.startswith(SYSTEM)] or names


def _lines(found: FoundRuns, values: Sequence[Mapping[str, float]], *, is_of_all: bool) -> list[RunLine]:
    names = {key: experiment.name if is_of_all else "" for key, experiment in found.experiments.items()}
    return [
        replace(run_line(run, row, names[run.experiment_id]), branch=origin_of(run.tags).branch)
        for run, row in zip(found.runs, values, strict=True)
    ]


def _column(name: str, aggregate: str) -> Column:
    if aggregate == "last":
        return Column("metric", name)
    return Column(
        "metric", name, better(name) if aggregate == "best" else "min" if aggregate == "min" else "max"
    )


def _values(
    workspace: Workspace, found: FoundRuns, asked: _Asked, metrics: Sequence[Column]
) -> list[dict[str, float]]:
    if list(metrics) == _keyed(asked, "metric"):
        places = [place for place, column in enumerate(asked.columns) if column.entity == "metric"]
        return [_numbers(metrics, [row[place] for place in places]) for row in found.values]
    if found.runs and any(column.aggregate != "last" for column in metrics):
        return _asked_again(workspace, found, metrics)
    return [_last_values(run, metrics) for run in found.runs]


def _asked_again(workspace: Workspace, found: FoundRuns, metrics: Sequence[Column]) -> list[dict[str, float]]:
    """Return the aggregates of metrics that only the runs themselves named."""
    ids = ", ".join(f"'{run.id}'" for run in found.runs)
    again = RunQuery(filter=f"run_id IN ({ids})", view="all", with_archived=True, limit=PAGE, columns=metrics)
    of_run = {run.id: row for run, row in _rows(find_runs(workspace, again))}
    return [_numbers(metrics, of_run.get(run.id, ())) for run in found.runs]


def _last_values(run: Run, metrics: Sequence[Column]) -> dict[str, float]:
    return {label(column): run.metrics[column.key].value for column in metrics if _is_number(run, column.key)}


def _rows(found: FoundRuns) -> list[tuple[Run, tuple[str | float | int | None, ...]]]:
    return list(zip(found.runs, found.values, strict=True))


def _is_number(run: Run, name: str) -> bool:
    return name in run.metrics and math.isfinite(run.metrics[name].value)


def _numbers(columns: Sequence[Column], row: Sequence[str | float | int | None]) -> dict[str, float]:
    found = {}
    for column, value in zip(columns, row, strict=False):
        if isinstance(value, int | float) and math.isfinite(value):
            found[label(column)] = float(value)
    return found


def _query(visit: Visit) -> str:
    kept = {
        name: value
        for name in ("filter", "columns", "agg", "view", "archived", "branch")
        if (value := visit.query.get(name))
    }
    return urlencode(kept)


def _own_branch(workspace: Workspace) -> str | None:
    branch = current_branch(workspace.root)
    # The usual names first: asking Git costs more than the rest of the page.
    if branch is None or branch in {"main", "master"} or branch not in branches_with_runs(workspace):
        return None
    return branch if default_branch(workspace.root) not in {None, branch} else None


def _branch(found: BranchRuns) -> BranchView:
    return BranchView(
        found.branch,
        found.base_branch,
        found.base_commit,
        found.compared_commit,
        tuple(run_line(run) for run in found.base_runs),
        tuple(_deltas(found.base_runs, found.runs)),
    )


def _deltas(base: Sequence[Run], branch: Sequence[Run]) -> list[Delta]:
    names = {name for run in base for name in run.metrics} & {name for run in branch for name in run.metrics}
    found = [_delta(name, base, branch) for name in sorted(names) if not name.startswith(SYSTEM)]
    return [delta for delta in found if delta is not None]


def _delta(name: str, base: Sequence[Run], branch: Sequence[Run]) -> Delta | None:
    before = [run.metrics[name].value for run in base if _is_number(run, name)]
    after = [run.metrics[name].value for run in branch if _is_number(run, name)]
    if not before or not after:
        return None
    was, now = sum(before) / len(before), sum(after) / len(after)
    is_better = None if was == now else (now < was) == (better(name) == "min")
    return Delta(name, was, now, len(before), len(after), is_better)
