"""What every test may use: projects written from text, and open workspaces."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import settings

from ropewalk import plugins
from ropewalk.pipeline import Workspace
from ropewalk.project import load_project
from ropewalk.settings import load_settings

WriteProject = Callable[[Mapping[str, str]], Path]
OpenWorkspace = Callable[[Path], Workspace]


# A property holds or does not; how long one example takes on a busy machine is no part of it.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


@pytest.fixture
def write_project(tmp_path: Path) -> WriteProject:
    """Return a function that writes files (path -> text) as a project and returns its root."""

    def write(files: Mapping[str, str]) -> Path:
        root = tmp_path / "project"
        for name, text in {"ropewalk.yaml": "project: test\n", **files}.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text), encoding="utf-8")
        return root

    return write


@pytest.fixture
def open_workspace() -> Iterator[OpenWorkspace]:
    """Return a function that opens the project at a root; all are closed after the test."""
    with ExitStack() as stack:

        def open_it(root: Path) -> Workspace:
            project = load_project(root, plugins.sections())
            return stack.enter_context(Workspace(project, load_settings({})))

        yield open_it
