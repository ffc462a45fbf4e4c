"""From the options of a command to an open project: the only place that reads the process's environment."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from ropewalk import plugins
from ropewalk.pipeline import Graph, NodeKind, Workspace, declare_graph
from ropewalk.project import find_root, load_project
from ropewalk.settings import Settings, load_settings


@dataclass(frozen=True)
class Session:
    """An open project with its kinds; its graph is declared when asked for."""

    workspace: Workspace
    kinds: dict[str, NodeKind]

    def graph(self) -> Graph:
        """Return the declared graph, read anew from the project's files."""
        return declare_graph(self.workspace.project, self.kinds)


def current_settings(**overrides: object) -> Settings:
    """Return the settings in force, with what a command's options override."""
    return load_settings(os.environ, **overrides)


def directory() -> Path:
    """Return the folder that `-C` names, or the current one."""
    folder: Path = click.get_current_context().find_root().obj["directory"]
    return folder


@contextmanager
def open_session(*, has_logs: bool = False, **overrides: object) -> Iterator[Session]:
    """Open the project of the current folder (or `-C`).

    Args:
        has_logs: whether the command's work emits log events; reading commands have none to tell.
        overrides: settings that the command's own options name.

    Raises:
        NoProject: there is no project here.
    """
    settings = current_settings(**overrides)
    if has_logs:
        # structlog costs more CPU than the rest of a short command, so only those that need it pay.
        from ropewalk.logs import configure_logs

        configure_logs(settings)
    project = load_project(find_root(directory()), plugins.sections())
    # The project first: state is made only where there is one to keep it for.
    with Workspace(project, settings) as workspace:
        yield Session(workspace, plugins.kinds())
