"""MLflow's workspaces: the one that is this project answers, others are not found, none is made here."""

from __future__ import annotations

from types import ModuleType

import httpx
import pytest

HEADER = "X-MLFLOW-WORKSPACE"
AT = "/api/3.0/mlflow/workspaces"


def test_the_project_is_the_one_workspace(http: httpx.Client) -> None:
    """It is listed and read under the project's name."""
    listed = http.get(AT).json()["workspaces"]

    assert [found["name"] for found in listed] == ["test"]
    assert http.get(f"{AT}/test").json()["workspace"]["name"] == "test"


def test_server_info_says_so(http: httpx.Client) -> None:
    """Clients send the header only to servers that say they read it."""
    assert http.get("/api/3.0/mlflow/server-info").json()["workspaces_enabled"] is True


@pytest.mark.parametrize(("name", "status"), [("test", 200), ("other", 404), ("Test", 404), ("../test", 404)])
def test_the_header_names_the_project(http: httpx.Client, name: str, status: int) -> None:
    """A request for another project's runs is not answered with this one's."""
    answer = http.get(
        "/api/2.0/mlflow/experiments/get", params={"experiment_id": "0"}, headers={HEADER: name}
    )

    assert answer.status_code == status
    assert status == 200 or "no project" in answer.json()["message"]


@pytest.mark.parametrize("path", [AT, "/health", "/api/2.0/mlflow-artifacts/artifacts/0/x", "/nowhere"])
def test_no_path_ignores_the_header(http: httpx.Client, path: str) -> None:
    """Whatever the path, another workspace's name is not found."""
    assert http.get(path, headers={HEADER: "other"}).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "", 400),
        ("PATCH", "/test", 400),
        ("DELETE", "/test", 400),
        ("PATCH", "/other", 404),
        ("DELETE", "/other", 404),
    ],
)
def test_nothing_is_made_or_changed(http: httpx.Client, method: str, path: str, status: int) -> None:
    """Writes are refused, with what to do instead."""
    answer = http.request(method, AT + path, json={"name": "new"})

    assert answer.status_code == status
    assert status == 404 or "(" in answer.json()["message"]


def test_the_client_in_its_workspace(imported_mlflow: ModuleType, url: str) -> None:
    """The unmodified client works in the workspace of the project's name."""
    imported_mlflow.set_tracking_uri(url)
    imported_mlflow.set_workspace("test")
    try:
        with imported_mlflow.start_run(experiment_id="0") as run:
            imported_mlflow.log_param("depth", 6)
        assert imported_mlflow.get_run(run.info.run_id).data.params == {"depth": "6"}
    finally:
        imported_mlflow.set_workspace(None)
