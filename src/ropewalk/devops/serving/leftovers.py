"""Serving's part in collecting garbage: deployments of environments that are gone, and copies of models."""

from __future__ import annotations

import shutil
from pathlib import Path

from ropewalk.devops.serving.places import plain_file_name
from ropewalk.mlops.registry import delete_alias, list_models
from ropewalk.pipeline import Kept, Swept, Workspace, files_below
from ropewalk.store.deployments import current_deployments, drop_deployments


def sweep_serving(workspace: Workspace, kept: Kept) -> list[Swept]:
    """Forget what nobody serves any more, and return what that was; predictions stay."""
    return [_forget_deployments(workspace, kept), _remove_copies(workspace, kept)]


def _forget_deployments(workspace: Workspace, kept: Kept) -> Swept:
    found = current_deployments(workspace.database)
    young = {deployment.environment for deployment in found if deployment.moved_at >= kept.before_ms}
    gone = [one for one in found if one.environment not in kept.environments | young]
    if not kept.is_dry:
        models = {model.name for model in list_models(workspace)}
        for deployment in gone:
            # The alias first: as long as the deployment is known, so is what is left to do.
            if deployment.target.model in models:
                delete_alias(workspace, deployment.target.model, deployment.environment)
        for environment in {deployment.environment for deployment in gone}:
            drop_deployments(workspace.database, environment)
    return Swept("deployments", len(gone))


def _remove_copies(workspace: Workspace, kept: Kept) -> Swept:
    found = current_deployments(workspace.database)
    served = {(plain_file_name(one.target.model), str(one.target.version)) for one in found}
    # A worker of the version before may still be ending its last requests.
    moved = {plain_file_name(one.target.model) for one in found if one.moved_at >= kept.before_ms}
    count = size = 0
    for folder in sorted((workspace.state / "serving").glob("*/*/")):
        model, version = folder.parent.name, folder.name
        is_copy = version.isdecimal() and model not in moved
        if is_copy and (model, version) not in served and folder.stat().st_mtime * 1000 < kept.before_ms:
            count, size = count + 1, size + _size(folder)
            if not kept.is_dry:
                _remove(folder)
    return Swept("copies of models", count, size)


def _remove(folder: Path) -> None:
    # Out of the way by one rename: half a model must never be found in its place.
    going = folder.with_name(f"incoming-gone-{folder.name}")
    shutil.rmtree(going, ignore_errors=True)
    folder.replace(going)
    shutil.rmtree(going, ignore_errors=True)


def _size(folder: Path) -> int:
    # Copies share their bytes with objects where links are possible; those are freed with the objects.
    return sum(stat.st_size for _, stat in files_below(folder) if stat.st_nlink == 1)
