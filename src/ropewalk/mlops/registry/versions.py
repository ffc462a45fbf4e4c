"""Model versions: registered once, never changed in content, found by number or alias."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ropewalk.mlops.registry.errors import ContentMoved, UnknownVersion
from ropewalk.mlops.registry.events import announce, announce_version
from ropewalk.mlops.registry.history import acting_person, note
from ropewalk.mlops.registry.inspection import inspect_files, judge, keep_reading
from ropewalk.mlops.registry.models import (
    ALL,
    check_name,
    check_tag,
    refuse_protected,
    refuse_released,
    require_model,
    resolve_alias,
)
from ropewalk.mlops.registry.reading.report import FilesReport
from ropewalk.mlops.registry.semantic import (
    TAG,
    check_semantic,
    is_semantic,
    refuse_moving,
    require_semantic,
)
from ropewalk.mlops.registry.sources import content_digest, resolve
from ropewalk.pipeline import Workspace
from ropewalk.store import Connection
from ropewalk.store import registry as table
from ropewalk.store.artifacts import Artifact
from ropewalk.store.registry import LATEST, ModelVersion, NewVersion
from ropewalk.store.registry_history import NewEvent, ReadingState, registered_with
from ropewalk.store.search import Condition
from ropewalk.store.tracking.logged_models import find_logged_model, set_logged_model_tags

# Reserved: `set_alias` refuses it as an alias, so it can only mean the newest number.
LATEST_NAME = "latest"
VERSIONS_TAG = "mlflow.modelVersions"


@dataclass(frozen=True)
class VersionRequest:
    """What a client asks to be registered as the next version of `name`."""

    name: str
    source: str
    run_id: str | None = None
    model_id: str | None = None
    run_link: str | None = None
    description: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


def register(  # noqa: PLR0913, PLR0917  # the signature other rooms were promised
    workspace: Workspace,
    name: str,
    model_id: str,
    run_id: str,
    node_key: str,
    digest: str,
    metrics: Mapping[str, float],
    tags: Mapping[str, str],
) -> ModelVersion:
    """Register a logged model under `name`, made when it is missing, and return the version.

    The version that has this content already is returned as it is: the same content is the same version.

    Raises:
        InvalidModelName: the name cannot be used.
        InvalidSource: there is no such logged model.
    """
    check_name(name)
    for key, value in tags.items():
        check_tag(key, value)
    actor = acting_person(workspace)
    # Written in one transaction from the model's name to the files: a process that dies leaves no version
    # without files.
    with workspace.database.write() as connection:
        if table.find_model(connection, name) is None:
            table.insert_model(connection, name, None, {})
        same = [_named(name), Condition("attribute", "digest", "=", digest)]
        # Looked up and registered in one transaction: two runs at once make one version.
        for found in table.search_versions(connection, same, [LATEST], ALL):
            return found
        check_semantic(connection, name, tags)
        # The caller's digest is kept and not one of the files: it leaves out what differs between two equal
        # trainings.
        source = resolve(connection, f"models:/{model_id}", run_id, model_id)
        new = NewVersion(
            name=name,
            source=f"models:/{model_id}",
            location=source.location,
            digest=digest,
            run_id=run_id,
            model_id=model_id,
            node_key=node_key,
            metrics=metrics,
            tags=tags,
        )
        return _added(connection, new, source.files, actor)


def _named(name: str) -> Condition:
    return Condition("attribute", "name", "=", name)


def create_version(workspace: Workspace, request: VersionRequest) -> ModelVersion:
    """Register what a client names as the next version, also when its content is known, and return it.

    Raises:
        UnknownModel: there is no registered model of that name.
        InvalidSource: the source is not believed.
        InvalidRegistryTag: a tag cannot be stored.
        UnknownPickle: its files would import what is not known, and the policy refuses that.
    """
    for key, value in request.tags.items():
        check_tag(key, value)
    actor, inspected = acting_person(workspace), _inspect(workspace, request)
    with workspace.database.write() as connection:
        require_model(connection, request.name)
        check_semantic(connection, request.name, request.tags)
        # Resolved in the same transaction, so that what was checked is what is registered.
        source = resolve(connection, request.source, request.run_id, request.model_id)
        if source.digest != inspected.digest:
            raise ContentMoved(
                f"the files of {request.source!r} changed while they were read",
                hint="register the model once they are all there",
            )
        new = NewVersion(
            name=request.name,
            source=request.source,
            location=source.location,
            digest=source.digest,
            # What the client leaves out is filled in from what it registers, so that lineage has no gap.
            run_id=request.run_id or source.run_id,
            run_link=request.run_link,
            model_id=request.model_id or source.model_id,
            description=request.description,
            tags=request.tags,
        )
        added = _added(connection, new, source.files, actor)
        keep_reading(connection, workspace, added, inspected.report, inspected.state)
        if new.model_id:
            note_version(connection, new.model_id, request.name, int(added.version))
        return added


@dataclass(frozen=True)
class _Inspected:
    """What was read of a source's files, and the digest of what was read."""

    digest: str
    report: FilesReport
    state: ReadingState


