"""Opening projects that are given as files, with their tables made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from ropewalk.dataops.transform import TableKind
from ropewalk.pipeline import Workspace, declare_graph, execute
from ropewalk.project import Section, load_project
from ropewalk.settings import load_settings

OpenProject = Callable[..., Workspace]


class Silent:
    """An observer that says nothing."""

    def started(self, *_): ...

    def progressed(self, *_): ...

    def ended(self, _): ...


@pytest.fixture
def open_project(write_project) -> Iterator[OpenProject]:
    """Return a function that opens a project given as files, and runs its tables if that is wanted."""
    with ExitStack() as stack:

        def open_it(files: dict[str, str], *, run: bool = True) -> Workspace:
            root: Path = write_project(files)
            project = load_project(root, [Section("sources", dict, "sources")])
            workspace = stack.enter_context(Workspace(project, load_settings({})))
            if run:
                kinds = {"table": TableKind()}
                execute(declare_graph(project, kinds), kinds, workspace, Silent())
            return workspace

        yield open_it
