"""A project on disk that has been run, can be edited and put back, and is planned by the real planner."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import shop
from edits import Edit
from oracle import outcomes

from ropewalk import plugins
from ropewalk.mlops.training import StepKind
from ropewalk.pipeline import (
    Graph,
    Node,
    NodeKind,
    Output,
    State,
    Status,
    Task,
    Workspace,
    current_records,
    declare_graph,
    execute,
    make_plan,
)
from ropewalk.project import load_project
from ropewalk.settings import load_settings


class RecordedStep(StepKind):
    """Steps that are declared and keyed like any, and whose execution is recorded without being done.

    Planning looks at what was recorded, not at what was made; so nothing it does is left out.
    """

    def execute(self, task: Task) -> Output:
        """Return an output that stands for the step's."""
        return Output(task.key, f"run:{task.key}")

    def holds(self, node: Node, key: str, output: Output, workspace: Workspace) -> bool:
        """Return that it is still there."""
        return True


class _Quiet:
    def started(self, *_: object) -> None: ...

    def progressed(self, *_: object) -> None: ...

    def ended(self, *_: object) -> None: ...


class Bench:
    """The shop below a folder, run once; a context manager that takes its packages off Python's path again."""

    def __init__(self, folder: Path) -> None:
        self.root, self.site = folder / "shop", folder / "site"
        for path, text in shop.FILES.items():
            _write(self.root / path, text)
        for name, (version, code, needs) in shop.PACKAGES.items():
            self._install(name, version, code, needs)

    def __enter__(self) -> Self:
        sys.path.append(str(self.site))
        self.before = outcomes(self.root, self.site)
        self.inputs = self._run()
        return self

    def __exit__(self, *_: object) -> None:
        sys.path.remove(str(self.site))

    @contextmanager
    def applied(self, edit: Edit) -> Iterator[None]:
        """Make the edit, and take it back at the end."""
        times = {path: _times(self.root / path) for path in edit.files}
        for path, text in edit.files.items():
            _write(self.root / path, text)
            if edit.touch:
                os.utime(self.root / path)
            elif edit.keeps_time and (kept := times[path]):
                os.utime(self.root / path, ns=kept)
        for name, package in edit.packages.items():
            self._install(name, *(package or (None, "")), shop.PACKAGES.get(name, ("", "", []))[2])
        try:
            yield
        finally:
            for path in edit.files:
                _write(self.root / path, shop.FILES.get(path))
                _drop_empty(self.root / path, self.root)
            for name in edit.packages:
                version, code, needs = shop.PACKAGES.get(name, (None, "", []))
                self._install(name, version, code, needs)

    def differing_steps(self) -> set[str]:
        """Return the steps that do something else than before."""
        return {name for name, found in outcomes(self.root, self.site).items() if found != self.before[name]}

    def plan(self, parameters: Mapping[str, str]) -> dict[str, bool]:
        """Return for each node whether the plan would run it for a reason of its own."""
        with self._open(parameters) as (workspace, kinds, graph):
            plan = make_plan(graph, kinds, workspace, current_records(workspace))
        return {node.id: node.status in {Status.STALE, Status.RESTORED} for node in plan.nodes}

    def descendants(self, nodes: Iterable[str]) -> set[str]:
        """Return the nodes that need any of `nodes`, directly or through others."""
        found = set(nodes)
        # Inputs come before what needs them.
        for node, needed in self.inputs.items():
            if not found.isdisjoint(needed):
                found.add(node)
        return found - set(nodes)

    def _run(self) -> dict[str, set[str]]:
        with self._open({}) as (workspace, kinds, graph):
            result = execute(graph, kinds, workspace, _Quiet())
            failed = [node for node in result.nodes if node.state is State.FAILED]
            if failed:
                raise RuntimeError(str(failed))
            return {node: set(inputs.values()) for node, inputs in _in_order(graph).items()}

    @contextmanager
    def _open(
        self, parameters: Mapping[str, str]
    ) -> Iterator[tuple[Workspace, Mapping[str, NodeKind], Graph]]:
        project = load_project(self.root, plugins.sections()).with_parameters(parameters)
        kinds: dict[str, NodeKind] = {**plugins.kinds(), "step": RecordedStep()}
        with Workspace(project, load_settings({}, environment="dev")) as workspace:
            yield workspace, kinds, declare_graph(project, kinds)

    def _install(self, name: str, version: str | None, code: str, needs: Iterable[str]) -> None:
        for old in self.site.glob(f"{name}-*.dist-info"):
            shutil.rmtree(old)
        _write(self.site / name / "__init__.py", code if version else None)
        _drop_empty(self.site / name / "__init__.py", self.site)
        if version:
            lines = [f"Name: {name}", f"Version: {version}", *(f"Requires-Dist: {need}" for need in needs)]
            metadata = self.site / f"{name}-{version}.dist-info"
            _write(metadata / "METADATA", "\n".join(lines) + "\n")
            _write(metadata / "RECORD", f"{name}/__init__.py,,\n")


def _in_order(graph: Graph) -> dict[str, Mapping[str, str]]:
    return {node: graph.inputs[node] for node in graph.nodes}


def _write(path: Path, text: str | None) -> None:
    if text is None:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _drop_empty(path: Path, top: Path) -> None:
    """Remove the folders above `path` that hold nothing, up to `top`: an empty folder can be imported."""
    for folder in path.parents:
        if folder == top or any(folder.iterdir() if folder.is_dir() else ()):
            return
        if folder.is_dir():
            folder.rmdir()


def _times(path: Path) -> tuple[int, int] | None:
    if not path.exists():
        return None
    found = path.stat()
    return found.st_atime_ns, found.st_mtime_ns
