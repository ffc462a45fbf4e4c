"""What the registry refuses, over MLflow's protocol: unknown pickles, and any way around a release."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import httpx
import pytest

from ropewalk import plugins
from ropewalk.mlops.tracking import endpoint
from ropewalk.pipeline import Workspace
from ropewalk.project import load_project
from ropewalk.settings import load_settings

RULES = """
project: test
environments: {production: {protected: true}}
registry: {held: {pickles: quarantine}}
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, module_environ: dict[str, str]) -> Iterator[str]:
    """Return the address of a project with rules, in which two models have no version yet."""
    root = tmp_path_factory.mktemp("ruled")
    (root / "ropewalk.yaml").write_text(RULES, encoding="utf-8")
    with (
        Workspace(load_project(root, plugins.sections()), load_settings(module_environ)) as opened,
        endpoint(opened) as url,
    ):
        yield url


def _call(address: str, path: str, status: int = 200, method: str = "POST", **body: object) -> dict[str, Any]:
    answer = httpx.request(method, f"{address}/api/2.0/mlflow/{path}", json=body)
    assert answer.status_code == status, answer.text
    return dict(answer.json())


def _version(address: str, name: str, content: bytes, status: int = 200) -> dict[str, Any]:
    run = _call(address, "runs/create", experiment_id="0", start_time=1)["run"]["info"]
    place = run["artifact_uri"].removeprefix("mlflow-artifacts:/")
    put = httpx.put(f"{address}/api/2.0/mlflow-artifacts/artifacts/{place}/model/model.pkl", content=content)
    put.raise_for_status()
    httpx.post(f"{address}/api/2.0/mlflow/registered-models/create", json={"name": name})
    source = f"{run['artifact_uri']}/model"
    return _call(address, "model-versions/create", status, name=name, source=source, run_id=run["run_id"])


def test_hostile_pickle_is_refused(address: str) -> None:
    """The client is told what is unknown and what to do, and there is no version."""
    answer = _version(address, "late", b"cos\nsystem\n(S'id'\ntR.", 400)

    assert answer["error_code"] == "INVALID_PARAMETER_VALUE"
    assert "imports os.system" in answer["message"]
    assert "pickles: quarantine" in answer["message"]
    assert "model_versions" not in _call(address, "model-versions/search?filter=name='late'", method="GET")


def test_quarantined_version_is_registered(address: str) -> None:
    """Where the project says so, clients register and load what this server will not load."""
    found = _version(address, "held", b"c__main__\nModel\n)\x81.")["model_version"]

    assert (found["version"], found["status"]) == ("1", "READY")


def test_content_is_told(address: str) -> None:
    """The answer has the digest of the content, and the versions that have the same."""
    first, second = (_version(address, "twice", pickle.dumps([1]))["model_version"] for _ in range(2))

    assert first["status_message"].startswith("content ")
    assert second["status_message"] == f"{first['status_message']}; the same content as version 1"


def test_only_a_release_moves_the_alias(address: str, mlflow_client: ModuleType) -> None:
    """Neither the client's alias nor its stage goes around a release, and the answer says how it is done."""
    _version(address, "moved", pickle.dumps([2]))
    client = mlflow_client.MlflowClient(address, address)

    with pytest.raises(mlflow_client.MlflowException, match="`ropewalk promote production` proposes one"):
        client.set_registered_model_alias("moved", "production", "1")
    with pytest.raises(mlflow_client.MlflowException, match="only a release moves it"):
        client.delete_registered_model_alias("moved", "production")
    body = {"name": "moved", "version": "1", "stage": "Production", "archive_existing_versions": "false"}
    assert "only a release" in _call(address, "model-versions/transition-stage", 400, **body)["message"]


@pytest.fixture
def mlflow_client(imported_mlflow: ModuleType) -> ModuleType:
    """Return the MLflow client."""
    return imported_mlflow


def test_artifacts_of_a_version_stay(address: str) -> None:
    """Clients download what was registered, also when somebody wrote over the artifacts since."""
    found = _version(address, "kept", pickle.dumps([3]))["model_version"]
    place = found["source"].removeprefix("mlflow-artifacts:/")
    base = f"{address}/api/2.0/mlflow-artifacts/artifacts"
    httpx.put(f"{base}/{place}/model.pkl", content=b"other").raise_for_status()

    query = "model-versions/get-download-uri?name=kept&version=1"
    location = _call(address, query, method="GET")["artifact_uri"].removeprefix("mlflow-artifacts:/")
    refused = httpx.put(f"{base}/{location}/model.pkl", content=b"other")

    assert httpx.get(f"{base}/{location}/model.pkl").content == pickle.dumps([3])
    assert refused.status_code == 400
