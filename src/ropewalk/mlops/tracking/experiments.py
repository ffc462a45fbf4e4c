"""Experiments: make, find, change; by the protocol's handlers and by other rooms."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ropewalk.mlops.tracking import limits
from ropewalk.mlops.tracking.artifacts import placed_location
from ropewalk.mlops.tracking.errors import (
    ExperimentExists,
    InvalidRequest,
    NotActive,
    UnknownExperiment,
    UnknownTag,
)
from ropewalk.pipeline import Workspace
from ropewalk.store import Connection, RowRefused
from ropewalk.store.search import Condition, Page
from ropewalk.store.tracking import experiments as table
from ropewalk.store.tracking.values import Experiment, Stage


def create_experiment(
    workspace: Workspace, name: str, location: str | None = None, tags: Mapping[str, str] | None = None
) -> str:
    """Make an experiment and return its id.

    Raises:
        ExperimentExists: the name is taken.
        InvalidRequest: the name, a tag or the location does not fit.
    """
    _check_name(name)
    # All is checked before the database is asked: whoever waits for its write lock waits for work, not for
    # refusals.
    limits.check_entries("Experiment tag", tags or {}, limits.EXPERIMENT_TAG_VALUE)
    # Without a login only this machine gets here, so a relative folder is its client's own affair. A client elsewhere
    # would fill a folder of its own disk that nobody else sees.
    machine = None if workspace.settings.access == "required" else Path.cwd()
    location = placed_location(location, machine) if location else None
    try:
        with workspace.database.write() as connection:
            return table.create_experiment(connection, name, location, tags or {})
    except RowRefused:
        # The cause names tables and statements, which are nobody else's business.
        raise _exists(name) from None


def _check_name(name: str) -> None:
    if not name.strip():
        raise InvalidRequest("Invalid experiment name: it is empty")
    limits.check_length("Experiment name", name, limits.EXPERIMENT_NAME)


def _exists(name: str) -> ExperimentExists:
    return ExperimentExists(
        # Begun as MLflow begins it, because its users' programs look for these words.
        f"Experiment(name={name}) already exists.",
        hint="restore it if it was deleted, or choose another name",
    )


def get_experiment(workspace: Workspace, identifier: str) -> Experiment:
    """Return the experiment of that id, also when it is deleted.

    Raises:
        UnknownExperiment: there is none.
    """
    with workspace.database.read() as connection:
        return require_experiment(connection, identifier)


def require_experiment(connection: Connection, identifier: str) -> Experiment:
    """Return the experiment of that id within a transaction.

    Raises:
        UnknownExperiment: there is none.
    """
    found = table.find_experiment(connection, identifier)
    if found is None:
        raise UnknownExperiment(f"No Experiment with id={identifier} exists")
    return found


# Several requests may delete and add at once, so the state is read inside the transaction that relies on it.
def require_active_experiment(connection: Connection, identifier: str) -> Experiment:
    """Return the experiment of that id, which something is to be added to.

    Raises:
        UnknownExperiment: there is none.
        NotActive: it is deleted.
    """
    found = require_experiment(connection, identifier)
    # Not restored in silence: somebody deleted it, and its runs would come back with it.
    if found.stage != "active":
        raise NotActive(
            f"The experiment {identifier} must be in the 'active' state. Current state is {found.stage}.",
            hint="restore it first",
        )
    return found


def get_experiment_by_name(workspace: Workspace, name: str) -> Experiment:
    """Return the experiment of that name, also when it is deleted.

    Raises:
        UnknownExperiment: there is none.
    """
    with workspace.database.read() as connection:
        found = table.find_experiment_by_name(connection, name)
    if found is None:
        raise UnknownExperiment(f"Could not find experiment with name '{name}'")
    return found


def list_experiments(workspace: Workspace) -> list[Experiment]:
    """Return every experiment that is not deleted, last changed first."""
    active = Condition("attribute", "stage", "=", "active")
    with workspace.database.read() as connection:
        return table.search_experiments(connection, [active], [], Page(limits.RUNS_PAGE))


def ensure_experiment(workspace: Workspace, name: str) -> str:
    """Return the id of the experiment of that name, made when it is missing.

    Raises:
        NotActive: it is deleted.
    """
    try:
        found = get_experiment_by_name(workspace, name)
    except UnknownExperiment:
        try:
            return create_experiment(workspace, name)
        except ExperimentExists:
            # Another process made it in between.
            found = get_experiment_by_name(workspace, name)
    if found.stage != "active":
        raise NotActive(f"The experiment '{name}' is deleted", hint="restore it first")
    return found.id


def rename_experiment(workspace: Workspace, identifier: str, name: str) -> None:
    """Give an experiment another name.

    Raises:
        UnknownExperiment: there is none of that id.
        NotActive: it is deleted.
        ExperimentExists: the name is taken.
    """
    _check_name(name)
    try:
        with workspace.database.write() as connection:
            require_active_experiment(connection, identifier)
            table.rename_experiment(connection, identifier, name)
    # The table's own constraint decides: a look-up before it could be overtaken by another writer.
    except RowRefused:
        raise _exists(name) from None


def move_experiment(workspace: Workspace, identifier: str, stage: Stage) -> None:
    """Delete or restore an experiment with its runs.

    Raises:
        UnknownExperiment: there is none, or it is in that stage already.
    """
    with workspace.database.write() as connection:
        found = require_experiment(connection, identifier)
        # MLflow answers a second deletion with 404, and its own tests ask for that.
        if found.stage == stage:
            raise UnknownExperiment(f"No Experiment with id={identifier} exists that is not {stage} already")
        table.set_experiment_stage(connection, identifier, stage)


def tag_experiment(workspace: Workspace, identifier: str, key: str, value: str) -> None:
    """Set a tag of an experiment.

    Raises:
        UnknownExperiment: there is none of that id.
        NotActive: it is deleted.
    """
    limits.check_entries("Experiment tag", {key: value}, limits.EXPERIMENT_TAG_VALUE)
    with workspace.database.write() as connection:
        require_active_experiment(connection, identifier)
        table.set_experiment_tag(connection, identifier, key, value)


def untag_experiment(workspace: Workspace, identifier: str, key: str) -> None:
    """Remove a tag of an experiment.

    Raises:
        UnknownExperiment: there is none of that id.
        UnknownTag: it has no such tag.
    """
    with workspace.database.write() as connection:
        require_active_experiment(connection, identifier)
        if not table.delete_experiment_tag(connection, identifier, key):
            raise UnknownTag(f"No tag with key: {key} in experiment with id {identifier}")
