"""From the options of a command to an open project: the only place that reads the process's environment."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import click

from ropewalk import plugins
from ropewalk.logs import expect_logs
from ropewalk.pipeline import Graph, NodeKind, Workspace, declare_graph, environment_name
from ropewalk.project import current_branch, find_root, load_project
from ropewalk.settings import Settings, load_settings
from ropewalk.store.environments import list_environments


@dataclass(frozen=True)
class Session:
    """An open project with its kinds; its graph is declared when asked for."""

    workspace: Workspace
    kinds: dict[str, NodeKind]

    @cached_property
    def _graph(self) -> Graph:
        graph = declare_graph(self.workspace.project, self.kinds)
        # A schedule that names what is not there is told of now, and not at three in the morning.
        if self.workspace.project.entries("schedule"):
            # Cron and time zones are loaded for those who have a schedule.
            from ropewalk.pipeline import check_schedules

            check_schedules(self.workspace.project, graph, self.kinds)
        return graph

    def graph(self) -> Graph:
        """Return the declared graph, read from the project's files at the first call."""
        return self._graph


def environment_option(command: Callable[..., object]) -> Callable[..., object]:
    """Add the option by which a command works in another environment than the branch's."""
    return click.option(
        "-e", "--environment", metavar="ENV", help="Work in this environment instead of the branch's own."
    )(command)


def parameter_option(command: Callable[..., object]) -> Callable[..., object]:
    """Add the option that sets parameters of steps; the command gets them as a dictionary of texts."""
    return click.option(
        "-p",
        "--parameter",
        "parameters",
        multiple=True,
        metavar="STEP.NAME=VALUE",
        callback=_read_parameters,
        help="Set a step's parameter for this command, such as train.max_depth=8; may be given again.",
    )(command)


def _read_parameters(
    _context: click.Context, _parameter: click.Parameter, given: tuple[str, ...]
) -> dict[str, str]:
    found = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or "." not in name:
            message = f"{text!r} is not STEP.NAME=VALUE, such as train.max_depth=8"
            raise click.BadParameter(message)
        found[name] = value
    return found


def take_environment(session: Session, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of nodes in `names`; a first one that is an environment's is where the session goes on."""
    workspace = session.workspace
    if not names or names[0] in session.graph().names:
        return names
    known = {*workspace.project.entries("environments")}
    known |= {row.name for row in list_environments(workspace.database)}
    if names[0] not in known:
        return names
    workspace.settings = replace(workspace.settings, environment=names[0])
    return names[1:]


def current_settings(**overrides: object) -> Settings:
    """Return the settings in force, with what a command's options override."""
    return load_settings(os.environ, **overrides)


def directory() -> Path:
    """Return the folder that `-C` names, or the current one."""
    folder: Path = click.get_current_context().find_root().obj["directory"]
    return folder


@contextmanager
def open_session(*, parameters: Mapping[str, str] | None = None, **overrides: object) -> Iterator[Session]:
    """Open the project of the current folder (or `-C`).

    Args:
        parameters: what the command sets in place of steps' defaults, as text.
        overrides: settings that the command's own options name.

    Raises:
        NoProject: there is no project here.
    """
    settings = current_settings(**overrides)
    root = find_root(directory())
    if not settings.environment:
        settings = replace(settings, environment=environment_name(current_branch(root), os.environ))
    if not settings.author and (user := os.environ.get("GITLAB_USER_NAME")):
        settings = replace(settings, author=user)
    expect_logs(settings)
    project = load_project(root, plugins.sections()).with_parameters(parameters or {})
    # The project first: state is made only where there is one to keep it for.
    with Workspace(project, settings) as workspace:
        yield Session(workspace, plugins.kinds())
