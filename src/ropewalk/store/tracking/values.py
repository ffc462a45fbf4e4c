"""What the store keeps of experiments, runs and logged models, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

# The same words as in the tables' CHECK clauses and on MLflow's wire, so nothing is translated in between.
Stage = Literal["active", "deleted"]
RunStatus = Literal["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"]
Tags = Mapping[str, str]


@dataclass(frozen=True)
class Experiment:
    """A named set of runs; `artifact_location` is the folder under which theirs are kept."""

    id: str
    name: str
    artifact_location: str
    stage: Stage
    created_at: int
    updated_at: int
    tags: Tags = field(default_factory=dict)


# A thousand of them come with one request: a tuple with names is made in a quarter of a data class's time.
class Metric(NamedTuple):
    """One point of a series: its value (NaN and infinities are kept), step, and time in UTC milliseconds."""

    key: str
    value: float
    step: int
    recorded_at: int


@dataclass(frozen=True)
class Dataset:
    """A data set that a run read, as the client described it; `tags` belong to this use of it."""

    name: str
    digest: str
    source_type: str
    source: str
    schema: str | None = None
    profile: str | None = None
    tags: Tags = field(default_factory=dict)


@dataclass(frozen=True)
class ModelUse:
    """A logged model that a run read (`input`) or made (`output`) at a step."""

    role: Literal["input", "output"]
    model_id: str
    step: int = 0


@dataclass(frozen=True)
class Run:
    """One tracked execution with what it logged; `metrics` holds the newest point of each key.

    Attributes:
        number: short number inside the store.
        artifact_uri: where clients put and find its artifacts.
        ended_at: UTC milliseconds, or None while it runs.
    """

    number: int
    id: str
    experiment_id: str
    name: str
    user_id: str
    status: RunStatus
    stage: Stage
    started_at: int
    ended_at: int | None
    artifact_uri: str
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Tags = field(default_factory=dict)
    datasets: tuple[Dataset, ...] = ()
    models: tuple[ModelUse, ...] = ()


@dataclass(frozen=True)
class ModelMetric:
    """A metric of a logged model: which run logged it, on which data set (empty: none named)."""

    metric: Metric
    run_id: str
    dataset_name: str = ""
    dataset_digest: str = ""


@dataclass(frozen=True)
class LoggedModel:
    """A model that a run logged, with its parameters, tags and metrics."""

    number: int
    id: str
    experiment_id: str
    name: str
    model_type: str | None
    source_run_id: str | None
    # Not an enumeration of its own: the protocol's decoder has checked the name, and later versions may add
    # some.
    status: str
    created_at: int
    updated_at: int
    artifact_uri: str
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Tags = field(default_factory=dict)
    metrics: tuple[ModelMetric, ...] = ()
