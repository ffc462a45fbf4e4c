"""The history of models, versions and aliases: who did what, when, from what to what, and why."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from ropewalk.access import current_caller
from ropewalk.mlops.registry.errors import UnknownModel
from ropewalk.pipeline import Workspace
from ropewalk.project import user_name
from ropewalk.store import Connection
from ropewalk.store import registry as table
from ropewalk.store.registry_history import NewEvent, RegistryEvent, add_event, list_events

# Of a long text the beginning tells what it was; the whole is in the version itself.
_TOLD = 500


def acting_person(workspace: Workspace) -> str:
    """Return who is written into the history: whoever signed in, or on one's own machine the author it is set to."""
    caller = current_caller()
    if caller.kind != "local":
        return caller.name
    return workspace.settings.author or _git_user(workspace.root)


# Asked once: it takes a process.
@lru_cache(maxsize=8)
def _git_user(root: Path) -> str:
    return user_name(root) or "local"


def note(connection: Connection, event: NewEvent) -> None:
    """Add an event to the history, in the transaction that does what it tells of."""
    add_event(connection, replace(event, before=_shown(event.before), after=_shown(event.after)))


def _shown(text: str | None) -> str | None:
    return text if text is None or len(text) <= _TOLD else f"{text[:_TOLD]}…"


def model_history(workspace: Workspace, name: str, version: str | None = None) -> list[RegistryEvent]:
    """Return what happened to a model, or to one of its versions, oldest first; also of those that are deleted.

    Raises:
        UnknownModel: there never was a model of that name.
    """
    with workspace.database.read() as connection:
        found = list_events(connection, name, version)
        if not found and table.find_model(connection, name) is None:
            raise UnknownModel(f"Registered Model with name={name} not found")
        return found
