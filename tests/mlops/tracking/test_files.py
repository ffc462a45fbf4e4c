"""Files named by run or model version, as MLflow's pages ask for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from ropewalk.mlops import registry
from ropewalk.mlops.tracking import get_run
from ropewalk.pipeline import Workspace

Call = Callable[..., dict[str, Any]]
UPLOAD = "/ajax-api/2.0/mlflow/upload-artifact"


def test_put_and_get(http: httpx.Client, run: str) -> None:
    """What is put for a run is got back, as a download that a browser does not run."""
    put = http.post(UPLOAD, params={"run_uuid": run, "path": "notes/a.html"}, content=b"<script>")
    got = http.get("/get-artifact", params={"run_id": run, "path": "notes/a.html"})

    assert (put.status_code, got.content) == (200, b"<script>")
    assert got.headers["content-type"] == "application/octet-stream"
    assert got.headers["content-disposition"].startswith("attachment")
    assert got.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("query", "content", "said"),
    [
        ({}, b"x", "must specify run_uuid"),
        ({"run_uuid": "RUN"}, b"x", "must specify path"),
        ({"run_uuid": "RUN", "path": ""}, b"x", "must specify path"),
        ({"run_uuid": "RUN", "path": "../a"}, b"x", "Invalid path"),
        ({"run_uuid": "RUN", "path": "a"}, b"", "must specify data"),
    ],
)
def test_refused_uploads(
    http: httpx.Client, run: str, query: dict[str, str], content: bytes, said: str
) -> None:
    """What is missing is named, and nothing is stored."""
    asked = {name: run if value == "RUN" else value for name, value in query.items()}

    refused = http.post(UPLOAD, params=asked, content=content)

    assert (refused.status_code, said in refused.json()["message"]) == (400, True)


def test_unknown_run(http: httpx.Client) -> None:
    """Nothing is stored for a run that is not there, nor got of it."""
    query = {"run_uuid": "nowhere", "path": "a"}

    assert http.post(UPLOAD, params=query, content=b"x").status_code == 404
    assert http.get("/get-artifact", params=query).status_code == 404


@pytest.mark.parametrize("path", ["../a", "/etc/passwd", "a/../../b", "%2e%2e/a", "a\\b", "a#b"])
@pytest.mark.parametrize("where", ["/get-artifact", "/model-versions/get-artifact"])
def test_paths_that_lead_away(http: httpx.Client, where: str, path: str) -> None:
    """A path is refused before anything is looked up."""
    query = {"run_id": "nowhere", "name": "nowhere", "version": "1", "path": path}

    refused = http.get(where, params=query)

    assert (refused.status_code, refused.json()) == (
        400,
        {"error_code": "INVALID_PARAMETER_VALUE", "message": "Invalid path"},
    )


def test_a_versions_file(workspace: Workspace, http: httpx.Client, run: str) -> None:
    """A version's file is what it was when it was registered, whatever the run's artifact is now."""
    for content in (b"first", b"second"):
        http.post(UPLOAD, params={"run_uuid": run, "path": "m/notes.txt"}, content=content)
        if content == b"first":
            registry.create_model(workspace, "files", None, {})
            source = f"{get_run(workspace, run).artifact_uri}/m"
            registry.create_version(workspace, registry.VersionRequest("files", source, run))

    query = {"name": "files", "version": "1", "path": "notes.txt"}
    for where in ("/model-versions/get-artifact", "//model-versions/get-artifact"):
        assert http.get(f"{str(http.base_url).rstrip('/')}{where}", params=query).content == b"first"
    assert http.get("/model-versions/get-artifact", params={**query, "path": "other"}).status_code == 404
    assert http.get("/model-versions/get-artifact", params={**query, "version": "2"}).status_code == 404


@pytest.mark.parametrize("query", [{"run_id": "x"}, {"path": "a"}])
def test_what_is_missing(http: httpx.Client, query: dict[str, str]) -> None:
    """A download names its run and its path."""
    assert "Missing value" in http.get("/get-artifact", params=query).json()["message"]


def test_a_logged_models_file(call: Call, http: httpx.Client, run: str, experiment: str) -> None:
    """A file of a logged model is got by the model's id; without a path the request is refused."""
    made = call("POST", "logged-models", json={"experiment_id": experiment, "name": "m"})["model"]["info"]
    root = made["artifact_uri"].removeprefix("mlflow-artifacts:/")
    http.put(f"/api/2.0/mlflow-artifacts/artifacts/{root}/MLmodel", content=b"flavors: {}")
    where = f"/ajax-api/2.0/mlflow/logged-models/{made['model_id']}/artifacts/files"

    assert http.get(where, params={"artifact_file_path": "MLmodel"}).content == b"flavors: {}"
    assert http.get(where, params={"artifact_file_path": "../MLmodel"}).status_code == 400
    assert http.get(where, params={"artifact_file_path": "other"}).status_code == 404
    assert http.get(where).json()["message"].startswith("Missing value for required parameter")
