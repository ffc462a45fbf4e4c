"""Pointing deployments at model versions: tried in a fresh process first, then moved in one step."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from ropewalk.devops.serving.declared import declared_names
from ropewalk.devops.serving.errors import DeploymentMissing, ModelNotServable
from ropewalk.devops.serving.places import (
    environment_alias,
    full_name,
    plain_file_name,
    prediction_folder,
)
from ropewalk.devops.serving.pointed import pointed_deployments
from ropewalk.devops.serving.process import WorkerProcess
from ropewalk.devops.serving.words import WorkerSpec
from ropewalk.errors import nearest
from ropewalk.mlops.registry import delete_alias, get_version, list_models, materialise, point_alias
from ropewalk.pipeline import Workspace
from ropewalk.project import PROJECT_FILE
from ropewalk.store.deployments import (
    Deployment,
    Target,
    current_deployment,
    current_deployments,
    drop_deployments,
    move_deployment,
    was_deployed,
)
from ropewalk.store.environments import get_environment


def deploy(workspace: Workspace, name: str, target: Target, run_id: str | None = None) -> Deployment:
    """Make the deployment of the workspace's environment serve `target`, after a trial in a fresh process.

    A deployment that is there already stays as it is. The version also gets the environment's alias.

    Raises:
        ModelNotServable: the model does not load or predict; the deployment keeps what it serves.
        RevisionTaken: someone else moved the deployment meanwhile.
    """
    # Read before the trial, which takes its time: a move by someone else meanwhile is then noticed.
    before = current_deployment(workspace.database, workspace.settings.environment, name)
    try_model(workspace, target)
    return _point(workspace, name, target, before, run_id)


def redeploy(workspace: Workspace, name: str, target: Target) -> Deployment:
    """Make the deployment serve a target that an earlier run made, tried only if no environment ever served it.

    Raises:
        ModelNotServable: the model does not load or predict; the deployment keeps what it serves.
        RevisionTaken: someone else moved the deployment meanwhile.
    """
    before = current_deployment(workspace.database, workspace.settings.environment, name)
    if not was_deployed(workspace.database, target):
        try_model(workspace, target)
    return _point(workspace, name, target, before, None)


def _point(
    workspace: Workspace, name: str, target: Target, before: Deployment | None, run_id: str | None
) -> Deployment:
    moved = before
    if before is None or before.target != target:
        environment, expected = workspace.settings.environment, before.revision if before else 0
        moved = move_deployment(
            workspace.database, environment, name, target, expected=expected, run_id=run_id
        )
    assert moved is not None
    # Also when nothing moved: a run that was killed before this line left the alias behind.
    point_alias(workspace, target.model, environment_alias(workspace), str(target.version))
    return moved


def try_model(workspace: Workspace, target: Target) -> str:
    """Load the model in a fresh process and predict one example; return the engine's name.

    Raises:
        ModelNotServable: it does not.
    """
    folder = model_folder(workspace, target)
    # Without a socket a worker predicts one example and ends.
    spec = WorkerSpec(folder=str(folder), parent=os.getpid())
    with WorkerProcess(spec, worker_log(workspace, f"{target.model}-{target.version}-trial")) as trial:
        return trial.wait_ready()


def list_deployments(workspace: Workspace) -> list[Deployment]:
    """Return what each declared deployment serves in the workspace's environment now, by name."""
    declared, environment = declared_names(workspace), workspace.settings.environment
    moved = {found.name: found for found in current_deployments(workspace.database, environment)}
    row = get_environment(workspace.database, environment)
    # What a release named moved in one transaction, and what it does not name is not served any more.
    is_released = row is not None and row.release is not None
    pointed = pointed_deployments(workspace, declared if is_released else declared - moved.keys())
    found = pointed if is_released else {**moved, **pointed}
    return [_as_moved(found[name], moved.get(name)) for name in sorted(found) if name in declared]


def _as_moved(pointed: Deployment, moved: Deployment | None) -> Deployment:
    # The move knows since when it is served, and by which run.
    return moved if moved and moved.target == pointed.target else pointed


