"""The verbs on logged models."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ropewalk.mlops.tracking import get_logged_model, logged_model_files
from ropewalk.mlops.tracking.artifacts import place_artifact
from ropewalk.mlops.tracking.errors import (
    InvalidRequest,
    NotActive,
    RequestTooLarge,
    UnknownExperiment,
    UnknownLoggedModel,
    UnknownTag,
)
from ropewalk.mlops.tracking.experiments import create_experiment, move_experiment
from ropewalk.mlops.tracking.logged_models import (
    create_logged_model,
    delete_logged_model,
    finalize_logged_model,
    log_logged_model_params,
    tag_logged_model,
    untag_logged_model,
)
from ropewalk.pipeline import StoredObject, Workspace
from ropewalk.store.tracking.logged_models import NewLoggedModel
from ropewalk.store.tracking.values import LoggedModel


def _create(workspace: Workspace, name: str = "model", experiment: str = "0") -> LoggedModel:
    new = NewLoggedModel("", experiment, name, "lightgbm", None)
    return create_logged_model(workspace, new, {"depth": "6"}, {"a": "b"})


def test_create(workspace: Workspace) -> None:
    """A logged model gets an id, and a name when it has none."""
    named, nameless = _create(workspace), _create(workspace, "")

    assert named.id.startswith("m-")
    assert (named.name, named.params, named.tags) == ("model", {"depth": "6"}, {"a": "b"})
    assert nameless.name
    assert nameless.id != named.id


@pytest.mark.parametrize("sign", ["/", ":", ".", "%", '"', "'"])
def test_names_that_could_not_stand_in_a_uri(workspace: Workspace, sign: str) -> None:
    """A name has none of the signs that a URI reads otherwise."""
    with pytest.raises(InvalidRequest, match="Invalid model name"):
        _create(workspace, f"a{sign}b")


def test_no_experiment(workspace: Workspace) -> None:
    """A logged model belongs to an experiment that is there."""
    gone = create_experiment(workspace, "gone")
    move_experiment(workspace, gone, "deleted")

    with pytest.raises(UnknownExperiment):
        _create(workspace, experiment="77777")
    with pytest.raises(NotActive):
        _create(workspace, experiment=gone)


def test_finalize(workspace: Workspace) -> None:
    """A model becomes ready, and says so ever after."""
    model = _create(workspace)

    done = finalize_logged_model(workspace, model.id, "LOGGED_MODEL_READY")

    assert done.status == get_logged_model(workspace, model.id).status == "LOGGED_MODEL_READY"
    assert done.updated_at >= model.updated_at


def test_words(workspace: Workspace) -> None:
    """Tags and parameters are added and removed."""
    model = _create(workspace)
    tag_logged_model(workspace, model.id, {"c": "d"})
    untag_logged_model(workspace, model.id, "a")
    log_logged_model_params(workspace, model.id, {"rate": "0.1"})

    found = get_logged_model(workspace, model.id)
    assert found.tags == {"c": "d"}
    assert found.params == {"depth": "6", "rate": "0.1"}
    with pytest.raises(UnknownTag, match="'a'"):
        untag_logged_model(workspace, model.id, "a")


def test_long_values(workspace: Workspace) -> None:
    """Tags and parameters have the limits of a run's."""
    model = _create(workspace)

    with pytest.raises(RequestTooLarge):
        tag_logged_model(workspace, model.id, {"a": "x" * 8001})
    with pytest.raises(RequestTooLarge):
        log_logged_model_params(workspace, model.id, {"a": "x" * 6001})


def test_files(workspace: Workspace) -> None:
    """A model's files are those below its own place, by their path in it."""
    model, other = _create(workspace), _create(workspace)
    stored = workspace.objects.put_bytes(b"content")
    for owner, path in ((model, "MLmodel"), (model, "data/model.txt"), (other, "MLmodel")):
        place_artifact(workspace, f"{owner.artifact_uri.removeprefix('mlflow-artifacts:/')}/{path}", stored)

    files = logged_model_files(workspace, model.id)

    assert files == {"MLmodel": stored, "data/model.txt": StoredObject(stored.digest, 7)}


def test_files_of_a_remote_store(workspace: Workspace) -> None:
    """A model in a remote store has no files here."""
    remote = create_experiment(workspace, "remote models", "s3://bucket/models")

    assert logged_model_files(workspace, _create(workspace, experiment=remote).id) == {}


@pytest.mark.parametrize(
    "verb",
    [
        get_logged_model,
        logged_model_files,
        delete_logged_model,
        lambda w, m: finalize_logged_model(w, m, "LOGGED_MODEL_READY"),
        lambda w, m: tag_logged_model(w, m, {"a": "b"}),
        lambda w, m: untag_logged_model(w, m, "a"),
        lambda w, m: log_logged_model_params(w, m, {"a": "b"}),
    ],
)
def test_deleted_models(workspace: Workspace, verb: Callable[[Workspace, str], object]) -> None:
    """Nothing can be done with a model that was deleted, nor with one that never was."""
    model = _create(workspace)
    delete_logged_model(workspace, model.id)

    for identifier in (model.id, "m-never"):
        with pytest.raises(UnknownLoggedModel, match=f"'{identifier}' not found"):
            verb(workspace, identifier)
