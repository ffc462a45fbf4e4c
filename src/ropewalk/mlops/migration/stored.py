"""This project as a source: what an export writes, and what an import is held against."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from ropewalk.mlops.migration.records import (
    EvaluationSetRecord,
    ExperimentRecord,
    FileRecord,
    LoggedModelRecord,
    ModelPoint,
    Owner,
    Point,
    RegisteredRecord,
    RunRecord,
    UseRecord,
    VersionRecord,
)
from ropewalk.mlops.registry import ModelVersion, RegisteredModel, list_models, list_versions
from ropewalk.mlops.tracking import MovedTrace, Run, moved_trace, moved_traces
from ropewalk.pipeline import Workspace
from ropewalk.store.artifacts import Artifact, artifacts_below
from ropewalk.store.imports import list_evaluation_set_ids, list_logged_model_ids, list_run_ids
from ropewalk.store.registry import version_files
from ropewalk.store.registry_history import list_events
from ropewalk.store.search import Page
from ropewalk.store.tracking.evaluation_sets import list_records, read_evaluation_sets
from ropewalk.store.tracking.experiments import search_experiments
from ropewalk.store.tracking.logged_models import find_logged_model
from ropewalk.store.tracking.metrics import metric_points
from ropewalk.store.tracking.runs import find_run
from ropewalk.store.tracking.values import LoggedModel

PROXIED = "mlflow-artifacts:/"
_ALL = Page(1_000_000)


class ProjectSource:
    """The experiments, runs and models of an open project."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._numbers: dict[str, int] = {}

    @property
    def title(self) -> str:
        """The project's name."""
        return self.workspace.project.name

    def experiments(self) -> Iterator[ExperimentRecord]:
        """Yield every experiment, deleted ones too."""
        with self.workspace.database.read() as connection:
            found = search_experiments(connection, [], [], _ALL)
        for one in sorted(found, key=lambda experiment: int(experiment.id)):
            yield ExperimentRecord(
                one.id, one.name, one.stage, one.created_at, one.updated_at, dict(one.tags)
            )

    def runs(self, experiment_id: str) -> Iterator[RunRecord]:
        """Yield every run of an experiment, deleted ones too."""
        with self.workspace.database.read() as connection:
            ids = list_run_ids(connection, experiment_id)
        # One by one: an experiment may have more runs than fit into memory with all they logged.
        for identifier in ids:
            if (found := self.run(identifier)) is not None:
                yield found

    def run(self, identifier: str) -> RunRecord | None:
        """Return one run, or None."""
        with self.workspace.database.read() as connection:
            found = find_run(connection, identifier)
        if found is None:
            return None
        self._numbers[found.id] = found.number
        return run_record(found)

    def points(self, run: RunRecord, key: str) -> list[Point]:
        """Return every point of one series."""
        number = self._numbers[run.id]
        with self.workspace.database.read() as connection:
            return list(metric_points(connection, number, key))

    def logged_models(self, experiment_id: str) -> Iterator[LoggedModelRecord]:
        """Yield every logged model of an experiment."""
        with self.workspace.database.read() as connection:
            ids = list_logged_model_ids(connection, experiment_id)
        for identifier in ids:
            if (found := self.logged_model(identifier)) is not None:
                yield found

    def logged_model(self, identifier: str) -> LoggedModelRecord | None:
        """Return one logged model, or None."""
        with self.workspace.database.read() as connection:
            found = find_logged_model(connection, identifier)
        return logged_model_record(found) if found else None

    def traces(self, experiment_id: str) -> Iterator[MovedTrace]:
        """Yield every trace of an experiment."""
        return moved_traces(self.workspace, experiment_id)

    def trace(self, identifier: str) -> MovedTrace | None:
        """Return one trace, or None."""
        return moved_trace(self.workspace, identifier)

    def evaluation_sets(self) -> Iterator[EvaluationSetRecord]:
        """Yield every evaluation set."""
        with self.workspace.database.read() as connection:
            ids = list_evaluation_set_ids(connection)
        for identifier in ids:
            if (found := self.evaluation_set(identifier)) is not None:
                yield found

    def evaluation_set(self, identifier: str) -> EvaluationSetRecord | None:
        """Return one evaluation set, or None."""
        with self.workspace.database.read() as connection:
            found = read_evaluation_sets(connection, [identifier])
            records = list_records(connection, identifier, _ALL)
        return EvaluationSetRecord(found[0], tuple(records)) if found else None

    def registered(self) -> Iterator[RegisteredRecord]:
        """Yield every registered model and prompt."""
        for model in list_models(self.workspace):
            yield self.registered_model(model)

    def registered_model(self, model: RegisteredModel) -> RegisteredRecord:
        """Return one registered model with its versions and the files of each."""
        versions = sorted(list_versions(self.workspace, model.name), key=lambda version: int(version.version))
        with self.workspace.database.read() as connection:
            history = list_events(connection, model.name)
        return RegisteredRecord(
            name=model.name,
            description=model.description,
            created_at=model.created_at,
            updated_at=model.updated_at,
            last_version=max((int(version.version) for version in versions), default=0),
            tags=dict(model.tags),
            aliases=dict(model.aliases),
            versions=tuple(self._version(version) for version in versions),
            history=tuple(history),
        )

    def _version(self, version: ModelVersion) -> VersionRecord:
        with self.workspace.database.read() as connection:
            files = version_files(connection, version.name, version.version)
        return VersionRecord(
            version=version.version,
            source=version.source,
            location=version.location,
            description=version.description,
            run_id=version.run_id,
            run_link=version.run_link,
            model_id=version.model_id,
            node_key=version.node_key,
            digest=version.digest,
            stage=version.stage,
            created_at=version.created_at,
            updated_at=version.updated_at,
            metrics=dict(version.metrics),
            tags=dict(version.tags),
            files=tuple(FileRecord(file.path, file.digest, file.size) for file in files),
        )

    def artifacts(self, owner: Owner) -> list[Artifact]:
        """Return the files of a run, logged model or trace, with paths below it."""
        if not owner.location.startswith(PROXIED):
            return []
        folder = owner.location.removeprefix(PROXIED).strip("/")
        with self.workspace.database.read() as connection:
            found = artifacts_below(connection, folder)
        return [Artifact(file.path.removeprefix(f"{folder}/"), file.digest, file.size) for file in found]

    def files(self, owner: Owner) -> Iterator[tuple[str, BinaryIO]]:
        """Yield the files of a run, logged model or trace."""
        for file in self.artifacts(owner):
            with self.workspace.objects.path(file.digest).open("rb") as stream:
                yield file.path, stream


