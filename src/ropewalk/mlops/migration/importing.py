"""Bringing a source in: each run, model and registered model as a whole or not at all, under its own id.

What is here already is not written again but held against the source: an import that was killed goes on where it was,
and one that is done twice adds nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from typing import Literal

from blake3 import blake3

from ropewalk.mlops.migration.archive import ExportSource
from ropewalk.mlops.migration.checks import (
    Outcome,
    Tally,
    logged_model_digest,
    points_digest,
    registered_digest,
    run_digest,
)
from ropewalk.mlops.migration.errors import InvalidExport
from ropewalk.mlops.migration.records import (
    ExperimentRecord,
    FileRecord,
    LoggedModelRecord,
    Owner,
    RegisteredRecord,
    RunRecord,
    Source,
    VersionRecord,
)
from ropewalk.mlops.migration.series import Series
from ropewalk.mlops.migration.stored import PROXIED, ProjectSource
from ropewalk.mlops.registry import acting_person, check_name, content_digest, is_released
from ropewalk.mlops.tracking import safe_path
from ropewalk.pipeline import Workspace
from ropewalk.store import Connection, imports
from ropewalk.store import registry as registry_table
from ropewalk.store.artifacts import Artifact, put_artifact
from ropewalk.store.imports import PastTimes
from ropewalk.store.registry import ModelVersion
from ropewalk.store.registry_history import NewEvent, add_event
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
        # Where the artifacts of runs and logged models lie there, and where they lie here.
        self.places: list[tuple[str, str]] = []

    def run(self) -> Outcome:
        """Do it."""
        for experiment in self.source.experiments():
            identifier = self._experiment(experiment)
            count = 0
            for model in self.source.logged_models(experiment.id):
                self._logged_model(model, identifier)
            for run in self.source.runs(experiment.id):
                count += 1
                self._run(run, identifier)
            # Last, because nothing can be added to what is deleted.
            self._settle(experiment, identifier)
            self.say(f"experiment {experiment.name!r}: {count} runs")
        for registered in self.source.registered():
            self._registered(registered)
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
            with self.workspace.database.write() as connection:
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
            with self.workspace.database.write() as connection:
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

    def _registered(self, model: RegisteredRecord) -> None:
        tally, versions = self.outcome.tally("registered models"), self.outcome.tally("versions")
        tally.there += 1
        versions.there += len(model.versions)
        check_name(model.name)
        expected = registered_digest(self._without_protected(model))
        self.outcome.digests[f"model {model.name}"] = registered_digest(model)
        # Looked up before the transaction, which reads nothing of the source and waits for nobody.
        placed = {version.version: self._version_files(version) for version in model.versions}
        with self.workspace.database.write() as connection:
            if registry_table.find_model(connection, model.name) is None:
                tally.added += 1
                registry_table.insert_model(connection, model.name, model.description, model.tags)
            else:
                tally.kept += 1
            for version in model.versions:
                if registry_table.find_version(connection, model.name, version.version) is None:
                    versions.added += 1
                    self._insert_version(connection, model.name, version, placed[version.version])
                else:
                    versions.kept += 1
            self._finish_model(connection, model)
            found = registry_table.find_model(connection, model.name)
        assert found is not None  # written above
        if registered_digest(self.here.registered_model(found)) != expected:
            tally.differing.append(f"registered model {model.name}")

    def _without_protected(self, model: RegisteredRecord) -> RegisteredRecord:
        """Return the model without the aliases that only a release moves: those are left as they are here."""
        with self.workspace.database.read() as connection:
            known = registry_table.find_model(connection, model.name)
        own = known.aliases if known else {}
        aliases = {a: str(v) for a, v in model.aliases.items() if not is_released(self.workspace, a)}
        kept = {a: v for a, v in own.items() if is_released(self.workspace, a)}
        return replace(model, aliases={**aliases, **kept})

    def _finish_model(self, connection: Connection, model: RegisteredRecord) -> None:
        newest = max((int(version.version) for version in model.versions), default=0)
        for alias, version in model.aliases.items():
            if is_released(self.workspace, alias):
                self.outcome.notes.append(
                    f"alias {alias!r} of {model.name!r} was left alone: only a release moves it"
                )
            elif registry_table.find_alias(connection, model.name, alias) is None:
                registry_table.set_alias(connection, model.name, alias, str(version))
                self._note(connection, model.name, "alias moved", str(version), alias=alias)
        times = PastTimes(model.created_at, model.updated_at)
        imports.set_model_as(connection, model.name, max(newest, model.last_version), times)

    def _insert_version(
        self, connection: Connection, name: str, version: VersionRecord, placed: tuple[str, list[Artifact]]
    ) -> None:
        location, files = placed
        if not files and not version.tags.get("mlflow.prompt.text"):
            self.outcome.notes.append(
                f"version {version.version} of {name!r}: its files are not among those of a run or logged model"
            )
        content = content_digest(files) if files else blake3(location.encode()).hexdigest()
        added = ModelVersion(
            name=name,
            version=version.version,
            description=version.description,
            source=version.source if _is_portable(version.source) else location,
            location=location,
            run_id=version.run_id,
            run_link=version.run_link,
            model_id=version.model_id,
            node_key=version.node_key,
            digest=version.digest or content,
            metrics=version.metrics,
            stage=version.stage,
            created_at=version.created_at,
            updated_at=version.updated_at,
            tags=version.tags,
        )
        imports.insert_version_as(connection, added, files)
        self._note(connection, name, "registered", version.version, content)

    def _note(
        self,
        connection: Connection,
        name: str,
        what: str,
        version: str,
        after: str = "",
        *,
        alias: str | None = None,
    ) -> None:
        actor, reason = acting_person(self.workspace), f"imported from {self.source.title}"
        event = NewEvent(name, what, actor, version, alias, after=after or version, reason=reason)
        add_event(connection, event)

    def _version_files(self, version: VersionRecord) -> tuple[str, list[Artifact]]:
        """Return where a version's files are here, and the files."""
        location = self._moved(version.location) or self._moved(version.source)
        if version.files is not None:
            files = [self._store_object(file) for file in version.files]
            return location or version.location, files
        if location is None and version.model_id is not None:
            owner = self.here.logged_model(version.model_id)
            location = owner.location if owner else None
        if location is None:
            # The address of a machine's own folder is of no use to anybody else, and must not be handed out.
            place = version.source if _is_portable(version.source) else f"{PROXIED}elsewhere"
            return place, []
        folder = location.removeprefix(PROXIED).strip("/")
        found = self.here.artifacts(replace(_NOWHERE, location=f"{PROXIED}{folder}"))
        return location, found

    def _store_object(self, file: FileRecord) -> Artifact:
        # A version keeps its files also when the artifacts that it was made of are others by now, or deleted.
        if not self.workspace.objects.has(file.digest):
            assert isinstance(self.source, ExportSource)  # no other source says of what a version consists
            with self.source.object(file) as stream:
                self.workspace.objects.put_expected(iter(lambda: stream.read(_BLOCK), b""), file.digest)
        return Artifact(safe_path(file.path), file.digest, file.size)

    def _moved(self, location: str) -> str | None:
        """Return where something lies here that lies at `location` there."""
        for there, here in self.places:
            if there and (location == there or location.startswith(f"{there}/")):
                return here + location[len(there) :].rstrip("/")
        return None

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
            # Before it is named: who finds the name, on whatever server, finds the bytes.
            if self.workspace.remote_objects is not None:
                self.workspace.remote_objects.keep(stored)
            found.append(Artifact(safe_path(path), stored.digest, stored.size))
        tally = self.outcome.tally("files")
        tally.there += len(found)
        if counts:
            tally.added += len(found)
        else:
            tally.kept += len(found)
        return found

    def _compare(self, tally: Tally, name: str, there: str, here: str) -> None:
        if there == here:
            tally.kept += 1
        else:
            tally.differing.append(name)


_NOWHERE = LoggedModelRecord("", "", "", None, None, "", 0, 0)


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


def _is_portable(source: str) -> bool:
    scheme, colon, _ = source.partition(":")
    return source == "dummy-source" or (
        bool(colon) and len(scheme) > 1 and scheme not in ("file", "mlflow-artifacts")
    )