def get_deployment(workspace: Workspace, name: str) -> Deployment:
    """Return what the deployment serves now.

    Raises:
        DeploymentMissing: the project declares no such deployment, or nothing was deployed yet.
    """
    found = {deployment.name: deployment for deployment in list_deployments(workspace)}
    if name not in found:
        raise missing_deployment(workspace, name)
    return found[name]


def forget_environment(workspace: Workspace) -> None:
    """Forget what the workspace's environment deployed, and its alias; its predictions stay."""
    environment, alias = workspace.settings.environment, environment_alias(workspace)
    models = {found.target.model for found in current_deployments(workspace.database, environment)}
    for model in models & {found.name for found in list_models(workspace)}:
        delete_alias(workspace, model, alias)
    drop_deployments(workspace.database, environment)


def missing_deployment(workspace: Workspace, name: str) -> DeploymentMissing:
    """Return the error for a deployment that nobody serves."""
    environment = workspace.settings.environment
    moved = [found for found in current_deployments(workspace.database) if found.name == name]
    if moved and name not in declared_names(workspace):
        return DeploymentMissing(
            f"deployment {name!r} is not declared any more, and so it is not served",
            hint=f"its history and its predictions are kept; declare it below `deploy:` in {PROJECT_FILE} again",
        )
    if moved:
        others = ", ".join(found.environment for found in moved)
        return DeploymentMissing(
            f"deployment {name!r} is not in environment {environment!r}",
            hint=f"it is in {others}: set ROPEWALK_ENVIRONMENT to name it",
        )
    names = [deployment.name for deployment in list_deployments(workspace)]
    return DeploymentMissing(
        f"there is no deployment {name!r}" if name else "there is no deployment",
        nearest=nearest(name, names),
        hint=f"deployed are: {', '.join(names)}"
        if names
        else "`ropewalk run` deploys what `deploy:` declares",
    )


def model_folder(workspace: Workspace, target: Target) -> Path:
    """Return the folder with the version's MLmodel file, brought from the registry at the first call.

    Raises:
        ModelNotServable: the version holds no MLmodel file.
    """
    place = workspace.state / "serving" / plain_file_name(target.model) / str(target.version)
    if not place.is_dir():
        place.parent.mkdir(parents=True, exist_ok=True)
        # The folder appears whole, by one rename, or not at all.
        incoming = Path(tempfile.mkdtemp(prefix="incoming-", dir=place.parent))
        try:
            version = get_version(workspace, target.model, str(target.version))
            materialise(workspace, version, incoming)
            _appear(incoming, place)
        finally:
            shutil.rmtree(incoming, ignore_errors=True)
    # Some clients log a model into a folder of its own inside the version.
    found = [place, *sorted(path for path in place.iterdir() if path.is_dir())]
    folder = next((path for path in found if (path / "MLmodel").is_file()), None)
    if folder is None:
        raise ModelNotServable(f"version {target.version} of {target.model!r} has no MLmodel file")
    return folder


def worker_spec(workspace: Workspace, deployment: Deployment, socket: str) -> WorkerSpec:
    """Return what a worker of this process must be told to serve `deployment` on `socket`.

    Raises:
        ModelNotServable: the version holds no MLmodel file.
    """
    target = deployment.target
    return WorkerSpec(
        folder=str(model_folder(workspace, target)),
        parent=os.getpid(),
        socket=socket,
        predictions=str(prediction_folder(workspace, deployment.name)),
        deployment=full_name(workspace, deployment.name),
        model=target.model,
        version=target.version,
        key=target.key_column,
    )


def worker_log(workspace: Workspace, name: str) -> Path:
    """Return the file that a worker's own output goes to."""
    return workspace.state / "logs" / f"serving-{plain_file_name(name)}.log"


def _appear(incoming: Path, place: Path) -> None:
    try:
        incoming.rename(place)
    except OSError:
        # Another process was first, with the same content.
        if not place.is_dir():
            raise
