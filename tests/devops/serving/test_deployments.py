"""Claims about deploying: only what predicts becomes current, and every way of moving is safe."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from ropewalk.devops.serving import Target, deploy, get_deployment, list_deployments, predict
from ropewalk.devops.serving.deployments import model_folder
from ropewalk.devops.serving.errors import DeploymentMissing, ModelNotServable
from ropewalk.errors import NotFound
from ropewalk.mlops.registry import get_version
from ropewalk.pipeline import Workspace
from ropewalk.store.deployments import deployment_history

from .conftest import SavedModel, register_version


def broken(model: SavedModel, folder: Path) -> SavedModel:
    """The same model with a model file that does not load."""
    for name in ("MLmodel", "model.lgb"):
        (folder / name).write_text((model.folder / name).read_text() if name == "MLmodel" else "broken")
    return replace(model, folder=folder)


def test_a_model_that_predicts_becomes_current(workspace: Workspace, late_model: SavedModel) -> None:
    """After its trial the version serves, and is the registry's `production`."""
    target = register_version(workspace, late_model)

    deployed = deploy(workspace, "late", target, "run-1")

    assert (deployed.target, deployed.revision, deployed.run_id) == (target, 1, "run-1")
    assert list_deployments(workspace) == [deployed]
    assert get_version(workspace, "late", "production").version == "1"
    row = dict(zip(late_model.table.columns, late_model.rows(1)[0], strict=True))
    assert predict(workspace, "late", [row]).versions == [1]


def test_a_model_that_does_not_load_never_becomes_current(
    workspace: Workspace, late_model: SavedModel, tmp_path: Path
) -> None:
    """A broken version leaves the deployment and the alias where they were."""
    first = deploy(workspace, "late", register_version(workspace, late_model))
    (tmp_path / "broken").mkdir()

    with pytest.raises(ModelNotServable, match="not a LightGBM model file"):
        deploy(workspace, "late", register_version(workspace, broken(late_model, tmp_path / "broken")))

    assert get_deployment(workspace, "late") == first
    assert get_version(workspace, "late", "production").version == "1"


def test_deploying_again_changes_nothing(workspace: Workspace, late_model: SavedModel) -> None:
    """The same target is the same revision; only a key or version moves it."""
    target = register_version(workspace, late_model)
    first = deploy(workspace, "late", target)

    assert deploy(workspace, "late", target, "run-2") == first
    assert deploy(workspace, "late", replace(target, key_column="id")).revision == 2


def test_going_back_is_a_move_like_any(
    workspace: Workspace, late_model: SavedModel, later_model: SavedModel
) -> None:
    """A rollback is one more revision of the history."""
    one, two = register_version(workspace, late_model), register_version(workspace, later_model)

    for target in (one, two, one):
        deploy(workspace, "late", target)

    versions = [found.target.version for found in deployment_history(workspace.database, "dev", "late")]
    assert versions == [1, 2, 1]
    assert get_version(workspace, "late", "production").version == "1"


def test_a_version_that_does_not_exist_is_told(workspace: Workspace) -> None:
    """Nothing is deployed that the registry does not have, and no empty folder stays behind."""
    with pytest.raises(NotFound):
        deploy(workspace, "late", Target("late", 9, "digest", "flight_id"))

    assert list((workspace.state / "serving" / "late").iterdir()) == []


def test_a_version_without_a_model_is_told(
    workspace: Workspace, late_model: SavedModel, tmp_path: Path
) -> None:
    """Artifacts that are no MLflow model cannot be deployed."""
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "readme.txt").write_text("no model")

    with pytest.raises(ModelNotServable, match="has no MLmodel file"):
        deploy(workspace, "late", register_version(workspace, replace(late_model, folder=tmp_path / "notes")))


def test_files_are_brought_once(workspace: Workspace, late_model: SavedModel) -> None:
    """The folder of a version appears whole and is used again."""
    target = register_version(workspace, late_model)

    folder = model_folder(workspace, target)

    assert (folder / "model.lgb").read_bytes() == (late_model.folder / "model.lgb").read_bytes()
    assert model_folder(workspace, target) == folder
    assert [path.name for path in folder.parent.iterdir()] == ["1"]


def test_who_comes_second_takes_what_the_first_brought(workspace: Workspace, late_model: SavedModel) -> None:
    """Threads that bring the same version at once all get the one whole folder."""
    target = register_version(workspace, late_model)

    with ThreadPoolExecutor(8) as pool:
        folders = set(pool.map(lambda _: model_folder(workspace, target), range(8)))

    assert [path.name for path in folders] == ["1"]
    assert [path.name for path in folders.pop().parent.iterdir()] == ["1"]


@pytest.mark.parametrize("name", ["..", "../../late", "a/b", ".hidden"])
def test_names_of_models_cannot_lead_out_of_the_folder(
    workspace: Workspace, late_model: SavedModel, name: str
) -> None:
    """Whatever a model is called, its files stay below the folder of serving."""
    folder = model_folder(workspace, register_version(workspace, late_model, name))

    assert folder.parent.parent == workspace.state / "serving"


def test_an_unknown_deployment_is_told_with_the_nearest(workspace: Workspace, late_model: SavedModel) -> None:
    """A misspelt name gets the right one, and the list."""
    deploy(workspace, "late", register_version(workspace, late_model))

    with pytest.raises(DeploymentMissing) as caught:
        get_deployment(workspace, "lat")

    assert (caught.value.nearest, caught.value.hint) == ("late", "deployed are: late")
