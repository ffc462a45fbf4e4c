"""Projects of tables alone: planned and run through the real pipeline, without the other kinds of node."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from blank_state import add_state

from ropewalk.dataops.transform import TableKind
from ropewalk.pipeline import NodeResult, Workspace, declare_graph, execute
from ropewalk.pipeline.reasons import Reason
from ropewalk.project import load_project
from ropewalk.settings import load_settings

KINDS = {"table": TableKind()}
OpenTables = Callable[[Path], Workspace]
RunTables = Callable[[Workspace], dict[str, NodeResult]]


class Silent:
    """An observer that is told everything and says nothing."""

    def started(self, node_id: str, reasons: tuple[Reason, ...]) -> None: ...

    def progressed(self, node_id: str, done: float, total: float | None, text: str) -> None: ...

    def ended(self, result: NodeResult) -> None: ...


@pytest.fixture
def open_tables() -> Iterator[OpenTables]:
    """Return a function that opens the project at a root; all are closed after the test."""
    with ExitStack() as stack:

        def open_it(root: Path) -> Workspace:
            project = load_project(root, [])
            add_state(root / ".ropewalk")
            return stack.enter_context(Workspace(project, load_settings({})))

        yield open_it


@pytest.fixture
def run_tables() -> RunTables:
    """Return a function that brings every table of an open project up to date and returns the results by name."""

    def run(workspace: Workspace) -> dict[str, NodeResult]:
        graph = declare_graph(workspace.project, KINDS)
        result = execute(graph, KINDS, workspace, Silent())
        return {node.id.partition(":")[2]: node for node in result.nodes}

    return run


@pytest.fixture
def reopen_tables(open_tables: OpenTables) -> OpenTables:
    """Return a function that opens the project at a root, and next time reads its files anew in the open workspace.

    Starting the engine costs more than all that a small test does with it.
    """
    opened: list[Workspace] = []

    def reopen(root: Path) -> Workspace:
        if not opened:
            opened.append(open_tables(root))
        opened[0].project = load_project(root, [])
        return opened[0]

    return reopen
