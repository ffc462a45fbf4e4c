"""A project for each test: what is removed for good must not be another test's."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ropewalk.mlops.tracking import create_run, finish_run
from ropewalk.mlops.tracking.artifacts import place_artifact
from ropewalk.pipeline import Workspace

AddRun = Callable[..., str]


@pytest.fixture
def project(write_project: Callable[..., object], open_workspace: Callable[..., Workspace]) -> Workspace:
    """Return a project with nothing in it."""
    return open_workspace(write_project({}))


@pytest.fixture
def add_run(project: Workspace) -> AddRun:
    """Return a function that adds a finished run with one file and returns its id."""

    def add(experiment: str = "e", tags: dict[str, str] | None = None, name: str = "run") -> str:
        run_id = create_run(project, experiment, name, tags or {}, {"depth": "3"})
        place_artifact(
            project, f"{_experiment_id(project, run_id)}/{run_id}/artifacts/a.txt", project.objects.put_bytes(b"a")
        )
        finish_run(project, run_id, "FINISHED")
        return run_id

    return add


def _experiment_id(project: Workspace, run_id: str) -> str:
    from ropewalk.mlops.tracking import get_run

    return get_run(project, run_id).experiment_id
