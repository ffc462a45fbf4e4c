"""Registered models: names under which versions stand, with tags and aliases."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ropewalk.errors import nearest
from ropewalk.mlops.registry.errors import (
    InvalidAlias,
    InvalidModelName,
    InvalidRegistryTag,
    InvalidSource,
    ModelExists,
    ProtectedAlias,
    ReleasedVersion,
    UnknownAlias,
    UnknownModel,
    UnknownVersion,
)
from ropewalk.mlops.registry.events import announce, announce_model
from ropewalk.mlops.registry.history import acting_person, note
from ropewalk.mlops.registry.sources import check_text
from ropewalk.pipeline import Workspace, is_protected
from ropewalk.project import release_file
from ropewalk.store import Connection, RowRefused
from ropewalk.store import registry as table
from ropewalk.store.registry import RegisteredModel
from ropewalk.store.registry_history import NewEvent, rename_events
from ropewalk.store.search import Page

# The widths of MLflow's own columns: what fits here can be moved to another server and back.
NAME_LENGTH = 256
TAG_KEY_LENGTH = 250
TAG_VALUE_LENGTH = 100_000
ALIAS_LENGTH = 255
# Far above what a registry holds; SQLite wants a number where a page's size is bound.
ALL = Page(1_000_000)

_ALIAS = re.compile(r"[\w\-]+")
# With `.yaml` behind it; a longer one can be no file's, and asking for it would be an error of the disk.
_FILE_NAME = re.compile(r"[A-Za-z0-9][\w-]{0,249}", re.ASCII)
# Such an alias would make `models:/late@3` and `models:/late/3` two things.
_LIKE_A_VERSION = re.compile(r"[vV]?\d+|latest", re.IGNORECASE)


def create_model(
    workspace: Workspace,
    name: str,
    description: str | None = None,
    tags: Mapping[str, str] | None = None,
) -> RegisteredModel:
    """Make a registered model without versions and return it.

    Raises:
        InvalidModelName: the name cannot be used.
        ModelExists: it is taken.
    """
    check_name(name)
    for key, value in (tags or {}).items():
        check_tag(key, value)
    actor = acting_person(workspace)
    # The constraint decides, because a look-up before it could be overtaken by another client.
    try:
        with workspace.database.write() as connection:
            table.insert_model(connection, name, description, tags or {})
            note(connection, NewEvent(name, "model created", actor))
            made = require_model(connection, name)
            announce_model(connection, made)
            return made
    except RowRefused:
        raise _exists(name) from None


def _exists(name: str) -> ModelExists:
    # MLflow's own sentence, which its clients' users match.
    return ModelExists(f"Registered Model (name={name}) already exists", hint="register a version under it")


def check_name(name: str) -> None:
    """Refuse a name that could not stand in `models:/NAME/VERSION`.

    Raises:
        InvalidModelName: it is empty, too long, or has a sign that ends it or is not printable.
    """
    # A slash or a colon would end the name within `models:/NAME/VERSION`, and what is not printable forges
    # log lines.
    if not name.strip() or "/" in name or ":" in name or not name.isprintable():
        raise InvalidModelName(
            f"Invalid model name: {name!r}. A registered model name must not be empty and cannot contain / or :"
        )
    # MLflow takes a name such as `a#b`, and its clients then cut the URI short and load the model `a`.
    try:
        check_text(f"models:/{name}/1")
    except InvalidSource:
        raise InvalidModelName(
            f"Invalid model name: {name!r}. It cannot stand in models:/NAME/VERSION",
            hint="leave out # ? and backslashes, and do not name a model after a folder such as ..",
        ) from None
    if len(name) > NAME_LENGTH:
        raise InvalidModelName(
            f"Registered model name exceeds the maximum length of {NAME_LENGTH} characters"
        )


def check_tag(key: str, value: str) -> None:
    """Refuse a tag that cannot be stored.

    Raises:
        InvalidRegistryTag: its key is empty, or key or value too long.
    """
    if not key or len(key) > TAG_KEY_LENGTH:
        raise InvalidRegistryTag(f"Tag key must have 1 to {TAG_KEY_LENGTH} characters, it has {len(key)}")
    if len(value) > TAG_VALUE_LENGTH:
        raise InvalidRegistryTag(f"Tag value exceeds the maximum length of {TAG_VALUE_LENGTH} characters")


def get_model(workspace: Workspace, name: str) -> RegisteredModel:
    """Return a registered model.

    Raises:
        UnknownModel: there is none of that name.
    """
    with workspace.database.read() as connection:
        return require_model(connection, name)


def require_model(connection: Connection, name: str) -> RegisteredModel:
    """Return a registered model within a transaction.

    Raises:
        UnknownModel: there is none of that name.
    """
    found = table.find_model(connection, name)
    if found is None:
        # Read only now that it went wrong: the hint may cost a little.
        names = [model.name for model in table.search_models(connection, [], [], ALL)]
        raise UnknownModel(f"Registered Model with name={name} not found", nearest=nearest(name, names))
    return found


def list_models(workspace: Workspace) -> list[RegisteredModel]:
    """Return every registered model, by name."""
    with workspace.database.read() as connection:
        return table.search_models(connection, [], [], ALL)


def rename_model(workspace: Workspace, name: str, new_name: str) -> RegisteredModel:
    """Give a registered model another name and return it.

    Raises:
        UnknownModel: there is none of that name.
        InvalidModelName: the new name cannot be used.
        ModelExists: the new name is taken.
        ReleasedVersion: a protected environment has one of its versions by the old name.
    """
    # The old name is not checked: a model that an older release let in must still be renamed.
    check_name(new_name)
    actor = acting_person(workspace)
    try:
        with workspace.database.write() as connection:
            # Within the transaction: a model that is deleted meanwhile must not come back by a change to it.
            refuse_released(workspace, require_model(connection, name))
            table.rename_model(connection, name, new_name)
            rename_events(connection, name, new_name)
            note(connection, NewEvent(new_name, "model renamed", actor, before=name, after=new_name))
            return require_model(connection, new_name)
    except RowRefused:
        raise _exists(new_name) from None


def describe_model(workspace: Workspace, name: str, description: str | None) -> RegisteredModel:
    """Set a registered model's description and return it.

    Raises:
        UnknownModel: there is none of that name.
    """
    actor = acting_person(workspace)
    with workspace.database.write() as connection:
        before = require_model(connection, name).description
        table.describe_model(connection, name, description)
        note(connection, NewEvent(name, "model described", actor, before=before, after=description))
        return require_model(connection, name)


def delete_model(workspace: Workspace, name: str) -> None:
    """Remove a registered model with its versions; the logged models behind them stay.

    Raises:
        UnknownModel: there is none of that name.
        ReleasedVersion: a protected environment has one of its versions.
    """
    actor = acting_person(workspace)
    with workspace.database.write() as connection:
        refuse_released(workspace, require_model(connection, name))
        table.delete_model(connection, name)
        note(connection, NewEvent(name, "model deleted", actor))


def refuse_released(workspace: Workspace, model: RegisteredModel, version: str | None = None) -> None:
    """Refuse to take a model, or one of its versions, from under the alias of a protected environment.

    Raises:
        ReleasedVersion: such an alias names it.
    """
    for alias, named in model.aliases.items():
        if (version is None or named == version) and is_released(workspace, alias):
            raise ReleasedVersion(
                f"version {named} of model {model.name!r} is what {alias!r} has, and only a release moves that",
                hint=f"release another version first: `ropewalk promote {alias}`, then `ropewalk apply {alias}`",
            )


def tag_model(workspace: Workspace, name: str, key: str, value: str) -> None:
    """Set a tag of a registered model.

    Raises:
        UnknownModel: there is none of that name.
        InvalidRegistryTag: the tag cannot be stored.
    """
    check_tag(key, value)
    actor = acting_person(workspace)
    with workspace.database.write() as connection:
        before = require_model(connection, name).tags.get(key)
        table.set_model_tag(connection, name, key, value)
        if before != value:
            event = NewEvent(name, f"model tag {key} set", actor, before=before, after=value)
            note(connection, event)
        announce(connection, name, "registered_model_tag", "set", {"name": name, "key": key, "value": value})


def untag_model(workspace: Workspace, name: str, key: str) -> None:
    """Remove a tag of a registered model; that it is not there is no error.

    Raises:
        UnknownModel: there is none of that name.
    """
    actor = acting_person(workspace)
    with workspace.database.write() as connection:
        before = require_model(connection, name).tags.get(key)
        table.delete_model_tag(connection, name, key)
        if before is not None:
            note(connection, NewEvent(name, f"model tag {key} removed", actor, before=before))
        announce(connection, name, "registered_model_tag", "deleted", {"name": name, "key": key})


def set_alias(workspace: Workspace, name: str, alias: str, version: str) -> None:
    """Let `alias` name that version of the model, and no other.

    Raises:
        UnknownModel: there is no model of that name.
        UnknownVersion: it has no such version.
        InvalidAlias: the alias cannot be used.
        ProtectedAlias: it is that of an environment that only a release moves.
    """
    refuse_protected(workspace, alias)
    point_alias(workspace, name, alias, version)


def point_alias(
    workspace: Workspace, name: str, alias: str, version: str, *, reason: str | None = None
) -> None:
    """Do as `set_alias` does, also for a protected environment: for what applies a release to it.

    Raises:
        UnknownModel: there is no model of that name.
        UnknownVersion: it has no such version.
        InvalidAlias: the alias cannot be used.
    """
    _check_alias(alias)
    actor = acting_person(workspace)
    with workspace.database.write() as connection:
        require_model(connection, name)
        # The foreign key would refuse it as well, but with a sentence about tables.
        if table.find_version(connection, name, version) is None:
            raise UnknownVersion(f"Model Version (name={name}, version={version}) not found")
        before = table.find_alias(connection, name, alias)
        table.set_alias(connection, name, alias, version)
        # Releases are applied again and again: what did not move is no event.
        if before != version:
            note(connection, NewEvent(name, "alias moved", actor, version, alias, before, version, reason))
        moved = {"name": name, "alias": alias, "version": version}
        announce(connection, name, "model_version_alias", "created", moved)


def refuse_protected(workspace: Workspace, alias: str) -> None:
    """Refuse to move an alias, or a stage of its name, that only a release moves.

    Raises:
        ProtectedAlias: it is that of a protected environment, or of one that has a release.
    """
    if is_released(workspace, alias):
        raise ProtectedAlias(
            f"the alias {alias!r} is that of a protected environment, and only a release moves it",
            hint=f"`ropewalk promote {alias}` proposes one, and `ropewalk apply {alias}` applies it",
        )


def is_released(workspace: Workspace, alias: str) -> bool:
    """Return whether only a release moves an alias: that of a protected environment, or of one with a release."""
    if is_protected(workspace.project, alias):
        return True
    # The file on the protected branch is the truth for an environment that has one.
    return _FILE_NAME.fullmatch(alias) is not None and (workspace.root / release_file(alias)).is_file()


def _check_alias(alias: str) -> None:
    if not _ALIAS.fullmatch(alias) or len(alias) > ALIAS_LENGTH or _LIKE_A_VERSION.fullmatch(alias):
        raise InvalidAlias(
            f"Invalid alias name: {alias[:ALIAS_LENGTH]!r}",
            hint="use letters, digits, dash and underscore; 'latest', '3' and 'v3' would read as versions",
        )


def delete_alias(workspace: Workspace, name: str, alias: str) -> None:
    """Remove an alias; that it is not there is no error.

    Raises:
        UnknownModel: there is no model of that name.
        ProtectedAlias: it is that of an environment that only a release moves.
    """
    refuse_protected(workspace, alias)
    actor = acting_person(workspace)
    with workspace.database.write() as connection:
        require_model(connection, name)
        before = table.find_alias(connection, name, alias)
        table.delete_alias(connection, name, alias)
        if before is not None:
            note(connection, NewEvent(name, "alias removed", actor, alias=alias, before=before))
        announce(connection, name, "model_version_alias", "deleted", {"name": name, "alias": alias})


def resolve_alias(connection: Connection, name: str, alias: str) -> str:
    """Return the version that an alias names.

    Raises:
        UnknownModel: there is no model of that name.
        UnknownAlias: it has no such alias.
    """
    # The alias first: loads by alias are frequent, and the model is looked up only to say what was wrong.
    found = table.find_alias(connection, name, alias)
    if found is None:
        known = require_model(connection, name).aliases
        raise UnknownAlias(f"Registered model alias {alias} not found.", nearest=nearest(alias, known))
    return found
