"""What a deployment's recorded output says it serves, and the deployments that an environment's pointers tell of.

An environment that was forked points at the deployments of its base without having moved them: they are served
there as the pointer says, until a run moves them. Where releases are applied it is always the pointer that counts.
"""

from __future__ import annotations

from collections.abc import Collection

from ropewalk.errors import NotFound
from ropewalk.mlops.registry import get_version, list_versions
from ropewalk.pipeline import Output, Workspace, base_of, is_protected, to_record
from ropewalk.store.deployments import Deployment, Target
from ropewalk.store.environments import get_environment, pointers
from ropewalk.store.pipeline import get_action


def recorded_target(workspace: Workspace, output: Output) -> Target | None:
    """Return what the output of a deployment's node made it serve; None when that version is gone."""
    model, version = str(output.summary["model"]), str(output.summary["version"])
    try:
        found = get_version(workspace, model, version)
    except NotFound:
        return None
    return Target(model, int(found.version), found.digest, str(output.summary["key"]))


def known_targets(workspace: Workspace, model: str, key_column: str) -> list[Target]:
    """Return a target for each version of the model that is registered here, newest first; none without the model."""
    try:
        versions = list_versions(workspace, model)
    except NotFound:
        return []
    return [Target(model, int(found.version), found.digest, key_column) for found in versions]


def pointed_deployments(workspace: Workspace, names: Collection[str]) -> dict[str, Deployment]:
    """Return what the environment's pointers have of the deployments `names`, by name."""
    if not names:
        return {}
    environment = workspace.settings.environment
    keys = pointers(workspace.database, _pointed_by(workspace, environment))
    found = {name: keys[f"deployment:{name}"] for name in names if f"deployment:{name}" in keys}
    served = {name: _deployment(workspace, name, key) for name, key in found.items()}
    return {name: deployment for name, deployment in served.items() if deployment}


def _pointed_by(workspace: Workspace, environment: str) -> str:
    """Return the environment whose pointers count: before its first run, that from which it will be forked."""
    if get_environment(workspace.database, environment) or is_protected(workspace.project, environment):
        return environment
    return base_of(workspace, environment) or environment


def _deployment(workspace: Workspace, name: str, key: str) -> Deployment | None:
    action = get_action(workspace.database, key)
    if action is None:
        return None
    target = recorded_target(workspace, to_record(action).output)
    if target is None:
        return None
    # Revision 0: the environment itself has not moved it.
    return Deployment(workspace.settings.environment, name, 0, target, action.run_id, action.finished_at)
