"""Bringing a source in: each run, model and registered model as a whole or not at all, under its own id.

What is here already is not written again but held against the source: an import that was killed goes on where it was,
and one that is done twice adds nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from itertools import islice
from typing import Literal

from blake3 import blake3

from ropewalk.mlops.migration.checks import (
    Outcome,
    Tally,
    logged_model_digest,
    points_digest,
    run_digest,
)
from ropewalk.mlops.migration.errors import InvalidExport
from ropewalk.mlops.migration.evaluating import EvaluationImport
from ropewalk.mlops.migration.records import (
    ExperimentRecord,
    LoggedModelRecord,
    Owner,
    RunRecord,
    Source,
)
from ropewalk.mlops.migration.registering import RegistryImport
from ropewalk.mlops.migration.series import Series
from ropewalk.mlops.migration.stored import PROXIED, ProjectSource
from ropewalk.mlops.tracking import MovedTrace, safe_path
from ropewalk.pipeline import StoredObject, Workspace, naming_objects
from ropewalk.store import Connection, imports
from ropewalk.store.artifacts import Artifact, put_artifact
from ropewalk.store.imports import PastTimes
from ropewalk.store.tracking import experiments as experiment_table
from ropewalk.store.tracking import logged_models as model_table
from ropewalk.store.tracking import runs as run_table
from ropewalk.store.tracking.inputs import add_datasets, add_models
from ropewalk.store.tracking.logged_models import NewLoggedModel
from ropewalk.store.tracking.metrics import append_metrics
from ropewalk.store.tracking.runs import NewRun
from ropewalk.store.tracking.values import Metric, ModelMetric, ModelUse

Say = Callable[[str], None]
_BATCH = 10_000
_BLOCK = 1 << 20


def import_source(workspace: Workspace, source: Source, say: Say = lambda _text: None) -> Outcome:
    """Bring everything in that the source has and this project has not, and hold all of it against the source.

    Args:
        workspace: the open project.
        source: where it comes from.
        say: told how far it is.

    Raises:
        InvalidExport: something in the source is not what its format says; what came before it stays.
        SourceUnreachable: the source stopped to answer; going on later adds the rest.
    """
    return _Import(workspace, source, say).run()


class _Import:
    """One import: what it knows by now of the source's places and of ids that had to change."""

    def __init__(self, workspace: Workspace, source: Source, say: Say) -> None:
        self.workspace, self.source, self.say = workspace, source, say
        self.outcome = Outcome(source.title)
        self.here = ProjectSource(workspace)
        self.evaluation = EvaluationImport(workspace, self.outcome, self.here)
        # Where the artifacts of runs and logged models lie there, and where they lie here.
        self.places: list[tuple[str, str]] = []
        self.experiments: dict[str, str] = {}

    def run(self) -> Outcome:
        """Do it."""
        for experiment in self.source.experiments():
            identifier = self.experiments[experiment.id] = self._experiment(experiment)
            count = 0
            for model in self.source.logged_models(experiment.id):
                self._logged_model(model, identifier)
            for run in self.source.runs(experiment.id):
                count += 1
                self._run(run, identifier)
            for moved in self.source.traces(experiment.id):
                self._trace(moved, identifier)
            # Last, because nothing can be added to what is deleted.
            self._settle(experiment, identifier)
            self.say(f"experiment {experiment.name!r}: {count} runs")
        for found in self.source.evaluation_sets():
            self.evaluation.bring_set(found, self.experiments)
        registry = RegistryImport(self.workspace, self.source, self.outcome, self.places)
        for registered in self.source.registered():
            registry.bring_in(registered)
        return self.outcome

    def _experiment(self, experiment: ExperimentRecord) -> str:
        tally = self.outcome.tally("experiments")
        tally.there += 1
        times = PastTimes(experiment.created_at, experiment.updated_at)
        with self.workspace.database.write() as connection:
            known = experiment_table.find_experiment_by_name(connection, experiment.name)
            if known is not None:
                tally.kept += 1
                if known.id != experiment.id:
                    self.outcome.notes.append(
                        f"experiment {experiment.name!r} is {known.id} here and {experiment.id} there"
                    )
                return known.id
            tally.added += 1
            is_free = experiment_table.find_experiment(connection, experiment.id) is None
            if is_free and experiment.id.isdecimal() and int(experiment.id) < 1 << 63:
                imports.insert_experiment_as(connection, int(experiment.id), experiment.name, times)
                identifier = experiment.id
            else:
                identifier = experiment_table.create_experiment(connection, experiment.name, None, {})
                imports.time_experiment(connection, identifier, times)
                self.outcome.notes.append(
                    f"experiment {experiment.name!r} is {identifier} here: another one has the id {experiment.id}"
                )
            for key, value in experiment.tags.items():
                experiment_table.set_experiment_tag(connection, identifier, key, value)
            return identifier

    def _settle(self, experiment: ExperimentRecord, identifier: str) -> None:
        with self.workspace.database.write() as connection:
            known = experiment_table.find_experiment(connection, identifier)
            if known is not None and experiment.stage == "deleted" and known.stage != "deleted":
                experiment_table.set_experiment_stage(connection, identifier, "deleted")
                imports.time_experiment(
                    connection, identifier, PastTimes(experiment.created_at, experiment.updated_at)
                )
            elif known is not None and known.stage != experiment.stage:
                self.outcome.notes.append(f"experiment {experiment.name!r} is {known.stage} here")

    def _run(self, run: RunRecord, experiment: str) -> None:
        tally = self.outcome.tally("runs")
        tally.there += 1
        _check_id(run.id)
        known = self.here.run(run.id)
        location = known.location if known else f"{self._root(experiment)}/{run.id}/artifacts"
        self._place(run, location)
        if known is not None:
            digest = self._source_digest(run)
            self.outcome.digests[f"run {run.id}"] = digest
            self._compare(tally, f"run {run.id}", digest, self._here_digest(known))
            return
        files = self._store_files(run)
        # Fetched before the transaction: other writers must not wait for the source.
        with Series() as fetched:
            series = fetched.fetch(self.source, run)
            with self._naming(files), self.workspace.database.write() as connection:
                number = self._insert_run(connection, run, experiment)
                for key in run.metrics:
                    self._add_series(connection, number, key, fetched)
                _put_files(connection, location, files)
                if run.stage == "deleted":
                    run_table.set_run_stage(connection, number, "deleted")
        tally.added += 1
        digest = run_digest(run, series, files)
        self.outcome.digests[f"run {run.id}"] = digest
        added = self.here.run(run.id)
        assert added is not None  # written above
        if self._here_digest(added) != digest:
            tally.differing.append(f"run {run.id}")

    def _insert_run(self, connection: Connection, run: RunRecord, experiment: str) -> int:
        new = NewRun(run.id, experiment, run.name, run.user_id, run.started_at)
        number = imports.insert_run_as(connection, new, run.status, run.ended_at)
        run_table.add_params(connection, number, run.params)
        run_table.set_run_tags(connection, number, run.tags)
        add_datasets(connection, number, experiment, run.datasets)
        uses = [ModelUse(_role(use.role), use.model_id, use.step) for use in run.models]
        add_models(connection, number, uses)
        return number

    def _add_series(self, connection: Connection, number: int, key: str, fetched: Series) -> None:
        waiting = fetched.read(key)
        while batch := [Metric(key, value, step, time) for step, time, value in islice(waiting, _BATCH)]:
            append_metrics(connection, number, batch)
        tally = self.outcome.tally("points")
        tally.there, tally.added = tally.there + fetched.count(key), tally.added + fetched.count(key)

    def _source_digest(self, run: RunRecord) -> str:
        series = {}
        for key in run.metrics:
            count, series[key] = points_digest(self.source.points(run, key))
            self.outcome.tally("points").there += count
            self.outcome.tally("points").kept += count
        files = []
        for path, stream in self.source.files(run):
            hasher, size = blake3(), 0
            while block := stream.read(_BLOCK):
                hasher.update(block)
                size += len(block)
            files.append(Artifact(safe_path(path), hasher.hexdigest(), size))
        tally = self.outcome.tally("files")
        tally.there, tally.kept = tally.there + len(files), tally.kept + len(files)
        return run_digest(run, series, files)

    def _here_digest(self, run: RunRecord) -> str:
        series = {key: points_digest(self.here.points(run, key))[1] for key in run.metrics}
        return run_digest(run, series, self.here.artifacts(run))

    def _logged_model(self, model: LoggedModelRecord, experiment: str) -> None:
        tally = self.outcome.tally("logged models")
        tally.there += 1
        _check_id(model.id)
        known = self.here.logged_model(model.id)
        location = known.location if known else f"{self._root(experiment)}/models/{model.id}/artifacts"
        self._place(model, location)
        files = self._store_files(model, counts=known is None)
        digest = logged_model_digest(model, files)
        self.outcome.digests[f"logged model {model.id}"] = digest
        if known is None:
            with self._naming(files), self.workspace.database.write() as connection:
                self._insert_logged_model(connection, model, experiment)
                _put_files(connection, location, files)
            tally.added += 1
            known = self.here.logged_model(model.id)
            assert known is not None  # written above
            if logged_model_digest(known, self.here.artifacts(known)) != digest:
                tally.differing.append(f"logged model {model.id}")
            return
        self._compare(
            tally, f"logged model {model.id}", digest, logged_model_digest(known, self.here.artifacts(known))
        )

    def _insert_logged_model(self, connection: Connection, model: LoggedModelRecord, experiment: str) -> None:
        new = NewLoggedModel(model.id, experiment, model.name, model.model_type, model.source_run_id)
        number = model_table.insert_logged_model(connection, new)
        model_table.set_logged_model_params(connection, number, model.params)
        model_table.set_logged_model_tags(connection, number, model.tags)
        points = [
            ModelMetric(
                Metric(point.key, float(point.value), point.step, point.time),
                point.run_id,
                point.dataset_name,
                point.dataset_digest,
            )
            for point in model.metrics
        ]
        model_table.add_logged_model_metrics(connection, number, points)
        times = PastTimes(model.created_at, model.updated_at)
        imports.set_logged_model_as(connection, number, model.status, times)

    def _trace(self, moved: MovedTrace, experiment: str) -> None:
        _check_id(moved.id)
        files = self._store_files(moved, counts=self.here.trace(moved.id) is None)
        with self._naming(files):
            self.evaluation.bring_trace(moved, experiment, files, _put_files)

    def _place(self, owner: Owner, location: str) -> None:
        there = owner.location.rstrip("/")
        self.places.append((there, location))
        if isinstance(owner, RunRecord):
            self.places.append((f"runs:/{owner.id}", location))
        else:
            self.places.append((f"models:/{owner.id}", location))

    def _root(self, experiment: str) -> str:
        with self.workspace.database.read() as connection:
            found = experiment_table.find_experiment(connection, experiment)
        assert found is not None  # made above
        return found.artifact_location

    def _store_files(self, owner: Owner, *, counts: bool = True) -> list[Artifact]:
        found = []
        for path, stream in self.source.files(owner):
            stored = self.workspace.objects.put_blocks(iter(lambda s=stream: s.read(_BLOCK), b""))  # type: ignore[misc]
            found.append(Artifact(safe_path(path), stored.digest, stored.size))
        tally = self.outcome.tally("files")
        tally.there += len(found)
        if counts:
            tally.added += len(found)
        else:
            tally.kept += len(found)
        return found

    def _naming(self, files: list[Artifact]) -> AbstractContextManager[None]:
        return naming_objects(self.workspace, [StoredObject(file.digest, file.size) for file in files])

    def _compare(self, tally: Tally, name: str, there: str, here: str) -> None:
        if there == here:
            tally.kept += 1
        else:
            tally.differing.append(name)


def _put_files(connection: Connection, location: str, files: list[Artifact]) -> None:
    if files and not location.startswith(PROXIED):
        raise InvalidExport(f"the artifacts of {location} lie in a store that this server does not open")
    folder = location.removeprefix(PROXIED).strip("/")
    for file in files:
        put_artifact(connection, Artifact(f"{folder}/{file.path}", file.digest, file.size))


def _check_id(identifier: str) -> None:
    # It becomes the name of a folder.
    if not identifier.replace("-", "").isalnum() or not identifier.isascii() or len(identifier) > 64:
        raise InvalidExport(f"{identifier[:100]!r} is no id of a run or model")


def _role(text: str) -> Literal["input", "output"]:
    return "output" if text == "output" else "input"
