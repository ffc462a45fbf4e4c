"""One run: what it logged, how its metrics went, what the machine did meanwhile, and where it comes from."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ropewalk.mlops.registry import list_models, list_versions
from ropewalk.mlops.tracking import (
    ARCHIVED,
    Origin,
    Run,
    get_run,
    list_experiments,
    list_run_files,
    logged_model_files,
    origin_of,
    read_series,
)
from ropewalk.pipeline import Workspace
from ropewalk.store.tracking.values import Dataset
from ropewalk.web.page import Visit
from ropewalk.web.views.run_lines import SYSTEM, RunLine, run_line
from ropewalk.web.xy_charts import Line, XYChart

# Tags that clients write for MLflow's own pages.
HIDDEN_TAGS = "mlflow."
# A chart is as wide as this many points can be told apart.
POINTS = 400
CHARTS = 24
MOST_FILES = 200
NOTHING = Origin()


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
        metrics: latest values, by name; those of the machine are apart.
        tags: its tags, without those that only programs read.
        inputs: the data sets it read.
        artifacts: the files of the models it logged, and its own.
        versions: the model versions registered from it.
        system: latest values of what was measured of the machine.
        charts: how metrics with more than one point went.
        system_charts: the same of the machine.
        origin: where it comes from.
        is_open: whether it may still change by itself.
        is_deleted: whether it is in the trash.
        archived: why it was put away, if it was.
        parent: the run that it is nested in.
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
    system: tuple[MetricLine, ...] = ()
    charts: tuple[XYChart, ...] = ()
    system_charts: tuple[XYChart, ...] = ()
    origin: Origin = NOTHING
    is_open: bool = False
    is_deleted: bool = False
    archived: str | None = None
    parent: str | None = None


def run_page(visit: Visit) -> RunPage:
    """Return one run.

    Raises:
        UnknownRun: there is no such run.
    """
    workspace = visit.workspace
    run = get_run(workspace, visit.names["id"])
    names = {experiment.id: experiment.name for experiment in list_experiments(workspace)}
    own = sorted(name for name in run.metrics if not name.startswith(SYSTEM))
    of_machine = sorted(name for name in run.metrics if name.startswith(SYSTEM))
    return RunPage(
        run=run_line(run),
        experiment_id=run.experiment_id,
        experiment_name=names.get(run.experiment_id, run.experiment_id),
        user=run.user_id or None,
        metrics=tuple(_metrics(run, own)),
        tags={name: value for name, value in run.tags.items() if not name.startswith(HIDDEN_TAGS)},
        inputs=tuple(_input(dataset) for dataset in run.datasets),
        artifacts=_files(workspace, run),
        versions=_versions(workspace, run.id),
        system=tuple(_metrics(run, of_machine)),
        charts=tuple(_charts(workspace, run, own)),
        system_charts=tuple(_charts(workspace, run, of_machine)),
        origin=origin_of(run.tags),
        is_open=run.ended_at is None and run.stage == "active",
        is_deleted=run.stage == "deleted",
        archived=run.tags.get(ARCHIVED),
        parent=run.tags.get("mlflow.parentRunId"),
    )


def _metrics(run: Run, names: Iterable[str]) -> Iterable[MetricLine]:
    for name in names:
        metric = run.metrics[name]
        yield MetricLine(name, metric.value if math.isfinite(metric.value) else None, metric.step)


def _charts(workspace: Workspace, run: Run, names: list[str]) -> Iterable[XYChart]:
    for name in names[:CHARTS]:
        series = read_series(workspace, run.id, name, most=POINTS)
        if series.total > 1:
            points = tuple((float(step), value) for step, _, value in series.points)
            note = "" if series.method == "all" else f"Drawn from {series.said}."
            yield XYChart(
                name.removeprefix(SYSTEM).replace("_", " ") if name.startswith(SYSTEM) else name,
                (Line(name, points, note),),
            )


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
    of_models = [FileLine(path, stored.size) for path, stored in found]
    own = [FileLine(path, size) for path, size in list_run_files(workspace, run, MOST_FILES)]
    return tuple(sorted([*of_models, *own], key=lambda line: line.path))


def _versions(workspace: Workspace, run_id: str) -> tuple[VersionLink, ...]:
    versions = [v for model in list_models(workspace) for v in list_versions(workspace, model.name)]
    return tuple(VersionLink(v.name, v.version) for v in versions if v.run_id == run_id)
