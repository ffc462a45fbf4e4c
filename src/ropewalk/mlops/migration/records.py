"""What is moved, as values that every source yields and every export holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol, TypeAlias

from ropewalk.mlops.registry import RegistryEvent
from ropewalk.mlops.tracking import MovedTrace
from ropewalk.store.tracking.evaluation_sets import EvaluationRecord, EvaluationSet
from ropewalk.store.tracking.values import Dataset, RunStatus, Stage

Point: TypeAlias = tuple[int, int, float]  # step, time, value


@dataclass(frozen=True)
class ExperimentRecord:
    """An experiment without its runs."""

    id: str
    name: str
    stage: Stage = "active"
    created_at: int = 0
    updated_at: int = 0
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class UseRecord:
    """A logged model that a run read (`input`) or made (`output`)."""

    role: str
    model_id: str
    step: int = 0


@dataclass(frozen=True)
class RunRecord:
    """A run without its points and files; `location` is where its artifacts lie in the source."""

    id: str
    experiment_id: str
    name: str
    user_id: str
    status: RunStatus
    stage: Stage
    started_at: int
    ended_at: int | None
    location: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    metrics: tuple[str, ...] = ()
    datasets: tuple[Dataset, ...] = ()
    models: tuple[UseRecord, ...] = ()


@dataclass(frozen=True)
class ModelPoint:
    """A metric of a logged model; `value` as Python writes it, because JSON has no NaN."""

    key: str
    value: str
    step: int
    time: int
    run_id: str = ""
    dataset_name: str = ""
    dataset_digest: str = ""


@dataclass(frozen=True)
class LoggedModelRecord:
    """A logged model without its files."""

    id: str
    experiment_id: str
    name: str
    model_type: str | None
    source_run_id: str | None
    status: str
    created_at: int
    updated_at: int
    location: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    metrics: tuple[ModelPoint, ...] = ()


@dataclass(frozen=True)
class VersionRecord:
    """A version of a registered model; `location` is where its files lie in the source."""

    version: str
    source: str
    location: str
    description: str | None = None
    run_id: str | None = None
    run_link: str | None = None
    model_id: str | None = None
    node_key: str | None = None
    digest: str | None = None
    stage: str = "None"
    created_at: int = 0
    updated_at: int = 0
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    files: tuple[FileRecord, ...] | None = None


@dataclass(frozen=True)
class FileRecord:
    """A file by its content: in exports of our own, whose objects are named by it."""

    path: str
    digest: str
    size: int


@dataclass(frozen=True)
class RegisteredRecord:
    """A registered model, or a prompt, with its versions and aliases.

    Attributes:
        history: who did what to it, oldest first; None where nobody wrote that down.
    """

    name: str
    description: str | None
    created_at: int
    updated_at: int
    last_version: int = 0
    tags: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    versions: tuple[VersionRecord, ...] = ()
    history: tuple[RegistryEvent, ...] | None = None


@dataclass(frozen=True)
class EvaluationSetRecord:
    """An evaluation set with its records."""

    described: EvaluationSet
    records: tuple[EvaluationRecord, ...] = ()


Owner: TypeAlias = "RunRecord | LoggedModelRecord | MovedTrace"


class Source(Protocol):
    """Where a project is read; everything comes one by one, so that none has to fit into memory as a whole."""

    @property
    def title(self) -> str:
        """The source as people name it, without secrets."""
        ...

    def experiments(self) -> Iterable[ExperimentRecord]:
        """Yield every experiment, deleted ones too."""
        ...

    def runs(self, experiment_id: str) -> Iterable[RunRecord]:
        """Yield every run of an experiment, deleted ones too."""
        ...

    def points(self, run: RunRecord, key: str) -> Iterable[Point]:
        """Yield every point of one series, in any order."""
        ...

    def logged_models(self, experiment_id: str) -> Iterable[LoggedModelRecord]:
        """Yield every logged model of an experiment."""
        ...

    def traces(self, experiment_id: str) -> Iterable[MovedTrace]:
        """Yield every trace of an experiment, with its spans where they are no file."""
        ...

    def evaluation_sets(self) -> Iterable[EvaluationSetRecord]:
        """Yield every evaluation set."""
        ...

    def registered(self) -> Iterable[RegisteredRecord]:
        """Yield every registered model and prompt."""
        ...

    def files(self, owner: Owner) -> Iterator[tuple[str, BinaryIO]]:
        """Yield the files of a run, logged model or trace: path and content, each to be read before the next."""
        ...
