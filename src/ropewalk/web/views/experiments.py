"""Experiments: what was tried, run by run."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ropewalk.errors import nearest
from ropewalk.mlops.registry import list_models, list_versions
from ropewalk.mlops.tracking import (
    Experiment,
    Run,
    get_run,
    list_experiments,
    logged_model_files,
    search_runs,
)
from ropewalk.pipeline import Workspace
from ropewalk.store.tracking.values import Dataset
from ropewalk.web.errors import NothingCalled
from ropewalk.web.page import Visit

PAGE = 100
# The most runs that are read at once, to be sorted by any column and paged.
MOST = 10_000
NEWEST = "-started_at"
# Tags that clients write for MLflow's own pages.
HIDDEN_TAGS = "mlflow."


@dataclass(frozen=True)
class ExperimentLine:
    """One experiment in a list: how many runs it has, and when the newest started (UTC ms)."""

    id: str
    name: str
    runs: int
    last_started_at: int | None


@dataclass(frozen=True)
class ExperimentList:
    """All experiments that are not deleted."""

    experiments: tuple[ExperimentLine, ...]


@dataclass(frozen=True)
class RunLine:
    """One run in a table; times in UTC milliseconds."""

    id: str
    name: str
    status: str
    started_at: int
    duration_ms: int | None
    params: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class RunTable:
    """The runs of one experiment, a page of them.

    Attributes:
        experiment: the experiment.
        sort: the column they are sorted by (`started_at`, `metrics.auc`, `params.rounds`), `-` for downwards.
        page: which page this is, from 1.
        pages: how many there are.
        metrics: names of the metrics that some run has, in order.
        params: names of the parameters that differ between runs, or all when there is one run.
        runs: the runs of this page.
    """

    experiment: ExperimentLine
    sort: str
    page: int
    pages: int
    metrics: tuple[str, ...]
    params: tuple[str, ...]
    runs: tuple[RunLine, ...]


@dataclass(frozen=True)
class MetricLine:
    """The latest value of one metric."""

    name: str
    value: float | None
    step: int


@dataclass(frozen=True)
class InputLine:
    """One data set that a run read: its name and digest, and the table behind it when it is one of ours."""

    name: str
    digest: str
    table: str | None


@dataclass(frozen=True)
class FileLine:
    """One artifact: its path below the run, its size in bytes."""

    path: str
    size: int


@dataclass(frozen=True)
class VersionLink:
    """A model version that came out of a run."""

    model: str
    version: str


@dataclass(frozen=True)
class RunPage:
    """One run.

    Attributes:
        run: what a table shows of it, with all parameters and metrics.
        experiment_id: its experiment.
        experiment_name: that experiment's name.
        user: who or what started it.
        metrics: latest values, by name.
        tags: its tags, without those that only programs read.
        inputs: the data sets it read.
        artifacts: the files of the models it logged.
        versions: the model versions registered from it.
    """

    run: RunLine
    experiment_id: str
    experiment_name: str
    user: str | None
    metrics: tuple[MetricLine, ...]
    tags: Mapping[str, str]
    inputs: tuple[InputLine, ...]
    artifacts: tuple[FileLine, ...]
    versions: tuple[VersionLink, ...]


def experiment_list(visit: Visit) -> ExperimentList:
    """Return all experiments that are not deleted."""
    runs: dict[str, list[Run]] = {}
    for run in search_runs(visit.workspace, limit=MOST):
        runs.setdefault(run.experiment_id, []).append(run)
    found = list_experiments(visit.workspace)
    return ExperimentList(tuple(_experiment(experiment, runs.get(experiment.id, ())) for experiment in found))


def run_table(visit: Visit) -> RunTable:
    """Return a page of an experiment's runs, sorted by `sort`.

    Raises:
        NothingCalled: there is no such experiment.
        InvalidQuery: the page is not a number.
    """
    experiment = _find_experiment(visit)
    found = search_runs(visit.workspace, [experiment.name], limit=MOST)
    sort = visit.query.get("sort") or NEWEST
    pages = max(1, math.ceil(len(found) / PAGE))
    # A page that no longer exists, because runs were deleted, is the last one.
    page = min(max(1, visit.number("page", 1, MOST)), pages)
    lines = sort_runs([_line(run) for run in found], sort)
    return RunTable(
        experiment=_experiment(experiment, found),
        sort=sort,
        page=page,
        pages=pages,
        metrics=tuple(sorted({name for line in lines for name in line.metrics})),
        params=_telling_params(lines),
        runs=tuple(lines[(page - 1) * PAGE : page * PAGE]),
    )


def run_page(visit: Visit) -> RunPage:
    """Return one run.

    Raises:
        UnknownRun: there is no such run.
    """
    workspace = visit.workspace
    run = get_run(workspace, visit.names["id"])
    names = {experiment.id: experiment.name for experiment in list_experiments(workspace)}
    metrics = (MetricLine(m.key, _finite(m.value), m.step) for _, m in sorted(run.metrics.items()))
    return RunPage(
        run=_line(run),
        experiment_id=run.experiment_id,
        experiment_name=names.get(run.experiment_id, run.experiment_id),
        user=run.user_id or None,
        metrics=tuple(metrics),
        tags={name: value for name, value in run.tags.items() if not name.startswith(HIDDEN_TAGS)},
        inputs=tuple(_input(dataset) for dataset in run.datasets),
        artifacts=_files(workspace, run),
        versions=_versions(workspace, run.id),
    )


def sort_runs(lines: Sequence[RunLine], sort: str) -> list[RunLine]:
    """Return the runs sorted by a column, `-` for downwards; runs without a value come last either way."""
    is_down, column = sort.startswith("-"), sort.removeprefix("-")
    kind, _, name = column.partition(".")
    values = {line.id: _value(line, kind, name) for line in lines}
    # Apart, so that turning the order round does not bring them to the top.
    known = [line for line in lines if values[line.id] is not None]
    unknown = [line for line in lines if values[line.id] is None]
    return sorted(known, key=lambda line: values[line.id] or (0, 0.0, ""), reverse=is_down) + unknown


def _value(line: RunLine, kind: str, name: str) -> tuple[int, float, str] | None:
    """Return what a run is sorted by: numbers before words, each among its own."""
    value: object = line.started_at
    if kind in {"metrics", "params"}:
        value = (line.metrics if kind == "metrics" else line.params).get(name)
    if value is None:
        return None
    try:
        return 0, float(str(value)), ""
    except ValueError:
        return 1, 0.0, str(value)


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


def _experiment(experiment: Experiment, runs: Sequence[Run]) -> ExperimentLine:
    newest = max((run.started_at for run in runs), default=None)
    return ExperimentLine(experiment.id, experiment.name, len(runs), newest)


def _line(run: Run) -> RunLine:
    values = {name: _finite(metric.value) for name, metric in run.metrics.items()}
    return RunLine(
        id=run.id,
        name=run.name,
        status=run.status,
        started_at=run.started_at,
        duration_ms=None if run.ended_at is None else run.ended_at - run.started_at,
        params=dict(run.params),
        metrics={name: value for name, value in values.items() if value is not None},
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _telling_params(lines: Sequence[RunLine]) -> tuple[str, ...]:
    """Return the parameters in which runs differ; with one run there is nothing to compare, so all of them."""
    names = sorted({name for line in lines for name in line.params})
    if len(lines) == 1:
        return tuple(names)
    return tuple(name for name in names if len({line.params.get(name) for line in lines}) > 1)


def _input(dataset: Dataset) -> InputLine:
    # Any client may describe a data set in any way; ours names a table of the lake.
    try:
        source = json.loads(dataset.source)
    except ValueError:
        source = None
    table = source.get("table") if isinstance(source, dict) and dataset.source_type == "ropewalk" else None
    return InputLine(dataset.name, dataset.digest, table if isinstance(table, str) else None)


def _files(workspace: Workspace, run: Run) -> tuple[FileLine, ...]:
    made = [use.model_id for use in run.models if use.role == "output"]
    found = [item for model_id in made for item in logged_model_files(workspace, model_id).items()]
    return tuple(FileLine(path, stored.size) for path, stored in sorted(found))


def _versions(workspace: Workspace, run_id: str) -> tuple[VersionLink, ...]:
    versions = [v for model in list_models(workspace) for v in list_versions(workspace, model.name)]
    return tuple(VersionLink(v.name, v.version) for v in versions if v.run_id == run_id)
