"""The lake of an open project: where its settings say, committed to in the name of who works on it."""

from __future__ import annotations

from functools import lru_cache, partial
from pathlib import Path

from ropewalk.dataops.lake.home import find_home
from ropewalk.dataops.lake.lake import AUTHOR, Lake
from ropewalk.pipeline import Workspace
from ropewalk.project import user_name


def open_lake(workspace: Workspace) -> Lake:
    """Return the lake of the open project; it is closed with the workspace.

    Raises:
        InvalidSetting: the settings name no place for it.
    """
    return workspace.once("lake", lambda: _open(workspace))


def _open(workspace: Workspace) -> Lake:
    home = find_home(workspace.settings, workspace.state, workspace.root)
    # Who builds a large table holds the lease for as long as a step may take; one that dies gives it back.
    wait_s = float(workspace.settings.step_timeout)
    return Lake(home, wait_s, workspace.stopping, partial(_sign, workspace))


def _sign(workspace: Workspace, message: str) -> tuple[str, str]:
    """Return who commits to the lake, and `message` with the run that it is part of."""
    run = f" (run {workspace.run_id})" if workspace.run_id else ""
    return workspace.settings.author or _git_user(workspace.root), f"{message}{run}"


# Asked once: it takes a process.
@lru_cache(maxsize=8)
def _git_user(root: Path) -> str:
    return user_name(root) or AUTHOR
