"""Pointing deployments at model versions: tried in a fresh process first, then moved in one step."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from urllib.parse import quote

from ropewalk.devops.serving.declared import declared_names
from ropewalk.devops.serving.errors import DeploymentMissing, ModelNotServable
from ropewalk.devops.serving.process import WorkerProcess
from ropewalk.devops.serving.words import WorkerSpec
from ropewalk.errors import nearest
from ropewalk.mlops.registry import get_version, materialise, set_alias
from ropewalk.pipeline import Workspace
from ropewalk.project import PROJECT_FILE
from ropewalk.store.deployments import (
    Deployment,
    Target,
    current_deployment,
    current_deployments,
    move_deployment,
)

PRODUCTION = "production"


def deploy(workspace: Workspace, name: str, target: Target, run_id: str | None = None) -> Deployment:
    """Make the deployment serve `target`, after its model has predicted an example in a fresh process.

    A deployment that is there already stays as it is. The version also gets the alias `production`.

    Raises:
        ModelNotServable: the model does not load or predict; the deployment keeps what it serves.
        RevisionTaken: someone else moved the deployment meanwhile.
    """
    # Read before the trial, which takes its time: a move by someone else meanwhile is then noticed.
    before = current_deployment(workspace.database, name)
    try_model(workspace, target)
    moved = before
    if before is None or before.target != target:
        expected = before.revision if before else 0
        moved = move_deployment(workspace.database, name, target, expected=expected, run_id=run_id)
    assert moved is not None
    # Also when nothing moved: a run that was killed before this line left the alias behind.
    set_alias(workspace, target.model, PRODUCTION, str(target.version))
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
    """Return what each deployment that the project declares serves now, by name."""
    declared = declared_names(workspace)
    return [found for found in current_deployments(workspace.database) if found.name in declared]


def get_deployment(workspace: Workspace, name: str) -> Deployment:
    """Return what the deployment serves now.

    Raises:
        DeploymentMissing: the project declares no such deployment, or nothing was deployed yet.
    """
    found = {deployment.name: deployment for deployment in list_deployments(workspace)}
    if name not in found:
        raise missing_deployment(workspace, name)
    return found[name]


def missing_deployment(workspace: Workspace, name: str) -> DeploymentMissing:
    """Return the error for a deployment that nobody serves."""
    if current_deployment(workspace.database, name):
        return DeploymentMissing(
            f"deployment {name!r} is not declared any more, and so it is not served",
            hint=f"its history and its predictions are kept; declare it below `deploy:` in {PROJECT_FILE} again",
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
    place = workspace.state / "serving" / _plain(target.model) / str(target.version)
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
        deployment=deployment.name,
        model=target.model,
        version=target.version,
        key=target.key_column,
    )


def prediction_folder(workspace: Workspace, name: str) -> Path:
    """Return the folder of a deployment's prediction segments."""
    return workspace.state / "predictions" / _plain(name)


def worker_log(workspace: Workspace, name: str) -> Path:
    """Return the file that a worker's own output goes to."""
    return workspace.state / "logs" / f"serving-{_plain(name)}.log"


def _appear(incoming: Path, place: Path) -> None:
    try:
        incoming.rename(place)
    except OSError:
        # Another process was first, with the same content.
        if not place.is_dir():
            raise


def _plain(name: str) -> str:
    """Return `name` as a file name that cannot lead out of its folder."""
    # `quote` leaves dots alone, and `..` is a way out.
    return quote(name, safe="").replace(".", "%2E")
