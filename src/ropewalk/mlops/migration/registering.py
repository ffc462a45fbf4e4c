"""Bringing registered models and prompts in: each with its versions, under their numbers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from blake3 import blake3

from ropewalk.mlops.migration.archive import ExportSource
from ropewalk.mlops.migration.checks import Outcome, registered_digest
from ropewalk.mlops.migration.records import (
    FileRecord,
    LoggedModelRecord,
    RegisteredRecord,
    Source,
    VersionRecord,
)
from ropewalk.mlops.migration.stored import PROXIED, ProjectSource
from ropewalk.mlops.registry import acting_person, check_name, content_digest, is_released
from ropewalk.mlops.tracking import safe_path
from ropewalk.pipeline import Workspace
from ropewalk.store import Connection, imports
from ropewalk.store import registry as registry_table
from ropewalk.store.artifacts import Artifact
from ropewalk.store.imports import PastTimes
from ropewalk.store.registry import ModelVersion
from ropewalk.store.registry_history import NewEvent, add_event

_BLOCK = 1 << 20
_NOWHERE = LoggedModelRecord("", "", "", None, None, "", 0, 0)


@dataclass
class RegistryImport:
    """The registry's part of an import; `places` says where the artifacts lie there and here."""

    workspace: Workspace
    source: Source
    outcome: Outcome
    places: list[tuple[str, str]]
    here: ProjectSource = field(init=False)

    def __post_init__(self) -> None:
        self.here = ProjectSource(self.workspace)

    def bring_in(self, model: RegisteredRecord) -> None:
        """Bring one registered model or prompt in, and hold it against the source."""
        tally, versions = self.outcome.tally("registered models"), self.outcome.tally("versions")
        tally.there += 1
        versions.there += len(model.versions)
        check_name(model.name)
        expected = registered_digest(self._without_protected(model))
        self.outcome.digests[f"model {model.name}"] = registered_digest(model)
        # Looked up before the transaction, which reads nothing of the source and waits for nobody.
        placed = {version.version: self._version_files(version) for version in model.versions}
        with self.workspace.database.write() as connection:
            is_new = registry_table.find_model(connection, model.name) is None
            if is_new:
                tally.added += 1
                registry_table.insert_model(connection, model.name, model.description, model.tags)
            else:
                tally.kept += 1
            added = {
                version.version
                for version in model.versions
                if registry_table.find_version(connection, model.name, version.version) is None
            }
            versions.added, versions.kept = (
                versions.added + len(added),
                versions.kept + len(model.versions) - len(added),
            )
            for event in model.history or ():
                if event.version in added or (event.version is None and is_new):
                    imports.insert_event_as(connection, replace(event, model=model.name))
            for version in model.versions:
                if version.version in added:
                    self._insert_version(connection, model, version, placed[version.version])
            self._finish_model(connection, model)
            found = registry_table.find_model(connection, model.name)
        assert found is not None  # written above
        here = self.here.registered_model(found)
        # Of a server that keeps no history, nothing is held against what was said here.
        if (
            registered_digest(replace(here, history=here.history if model.history is not None else None))
            != expected
        ):
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
        self,
        connection: Connection,
        model: RegisteredRecord,
        version: VersionRecord,
        placed: tuple[str, list[Artifact]],
    ) -> None:
        name, (location, files) = model.name, placed
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
        # What was approved there stays approved here: a second `registered` would begin the review anew.
        self._note(connection, name, "imported" if model.history else "registered", version.version, content)

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


def _is_portable(source: str) -> bool:
    scheme, colon, _ = source.partition(":")
    return source == "dummy-source" or (
        bool(colon) and len(scheme) > 1 and scheme not in ("file", "mlflow-artifacts")
    )
