"""The seams at which rooms join the house, ours first: sections, node kinds and HTTP routes.

A plugin is a module that implements any of the hooks below. The built-in ones are named in `BUILT_IN`;
others are found by the entry-point group `ropewalk`. Nothing is registered by importing a module for its
side effects: a hook is a function that returns values.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pluggy

from ropewalk.errors import Conflict

if TYPE_CHECKING:
    # The hooks speak of values that live further up; naming them is all this module does.
    from ropewalk.pipeline import Kept, NodeKind, Swept, Workspace
    from ropewalk.project import Section
    from ropewalk.routes import Route

hookspec = pluggy.HookspecMarker("ropewalk")
hookimpl = pluggy.HookimplMarker("ropewalk")

BUILT_IN = (
    "ropewalk.pipeline.plugin",
    "ropewalk.dataops.plugin",
    "ropewalk.mlops.plugin",
    "ropewalk.devops.plugin",
)


class PluginConflict(Conflict):
    """Two installed plugins register one name, and only one of them could count."""

    code = "RW303"


@hookspec
def project_sections() -> list[Section]:  # type: ignore[empty-body]  # a specification has no body
    """Return the sections of `ropewalk.yaml` that this plugin understands."""


@hookspec
def node_kinds() -> list[NodeKind]:  # type: ignore[empty-body]  # a specification has no body
    """Return the kinds of node that this plugin can declare and execute."""


@hookspec
def http_routes(workspace: Workspace) -> list[Route]:  # type: ignore[empty-body]  # a specification has no body
    """Return the routes that this plugin answers for one project."""


@hookspec
def live_objects(workspace: Workspace, kept: Kept) -> Iterable[str]:  # type: ignore[empty-body]  # a specification has no body
    """Return the digests of the objects that this plugin's content consists of: they are not collected as garbage."""


@hookspec
def sweep(workspace: Workspace, kept: Kept) -> list[Swept]:  # type: ignore[empty-body]  # a specification has no body
    """Remove the content of this plugin's own that nothing in `kept` stands for, and return what that was.

    Nothing that was made or used after `kept.before_ms` may be removed, and nothing at all when `kept.is_dry`. A kill
    anywhere must leave a consistent state.
    """


@cache
def plugin_manager() -> pluggy.PluginManager:
    """Return the manager with the built-in and the installed plugins registered."""
    manager = pluggy.PluginManager("ropewalk")
    manager.add_hookspecs(importlib.import_module(__name__))
    # By name, so that this floor imports nothing of the rooms above it.
    for name in BUILT_IN:
        manager.register(importlib.import_module(name), name)
    # The standard library's way reads the metadata of every installed package; most environments have no plugin.
    if _has_plugins(sys.path):
        manager.load_setuptools_entrypoints("ropewalk")
    return manager


def _has_plugins(folders: Iterable[str]) -> bool:
    """Return whether a package installed in one of the `folders` has entry points of the group `ropewalk`."""
    for folder in folders:
        with suppress(OSError):
            if any(_has_group(path) for path in Path(folder).glob("*-info/entry_points.txt")):
                return True
    return False


def _has_group(entry_points: Path) -> bool:
    return b"[ropewalk]" in entry_points.read_bytes()


def sections() -> list[Section]:
    """Return every section of `ropewalk.yaml` that some plugin understands.

    Raises:
        PluginConflict: two plugins understand one section.
    """
    found = [section for part in plugin_manager().hook.project_sections() for section in part]
    _refuse_doubles("section", [section.key for section in found])
    return found


def kinds() -> dict[str, NodeKind]:
    """Return every node kind by its name.

    Raises:
        PluginConflict: two plugins have a kind of one name.
    """
    found = [kind for part in plugin_manager().hook.node_kinds() for kind in part]
    _refuse_doubles("node kind", [kind.name for kind in found])
    return {kind.name: kind for kind in found}


def routes(workspace: Workspace) -> list[Route]:
    """Return every route that some plugin answers for the project of `workspace`."""
    return [route for found in plugin_manager().hook.http_routes(workspace=workspace) for route in found]


def named_objects(workspace: Workspace, kept: Kept) -> set[str]:
    """Return the digests of all objects that some plugin's content consists of."""
    found = plugin_manager().hook.live_objects(workspace=workspace, kept=kept)
    return {digest for part in found for digest in part}


def sweep_rooms(workspace: Workspace, kept: Kept) -> list[Swept]:
    """Let every plugin remove what nothing stands for any more, and return what that was."""
    return [swept for part in plugin_manager().hook.sweep(workspace=workspace, kept=kept) for swept in part]


def _refuse_doubles(what: str, names: list[str]) -> None:
    double = next((name for name in names if names.count(name) > 1), None)
    if double:
        raise PluginConflict(
            f"two plugins register the {what} {double!r}", hint="uninstall one of the two packages"
        )
