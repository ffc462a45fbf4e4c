"""Which environment a command works in, and what it starts from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from ropewalk.pipeline.errors import ProtectedEnvironment
from ropewalk.pipeline.workspace import Workspace
from ropewalk.project import Project
from ropewalk.store.environments import EnvironmentRow, ensure_environment, get_environment

if TYPE_CHECKING:
    from ropewalk.pipeline.declared import EnvironmentEntry

DEFAULT = "dev"
PRODUCTION = "production"
LONGEST_NAME = 63
# What a clone is on before anybody branches; CI says which one it is.
DEFAULT_BRANCHES = ("main", "master", "trunk")


def environment_name(branch: str | None, environ: Mapping[str, str]) -> str:
    """Return the environment of a checkout that names none: `mr-<iid>`, `branch-<name>`, or `dev` on the default branch.

    Args:
        branch: the branch of the checkout, if it is on one.
        environ: the process's environment; GitLab CI names merge request and branches there.
    """
    if iid := environ.get("CI_MERGE_REQUEST_IID"):
        return f"mr-{iid}"
    # In CI the checkout has no branch, and its variable says which one it was.
    branch = branch or environ.get("CI_COMMIT_BRANCH")
    default = environ.get("CI_DEFAULT_BRANCH")
    if branch is None or branch == default or (default is None and branch in DEFAULT_BRANCHES):
        return DEFAULT
    return branch_environment(branch)


def branch_environment(branch: str) -> str:
    """Return `branch-<name>`, in lower case and with hyphens for what a name cannot hold."""
    slug = re.sub(r"[^a-z0-9]+", "-", branch.lower()).strip("-")
    return f"branch-{slug}"[:LONGEST_NAME].rstrip("-")


def declared_environment(project: Project, name: str) -> EnvironmentEntry | None:
    """Return what `ropewalk.yaml` says of the environment, or None."""
    entry = project.entries("environments").get(name)
    # The section's model is an EnvironmentEntry; naming the class here would load pydantic for every project.
    return None if entry is None else cast("EnvironmentEntry", entry.value)


def is_protected(project: Project, name: str) -> bool:
    """Return whether only a release may move the environment."""
    entry = declared_environment(project, name)
    return entry is not None and entry.protected


def open_environment(workspace: Workspace) -> EnvironmentRow:
    """Return the workspace's environment; at its first use it gets the pointers of its base.

    The base is the declared one, else `production`, else `dev`. A protected environment begins empty.
    """
    name = workspace.settings.environment
    # Only a release brings anything there, also when a run that moves no pointers comes first.
    base = None if is_protected(workspace.project, name) else base_of(workspace, name)
    return ensure_environment(workspace.database, name, base)


def base_of(workspace: Workspace, name: str) -> str | None:
    """Return the environment that `name` starts from and is compared with; None when there is none yet."""
    entry = declared_environment(workspace.project, name)
    for base in (entry.base if entry else None, PRODUCTION, DEFAULT):
        if base is not None and base != name and get_environment(workspace.database, base):
            return base
    return None


def require_unprotected(workspace: Workspace) -> None:
    """Refuse to run in an environment that only a release may move.

    Raises:
        ProtectedEnvironment: it is one.
    """
    name = workspace.settings.environment
    if is_protected(workspace.project, name):
        raise ProtectedEnvironment(
            f"environment {name!r} is protected: a run must not move it",
            hint=f"run in another environment, `ropewalk promote {name}`, then `ropewalk apply {name}`",
        )
