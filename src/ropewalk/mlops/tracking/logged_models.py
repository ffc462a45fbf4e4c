"""Logged models: the models that runs made, before and besides their registration."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Mapping

from ropewalk.mlops.tracking import limits
from ropewalk.mlops.tracking.artifacts import proxied_path
from ropewalk.mlops.tracking.errors import InvalidRequest, UnknownLoggedModel, UnknownTag
from ropewalk.mlops.tracking.experiments import require_active_experiment
from ropewalk.pipeline import StoredObject, Workspace
from ropewalk.store import Connection
from ropewalk.store.artifacts import artifacts_below
from ropewalk.store.tracking import logged_models as table
from ropewalk.store.tracking.logged_models import NewLoggedModel
from ropewalk.store.tracking.values import LoggedModel

# They would mean something else in `models:/` and `runs:/` addresses.
_FORBIDDEN = frozenset("/:.%\"'")


def create_logged_model(
    workspace: Workspace,
    new: NewLoggedModel,
    params: Mapping[str, str],
    tags: Mapping[str, str],
) -> LoggedModel:
    """Make a logged model whose files are still to come; its id and, when empty, its name are made up.

    Raises:
        UnknownExperiment: there is no such experiment.
        NotActive: it is deleted.
        InvalidRequest: the name, a parameter or a tag does not fit.
    """
    # Refused here and not at registration: by then the training that made the model is over.
    if _FORBIDDEN & set(new.name):
        raise InvalidRequest(
            f"Invalid model name '{new.name}'. A model name cannot contain any of {' '.join(sorted(_FORBIDDEN))}"
        )
    limits.check_entries("Model param", params, limits.PARAM_VALUE)
    limits.check_entries("Model tag", tags, limits.RUN_TAG_VALUE)
    made = NewLoggedModel(
        # MLflow's form of an id, by which people and tools tell a logged model's from a run's.
        id=f"m-{uuid.uuid4().hex}",
        experiment_id=new.experiment_id,
        name=new.name or f"model-{secrets.token_hex(3)}",
        model_type=new.model_type,
        source_run_id=new.source_run_id,
    )
    with workspace.database.write() as connection:
        require_active_experiment(connection, new.experiment_id)
        number = table.insert_logged_model(connection, made)
        table.set_logged_model_params(connection, number, params)
        table.set_logged_model_tags(connection, number, tags)
        return table.read_logged_models(connection, [number])[0]


def get_logged_model(workspace: Workspace, model_id: str) -> LoggedModel:
    """Return a logged model.

    Raises:
        UnknownLoggedModel: there is none of that id.
    """
    with workspace.database.read() as connection:
        return require_logged_model(connection, model_id)


def require_logged_model(connection: Connection, model_id: str) -> LoggedModel:
    """Return a logged model within a transaction.

    Raises:
        UnknownLoggedModel: there is none of that id.
    """
    # A deleted one counts as missing, as in MLflow; its files stay for the versions that were made of it.
    found = table.find_logged_model(connection, model_id)
    if found is None:
        raise UnknownLoggedModel(f"Logged model with ID '{model_id}' not found.")
    return found


def finalize_logged_model(workspace: Workspace, model_id: str, status: str) -> LoggedModel:
    """Say that a logged model is ready, or that its upload failed, and return it.

    Raises:
        UnknownLoggedModel: there is none of that id.
    """
    with workspace.database.write() as connection:
        table.set_logged_model_status(connection, require_logged_model(connection, model_id).number, status)
        return require_logged_model(connection, model_id)


def delete_logged_model(workspace: Workspace, model_id: str) -> None:
    """Hide a logged model.

    Raises:
        UnknownLoggedModel: there is none of that id.
    """
    with workspace.database.write() as connection:
        table.delete_logged_model(connection, require_logged_model(connection, model_id).number)


def tag_logged_model(workspace: Workspace, model_id: str, tags: Mapping[str, str]) -> LoggedModel:
    """Set tags of a logged model and return it.

    Raises:
        UnknownLoggedModel: there is none of that id.
        InvalidRequest: a tag does not fit.
    """
    limits.check_entries("Model tag", tags, limits.RUN_TAG_VALUE)
    with workspace.database.write() as connection:
        table.set_logged_model_tags(connection, require_logged_model(connection, model_id).number, tags)
        return require_logged_model(connection, model_id)


def untag_logged_model(workspace: Workspace, model_id: str, key: str) -> None:
    """Remove a tag of a logged model.

    Raises:
        UnknownLoggedModel: there is none of that id.
        UnknownTag: it has no such tag.
    """
    with workspace.database.write() as connection:
        model = require_logged_model(connection, model_id)
        if not table.delete_logged_model_tag(connection, model.number, key):
            raise UnknownTag(f"No tag with key {key!r} found for model with ID {model_id!r}.")


def log_logged_model_params(workspace: Workspace, model_id: str, params: Mapping[str, str]) -> None:
    """Set parameters of a logged model.

    Raises:
        UnknownLoggedModel: there is none of that id.
        InvalidRequest: a parameter does not fit.
    """
    limits.check_entries("Model param", params, limits.PARAM_VALUE)
    with workspace.database.write() as connection:
        table.set_logged_model_params(connection, require_logged_model(connection, model_id).number, params)


def logged_model_files(workspace: Workspace, model_id: str) -> dict[str, StoredObject]:
    """Return the files of a logged model by their path inside it.

    Raises:
        UnknownLoggedModel: there is none of that id.
    """
    with workspace.database.read() as connection:
        # A model whose experiment lies in a remote store has its files there; what this server has is
        # nothing.
        folder = proxied_path(require_logged_model(connection, model_id).artifact_uri)
        files = artifacts_below(connection, folder) if folder else []
    return {file.path.removeprefix(f"{folder}/"): StoredObject(file.digest, file.size) for file in files}
