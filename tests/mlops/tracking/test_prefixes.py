"""The whole protocol below `/p/<project>` and GitLab's path: same answers, other projects' names are 404."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import httpx
import pytest

from ropewalk.mlops.tracking import endpoint, routes
from ropewalk.pipeline import Workspace

# The decoded path of a GitLab project has slashes; clients send them encoded.
PREFIXES = ["/p/test", "/api/v4/projects/test/ml/mlflow", "/api/v4/projects/42/ml/mlflow"]
ALL = [*PREFIXES, "/api/v4/projects/group%2Fsub%2Ftest/ml/mlflow", "/p/group%2Fsub%2Ftest", "/p/42"]


@pytest.fixture(scope="module")
def url(workspace: Workspace) -> Iterator[str]:
    """Return the address of an endpoint whose project has other names as well."""
    workspace.settings = replace(workspace.settings, project_names="42, group/sub/test")
    with endpoint(workspace) as address:
        yield address


@pytest.mark.parametrize("prefix", ALL)
def test_search_below_a_prefix(http: httpx.Client, prefix: str) -> None:
    """A prefixed path answers what the plain one answers."""
    body = {"max_results": 5}
    plain = http.post("/api/2.0/mlflow/experiments/search", json=body)

    found = http.post(f"{prefix}/api/2.0/mlflow/experiments/search", json=body)

    assert found.status_code == 200
    assert found.json() == plain.json() != {}


@pytest.mark.parametrize("prefix", ["", *ALL])
@pytest.mark.parametrize("path", ["/health", "/version", "/api/3.0/mlflow/server-info"])
def test_the_servers_own_paths(http: httpx.Client, prefix: str, path: str) -> None:
    """What clients ask to learn whom they speak with is below the prefix too."""
    assert http.get(prefix + path).status_code == 200


@pytest.mark.parametrize(
    "prefix",
    [
        *("/p/tests", "/p/other", "/p", "/p/", "/p//test", "/p/TEST", "/p/%2e%2e/test"),
        *("/api/v4/projects/43/ml/mlflow", "/api/v4/projects/test", "/api/v4/projects/test/ml/mlflows"),
        *(
            "/api/v4/projects/x%2Ftest/ml/mlflow",
            "/api/v4/projects//ml/mlflow",
            "/api/v4/groups/test/ml/mlflow",
        ),
        *("/p/test/p/test", "/p/test%252f..", "/api/v4/projects/test/ml/mlflow/p/other"),
    ],
)
def test_another_projects_name_is_not_found(http: httpx.Client, prefix: str) -> None:
    """No prefix but the project's own leads anywhere, also not one that begins like it."""
    answer = http.post(f"{prefix}/api/2.0/mlflow/experiments/search", json={"max_results": 5})

    assert answer.status_code == 404
    assert answer.json()["error_code"] in {"RESOURCE_DOES_NOT_EXIST", "ENDPOINT_NOT_FOUND"}


def test_the_nearest_name_is_proposed(http: httpx.Client) -> None:
    """The error says what the server's project is called."""
    answer = http.get("/p/tset/api/2.0/mlflow/experiments/get", params={"experiment_id": "0"})

    assert "'tset'" in answer.json()["message"]
    assert "test" in answer.json()["message"].replace("tset", "")


def test_no_route_of_the_table_begins_with_a_prefix(workspace: Workspace) -> None:
    """The table has one row per path: prefixes are taken off before it, and cannot hide a row of it."""
    assert [row.path for row in routes(workspace) if row.path.startswith(("/p/", "/api/v4/"))] == []


@pytest.mark.parametrize("prefix", ["/p/test", "/api/v4/projects/group%2Fsub%2Ftest/ml/mlflow"])
def test_artifacts_of_the_client_below_a_prefix(
    imported_mlflow: ModuleType, url: str, tmp_path: Path, prefix: str
) -> None:
    """The unmodified client logs, uploads and downloads with a prefixed address as its tracking URI."""
    imported_mlflow.set_tracking_uri(url + prefix)
    (tmp_path / "notes.txt").write_text("kept", encoding="utf-8")

    with imported_mlflow.start_run(experiment_id="0") as run:
        imported_mlflow.log_metric("auc", 0.79)
        imported_mlflow.log_artifact(str(tmp_path / "notes.txt"), "texts")

    place = imported_mlflow.artifacts.download_artifacts(
        run_id=run.info.run_id, artifact_path="texts/notes.txt"
    )
    assert Path(place).read_text("utf-8") == "kept"
    assert imported_mlflow.get_run(run.info.run_id).data.metrics == {"auc": 0.79}


def test_encoded_paths_are_decoded_once(http: httpx.Client) -> None:
    """A path that is encoded twice is not decoded twice below a prefix either."""
    path = "/p/test/api/2.0/mlflow-artifacts/artifacts/0/%252e%252e/secret"

    assert http.put(path, content=b"x").status_code == 400
