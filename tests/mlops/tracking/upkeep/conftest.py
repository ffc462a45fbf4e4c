"""A project for each test: what is removed for good must not be another test's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from ropewalk.mlops.tracking import create_run, finish_run, keep_run_file, log_metrics
from ropewalk.pipeline import Workspace

AddRun = Callable[..., str]


@pytest.fixture
def project(
    write_project: Callable[[Mapping[str, str]], Path], open_workspace: Callable[[Path], Workspace]
) -> Workspace:
    """Return a project with nothing in it."""
    return open_workspace(write_project({}))


@pytest.fixture
def add_run(project: Workspace) -> AddRun:
    """Return a function that adds a finished run with one metric and one file and returns its id."""

    def add(experiment: str = "e", name: str = "run", auc: float = 0.5, **tags: str) -> str:
        named = {key.replace("__", "."): value for key, value in tags.items()}
        run_id = create_run(project, experiment, name, named, {"depth": "3"})
        log_metrics(project, run_id, {"auc": auc})
        keep_run_file(project, run_id, "a.txt", name.encode())
        finish_run(project, run_id, "FINISHED")
        return run_id

    return add
