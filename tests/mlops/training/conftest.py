"""Steps run through the pipeline, and the harness in this process against a real tracking endpoint."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType

import pytest

from ropewalk.mlops.tracking import create_run, endpoint
from ropewalk.mlops.training.execution import run_step
from ropewalk.mlops.training.job import Answer, Job
from ropewalk.pipeline import Limits, Node, Output, Task, Workspace
from ropewalk.project import load_project, read_steps
from ropewalk.settings import load_settings

RunStep = Callable[..., Output]
RunJob = Callable[..., tuple[Answer, str]]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """Return an open project that the tests of one module share."""
    root = tmp_path_factory.mktemp("project")
    (root / "ropewalk.yaml").write_text("project: test\n", encoding="utf-8")
    with Workspace(load_project(root, []), load_settings({})) as opened:
        yield opened


@pytest.fixture(scope="module")
def harness(workspace: Workspace) -> Iterator[ModuleType]:
    """Return the program of a step's process, with the MLflow client pointed at the workspace."""
    os.environ |= {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true"}
    with warnings.catch_warnings():
        # The client's own deprecations are not ours.
        warnings.simplefilter("ignore")
        import mlflow

        from ropewalk.mlops.training import harness
    with endpoint(workspace) as address:
        before = mlflow.get_tracking_uri()
        mlflow.set_tracking_uri(address)
        yield harness
        mlflow.set_tracking_uri(before)


@pytest.fixture
def make_job(workspace: Workspace, tmp_path: Path) -> Iterator[Callable[..., Job]]:
    """Return a function that writes a step's file and returns the job for its function `make`."""
    path, hooks, modules = list(sys.path), list(sys.path_hooks), set(sys.modules)

    def make(source: str, makes: str | None = "Metrics", **fields: object) -> Job:
        (workspace.root / "steps").mkdir(exist_ok=True)
        (workspace.root / "steps/work.py").write_text(source, encoding="utf-8")
        run_id = create_run(workspace, "test", "make", {}, {})
        staging = tmp_path / "staging"
        staging.mkdir(exist_ok=True)
        given = {"inputs": [], "parameters": {}, "staging": str(staging), **fields}
        return Job(
            str(workspace.root), str(workspace.state), "steps/work.py", "make", makes, run_id=run_id, **given
        )

    yield make
    # The harness owns its process and cleans nothing up; here others follow.
    sys.path[:], sys.path_hooks[:] = path, hooks
    sys.path_importer_cache.clear()
    for name in set(sys.modules) - modules:
        if name in ("work", "beside"):
            del sys.modules[name]


@pytest.fixture
def run_job(harness: ModuleType, make_job: Callable[..., Job]) -> RunJob:
    """Return a function that runs a step's source in this process and returns the answer and the run's id."""

    def run(source: str, makes: str | None = "Metrics", **fields: Mapping[str, object]) -> tuple[Answer, str]:
        job = make_job(source, makes, **fields)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return harness._run(job), job.run_id

    return run


@pytest.fixture
def steps(workspace: Workspace) -> Path:
    """Return the folder of the steps, made."""
    folder = workspace.root / "steps"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture
def make_task(write_project, open_workspace) -> Callable[..., Task]:
    """Return a function that writes a project with one step's file and returns the task to execute its first step."""

    def make(source: str, limits: Limits | None = None, **fields: object) -> Task:
        root = write_project({"steps/work.py": source})
        step = read_steps(root)[0]
        node = Node(f"step:{step.name}", step.place, step, limits or Limits())
        given = {"inputs": {}, "input_ids": {}, "report": lambda *_: None, **fields}
        return Task(node, "key", run_id="run", workspace=open_workspace(root), **given)

    return make


@pytest.fixture
def run_source(make_task: Callable[..., Task]) -> RunStep:
    """Return a function that runs the first step of a source in a process of its own."""
    return lambda source, **fields: run_step(make_task(source, **fields))