def _inspect(workspace: Workspace, request: VersionRequest) -> _Inspected:
    # Before the transaction that registers: reading a large model must not hold up every other client.
    with workspace.database.read() as connection:
        require_model(connection, request.name)
        source = resolve(connection, request.source, request.run_id, request.model_id)
    report = inspect_files(workspace, source.files)
    return _Inspected(source.digest, report, judge(workspace, request.name, report))


def _added(connection: Connection, new: NewVersion, files: Sequence[Artifact], actor: str) -> ModelVersion:
    content = content_digest(files) if files else new.digest
    same = registered_with(connection, new.name, content)
    added = require_version(connection, new.name, table.insert_version(connection, new, files))
    reason = f"the same content as version {', '.join(same)}" if same else None
    note(
        connection,
        NewEvent(new.name, "registered", actor, added.version, after=content, reason=reason),
    )
    announce_version(connection, added)
    return added


def note_version(connection: Connection, model_id: str, name: str, version: int) -> None:
    """Add a version to those that the logged model says it is, in the tag that MLflow's pages read."""
    model = find_logged_model(connection, model_id)
    if model is None:
        return
    try:
        known = json.loads(model.tags.get(VERSIONS_TAG, "[]"))
    except ValueError:
        known = None
    # A client may have put anything there; what is no list is left alone.
    if isinstance(known, list):
        text = json.dumps([*known, {"name": name, "version": version}])
        set_logged_model_tags(connection, model.number, {VERSIONS_TAG: text})


def require_version(connection: Connection, name: str, version: str) -> ModelVersion:
    """Return a version within a transaction.

    Raises:
        UnknownVersion: there is no such version.
    """
    found = table.find_version(connection, name, version)
    if found is None:
        raise UnknownVersion(f"Model Version (name={name}, version={version}) not found")
    return found


def get_version(workspace: Workspace, name: str, version_or_alias: str) -> ModelVersion:
    """Return the version of that number or semantic version, or the one that the alias (or `latest`) names.

    Raises:
        UnknownModel: there is no registered model of that name.
        UnknownVersion: it has no such version.
        UnknownAlias: it has no such alias.
    """
    # A number first: an alias cannot read like one, so nothing is hidden by this.
    if table.is_version(version_or_alias) or is_semantic(version_or_alias):
        return get_numbered_version(workspace, name, version_or_alias)
    return get_version_by_alias(workspace, name, version_or_alias)


def get_numbered_version(workspace: Workspace, name: str, version: str) -> ModelVersion:
    """Return the version of exactly that number, or of exactly that semantic version.

    Raises:
        UnknownModel: there is no registered model of that name.
        UnknownVersion: it has no such version.
    """
    with workspace.database.read() as connection:
        if is_semantic(version):
            return require_semantic(connection, name, version)
        require_model(connection, name)
        return require_version(connection, name, version)


def get_version_by_alias(workspace: Workspace, name: str, alias: str) -> ModelVersion:
    """Return the version that an alias names, or the newest one when it is `latest`.

    Raises:
        UnknownModel: there is no registered model of that name.
        UnknownAlias: it has no such alias.
        UnknownVersion: the newest is wanted of a model without any.
    """
    # One state for the alias and its version: an alias that moves in between would name neither.
    with workspace.database.read() as connection:
        # No alias has dots, so code written for GitLab, whose aliases are semantic versions, finds its own.
        if is_semantic(alias):
            return require_semantic(connection, name, alias)
        # Nobody can give this alias away; clients load `prompts:/NAME@latest` by it, in either case.
        if alias.lower() == LATEST_NAME:
            return _latest(connection, name)
        return require_version(connection, name, resolve_alias(connection, name, alias))


def _latest(connection: Connection, name: str) -> ModelVersion:
    require_model(connection, name)
    for found in table.search_versions(connection, [_named(name)], [LATEST], ALL):
        return found
    raise UnknownVersion(f"Registered Model with name={name} has no version")