def run_record(run: Run) -> RunRecord:
    """Return a run as it is moved."""
    return RunRecord(
        id=run.id,
        experiment_id=run.experiment_id,
        name=run.name,
        user_id=run.user_id,
        status=run.status,
        stage=run.stage,
        started_at=run.started_at,
        ended_at=run.ended_at,
        location=run.artifact_uri,
        params=dict(run.params),
        tags=dict(run.tags),
        metrics=tuple(run.metrics),
        datasets=run.datasets,
        models=tuple(UseRecord(use.role, use.model_id, use.step) for use in run.models),
    )


def logged_model_record(model: LoggedModel) -> LoggedModelRecord:
    """Return a logged model as it is moved."""
    return LoggedModelRecord(
        id=model.id,
        experiment_id=model.experiment_id,
        name=model.name,
        model_type=model.model_type,
        source_run_id=model.source_run_id,
        status=model.status,
        created_at=model.created_at,
        updated_at=model.updated_at,
        location=model.artifact_uri,
        params=dict(model.params),
        tags=dict(model.tags),
        metrics=tuple(
            ModelPoint(
                key=point.metric.key,
                value=repr(point.metric.value),
                step=point.metric.step,
                time=point.metric.recorded_at,
                run_id=point.run_id,
                dataset_name=point.dataset_name,
                dataset_digest=point.dataset_digest,
            )
            for point in model.metrics
        ),
    )
