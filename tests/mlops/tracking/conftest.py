"""A served project, and the unmodified MLflow client pointed at it."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

from ropewalk.mlops.tracking import endpoint
from ropewalk.pipeline import Workspace
from ropewalk.project import load_project
from ropewalk.settings import load_settings

Call = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def workspace(
    tmp_path_factory: pytest.TempPathFactory, module_environ: dict[str, str]
) -> Iterator[Workspace]:
    """Return an open project that the tests of one module share."""
    root = tmp_path_factory.mktemp("project")
    (root / "ropewalk.yaml").write_text("project: test\n", encoding="utf-8")
    with Workspace(load_project(root, []), load_settings(module_environ)) as opened:
        yield opened


@pytest.fixture(scope="module")
def url(workspace: Workspace) -> Iterator[str]:
    """Return the address at which the project's tracking endpoint answers."""
    with endpoint(workspace) as address:
        yield address


@pytest.fixture(scope="module")
def http(url: str) -> Iterator[httpx.Client]:
    """Return a plain HTTP client for the endpoint."""
    with httpx.Client(base_url=url) as client:
        yield client


@pytest.fixture(scope="module")
def call(http: httpx.Client) -> Call:
    """Return a function that calls a path of the protocol and returns the answer's object."""

    def send(method: str, path: str, status: int = 200, **content: Any) -> dict[str, Any]:
        response = http.request(method, f"/api/2.0/mlflow/{path}", **content)
        assert response.status_code == status, response.text
        return dict(response.json())

    return send


@pytest.fixture(scope="module")
def experiment(call: Call, request: pytest.FixtureRequest) -> str:
    """Return the id of an experiment that the tests of one module share."""
    name = request.node.nodeid
    return str(call("POST", "experiments/create", json={"name": name})["experiment_id"])


@pytest.fixture
def run(call: Call, experiment: str) -> str:
    """Return the id of a fresh run."""
    body = {"experiment_id": experiment, "run_name": "fresh", "start_time": 1}
    return str(call("POST", "runs/create", json=body)["run"]["info"]["run_id"])


@pytest.fixture(scope="session")
def imported_mlflow() -> ModuleType:
    """Return the MLflow client, imported once; its own deprecation warnings are not ours."""
    os.environ |= {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
        # The client imports each model in a process of its own to list its packages; that is not ours to test.
        "MLFLOW_REQUIREMENTS_INFERENCE_TIMEOUT": "1",
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlflow
    return mlflow


@pytest.fixture
def mlflow(imported_mlflow: ModuleType, url: str) -> Iterator[ModuleType]:
    """Return the MLflow client, pointed at the endpoint; no run is left active."""
    imported_mlflow.set_tracking_uri(url)
    yield imported_mlflow
    while imported_mlflow.active_run():
        imported_mlflow.end_run()


@pytest.fixture(scope="session")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder for files that tests upload."""
    return tmp_path_factory.mktemp("scratch")