def list_versions(workspace: Workspace, name: str) -> list[ModelVersion]:
    """Return the versions of a registered model, newest first.

    Raises:
        UnknownModel: there is no registered model of that name.
    """
    with workspace.database.read() as connection:
        require_model(connection, name)
        return table.search_versions(connection, [_named(name)], [LATEST], ALL)


def latest_versions(workspace: Workspace, name: str) -> dict[str, ModelVersion]:
    """Return the newest version in each of MLflow's old stages.

    Raises:
        UnknownModel: there is no registered model of that name.
    """
    # `list_versions` yields the newest first, so the first of each stage is the one.
    newest: dict[str, ModelVersion] = {}
    for version in list_versions(workspace, name):
        newest.setdefault(version.stage, version)
    return newest


def describe_version(workspace: Workspace, name: str, version: str, description: str | None) -> ModelVersion:
    """Set a version's description and return it.

    Raises:
        UnknownVersion: there is no such version.
    """
    actor = acting_person(workspace)
    with workspace.database.write() as connection:
        before = require_version(connection, name, version).description
        table.describe_version(connection, name, version, description)
        note(connection, NewEvent(name, "described", actor, version, before=before, after=description))
        return require_version(connection, name, version)


def move_version(
    workspace: Workspace, name: str, version: str, stage: str, *, archive_others: bool
) -> ModelVersion:
    """Move a version to another of MLflow's old stages, the others of that stage to the archive if asked.

    Raises:
        UnknownVersion: there is no such version.
        ProtectedAlias: the stage has the name of a protected environment.
    """
    actor = acting_person(workspace)
    # `models:/NAME/Production` would otherwise be a way around `models:/NAME@production`.
    refuse_protected(workspace, stage.lower())
    with workspace.database.write() as connection:
        before = require_version(connection, name, version).stage
        others = [_named(name), Condition("attribute", "stage", "=", stage)]
        # The others first, so that a version moved to its own stage is not archived with them.
        for other in table.search_versions(connection, others, [], ALL) if archive_others else []:
            table.set_version_stage(connection, name, other.version, "Archived")
            if other.version != version:
                event = NewEvent(name, "stage moved", actor, other.version, before=stage, after="Archived")
                note(connection, event)
        table.set_version_stage(connection, name, version, stage)
        note(connection, NewEvent(name, "stage moved", actor, version, before=before, after=stage))
        return require_version(connection, name, version)


def delete_version(workspace: Workspace, name: str, version: str) -> None:
    """Remove a version and its aliases; its number is not given again.

    Raises:
        UnknownVersion: there is no such version.
        ReleasedVersion: a protected environment has it.
    """
    actor = acting_person(workspace)
    with workspace.database.write() as connection:
        gone = require_version(connection, name, version)
        refuse_released(workspace, require_model(connection, name), version)
        table.delete_version(connection, name, version)
        for alias in gone.aliases:
            note(connection, NewEvent(name, "alias removed", actor, alias=alias, before=version))
        note(connection, NewEvent(name, "version deleted", actor, version))


def tag_version(workspace: Workspace, name: str, version: str, key: str, value: str) -> None:
    """Set a tag of a version.

    Raises:
        UnknownVersion: there is no such version.
        InvalidRegistryTag: the tag cannot be stored.
    """
    check_tag(key, value)
    actor = acting_person(workspace)
    with workspace.database.write() as connection:
        before = require_version(connection, name, version).tags.get(key)
        check_semantic(connection, name, {key: value}, version)
        table.set_version_tag(connection, name, version, key, value)
        if before != value:
            note(
                connection,
                NewEvent(name, f"tag {key} set", actor, version, before=before, after=value),
            )
        data = {"name": name, "version": version, "key": key, "value": value}
        announce(connection, name, "model_version_tag", "set", data)


def untag_version(workspace: Workspace, name: str, version: str, key: str) -> None:
    """Remove a tag of a version; that it is not there is no error.

    Raises:
        UnknownVersion: there is no such version.
    """
    actor = acting_person(workspace)
    with workspace.database.write() as connection:
        before = require_version(connection, name, version).tags.get(key)
        if key == TAG:
            refuse_moving(connection, name, version, None)
        table.delete_version_tag(connection, name, version, key)
        if before is not None:
            note(connection, NewEvent(name, f"tag {key} removed", actor, version, before=before))
        data = {"name": name, "version": version, "key": key}
        announce(connection, name, "model_version_tag", "deleted", data)
