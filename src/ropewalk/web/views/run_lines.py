"""One run as a line of a table, and which columns tell runs apart."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ropewalk.mlops.tracking import Column, Run

# What MLflow's client and ours log of the machine, beside what the run is about.
SYSTEM = "system/"


@dataclass(frozen=True)
class RunLine:
    """One run in a table; times in UTC milliseconds.

    Attributes:
        metrics: a number for each metric's column that it has one for.
        experiment_id: its experiment.
        experiment: that experiment's name; empty on a page about one experiment.
        branch: the branch it was made on.
        tags: the tags that were asked for as columns.
    """

    id: str
    name: str
    status: str
    started_at: int
    duration_ms: int | None
    params: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    experiment_id: str = ""
    experiment: str = ""
    branch: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


def run_line(run: Run, metrics: Mapping[str, float] | None = None, experiment: str = "") -> RunLine:
    """Return a run as a line: with these metrics, else with the last value of each that is a number."""
    last = {name: metric.value for name, metric in run.metrics.items() if math.isfinite(metric.value)}
    return RunLine(
        id=run.id,
        name=run.name,
        status=run.status,
        started_at=run.started_at,
        duration_ms=None if run.ended_at is None else run.ended_at - run.started_at,
        params=dict(run.params),
        metrics=last if metrics is None else dict(metrics),
        experiment_id=run.experiment_id,
        experiment=experiment,
        tags=dict(run.tags),
    )


def label(column: Column) -> str:
    """Return what a column is called on a page: `auc`, `max(auc)`, `at(loss, 100)`."""
    if column.aggregate == "last":
        return column.key
    return f"{column.aggregate}({column.key}{'' if column.step is None else f', {column.step}'})"


def telling_params(lines: Sequence[RunLine]) -> tuple[str, ...]:
    """Return the parameters in which runs differ; with one run there is nothing to compare, so all of them."""
    names = sorted({name for line in lines for name in line.params})
    if len(lines) == 1:
        return tuple(names)
    return tuple(name for name in names if len({line.params.get(name) for line in lines}) > 1)
