"""Kinds that are loaded when a project has something for them: what nobody uses costs nobody's start."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property

from ropewalk.pipeline.values import Node, NodeKind, Output, Packed, Probe, Task
from ropewalk.pipeline.workspace import Workspace
from ropewalk.project import Project, files_below


class DeferredKind(NodeKind):
    """Stands for a kind until a project declares a node of it.

    Args:
        name: the kind's name.
        address: the room's door and the name of the class there, `ropewalk.mlops.training:StepKind`.
        is_used: whether a project can have nodes of the kind; asked before anything is loaded.
    """

    def __init__(self, name: str, address: str, is_used: Callable[[Project], bool]) -> None:
        self._name = name
        self._address = address
        self._is_used = is_used

    @property
    def name(self) -> str:
        """The kind's name."""
        return self._name

    @property
    def is_released(self) -> bool:
        """What the kind says."""
        return self.kind.is_released

    @property
    def replays(self) -> bool:
        """What the kind says."""
        return self.kind.replays

    @property
    def observes(self) -> bool:
        """What the kind says."""
        return self.kind.observes

    @cached_property
    def kind(self) -> NodeKind:
        """The kind itself, loaded at the first use."""
        door, _, name = self._address.partition(":")
        kind: NodeKind = getattr(importlib.import_module(door), name)()
        return kind

    def declare(self, project: Project) -> Iterable[Node]:
        """Return the kind's nodes; none, and nothing loaded, when the project has no use for it."""
        return self.kind.declare(project) if self._is_used(project) else ()

    def probe(self, node: Node, workspace: Workspace, last: Output | None) -> Probe:
        """Ask the kind."""
        return self.kind.probe(node, workspace, last)

    def holds(self, node: Node, key: str, output: Output, workspace: Workspace) -> bool:
        """Ask the kind."""
        return self.kind.holds(node, key, output, workspace)

    def execute(self, task: Task) -> Output:
        """Have the kind do it."""
        return self.kind.execute(task)

    def adopt(self, node: Node, output: Output, workspace: Workspace) -> None:
        """Have the kind do it."""
        self.kind.adopt(node, output, workspace)

    def show(self, node: Node, output: Output, workspace: Workspace) -> None:
        """Have the kind do it."""
        self.kind.show(node, output, workspace)

    def packages(self, facts: Mapping[str, str]) -> dict[str, str]:
        """Ask the kind."""
        return self.kind.packages(facts)

    def with_packages(self, node: Node, packages: Mapping[str, str]) -> Node:
        """Ask the kind."""
        return self.kind.with_packages(node, packages)

    def pack(self, node: Node, output: Output, workspace: Workspace) -> Packed | None:
        """Have the kind do it."""
        return self.kind.pack(node, output, workspace)

    def unpack(self, node: Node, key: str, packed: Packed, workspace: Workspace) -> Output:
        """Have the kind do it."""
        return self.kind.unpack(node, key, packed, workspace)


def has_entries(section: str) -> Callable[[Project], bool]:
    """Return whether a project has entries in a section of its file, as a function of the project."""
    return lambda project: bool(project.entries(section))


def has_text(folder: str, text: str) -> Callable[[Project], bool]:
    """Return whether a Python file below a project's folder has `text` in it, as a function of the project."""
    return lambda project: any(
        text.encode() in path.read_bytes() for path in files_below(project.root / folder, ".py")
    )


def has_folder(*names: str) -> Callable[[Project], bool]:
    """Return whether a project has one of these folders, as a function of the project."""
    return lambda project: any((project.root / name).exists() for name in names)
