"""Logged models, registered models and versions as bytes."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

Call = Any


@pytest.fixture
def model(call: Call, experiment: str, run: str) -> dict[str, Any]:
    """Return the info of a fresh logged model."""
    body = {
        "experiment_id": experiment,
        "name": "model",
        "source_run_id": run,
        "tags": [{"key": "a", "value": "b"}],
    }
    return dict(call("POST", "logged-models", json=body)["model"]["info"])


@pytest.fixture
def registered(call: Call, request: pytest.FixtureRequest) -> str:
    """Return the name of a fresh registered model."""
    name = request.node.name.replace("/", "-").replace(":", "-")
    call("POST", "registered-models/create", json={"name": name})
    return name


@pytest.fixture
def version(call: Call, registered: str, model: dict[str, Any]) -> dict[str, str]:
    """Return name and number of a fresh version."""
    body = {"name": registered, "source": f"models:/{model['model_id']}"}
    made = call("POST", "model-versions/create", json=body)["model_version"]
    return {"name": made["name"], "version": made["version"]}


def test_logged_model(model: dict[str, Any], experiment: str, run: str) -> None:
    """A logged model is written with its place, its state and its tags; what is unset is left out."""
    assert model["artifact_uri"] == f"mlflow-artifacts:/{experiment}/models/{model['model_id']}/artifacts"
    assert model["status"] == "LOGGED_MODEL_PENDING"
    assert model["source_run_id"] == run
    assert model["tags"] == [{"key": "a", "value": "b"}]
    assert "model_type" not in model


@pytest.mark.parametrize(("status", "name"), [(2, "LOGGED_MODEL_READY"), ("LOGGED_MODEL_UPLOAD_FAILED",) * 2])
def test_finalize(call: Call, model: dict[str, Any], status: object, name: str) -> None:
    """A status is given by name or by number."""
    done = call("PATCH", f"logged-models/{model['model_id']}", json={"status": status})

    assert done["model"]["info"]["status"] == name


@pytest.mark.parametrize("body", [{}, {"status": 99}, {"status": "READY"}, {"status": True}])
def test_finalize_with_no_such_status(call: Call, model: dict[str, Any], body: dict[str, object]) -> None:
    """A status that is not one is refused."""
    call("PATCH", f"logged-models/{model['model_id']}", 400, json=body)


def test_the_path_names_the_model(call: Call, model: dict[str, Any]) -> None:
    """The id in the path counts, whatever the body says."""
    body = {"model_id": "m-other", "status": 2}
    done = call("PATCH", f"logged-models/{model['model_id']}", json=body)

    assert done["model"]["info"]["model_id"] == model["model_id"]


def test_tags_and_params(call: Call, model: dict[str, Any]) -> None:
    """Tags are set and deleted, parameters added."""
    at = f"logged-models/{model['model_id']}"
    call("PATCH", f"{at}/tags", json={"tags": [{"key": "c", "value": "d"}]})
    call("DELETE", f"{at}/tags/a")
    call("POST", f"{at}/params", json={"params": [{"key": "depth", "value": "6"}]})
    call("DELETE", f"{at}/tags/a", 404)

    found = call("GET", at)["model"]
    assert found["info"]["tags"] == [{"key": "c", "value": "d"}]
    assert found["data"] == {"params": [{"key": "depth", "value": "6"}]}


def test_artifacts_of_a_logged_model(call: Call, http: httpx.Client, model: dict[str, Any]) -> None:
    """The files of a logged model are listed by their path inside it."""
    folder = model["artifact_uri"].removeprefix("mlflow-artifacts:/")
    http.put(f"/api/2.0/mlflow-artifacts/artifacts/{folder}/data/model.txt", content=b"tree")
    at = f"logged-models/{model['model_id']}/artifacts/directories"

    top = call("GET", at)
    below = call("GET", at, params={"artifact_directory_path": "data"})

    assert top["files"] == [{"path": "data", "is_dir": True}]
    assert below["files"] == [{"path": "data/model.txt", "is_dir": False, "file_size": 4}]
    assert top["root_uri"] == model["artifact_uri"]
    call("GET", at, 400, params={"artifact_directory_path": "../.."})


def test_search_pages(call: Call) -> None:
    """Logged models are paged, newest first."""
    experiment = call("POST", "experiments/create", json={"name": "paged models"})["experiment_id"]
    for number in range(3):
        call("POST", "logged-models", json={"experiment_id": experiment, "name": f"model{number}"})
    body = {
        "experiment_ids": [experiment],
        "max_results": 2,
        "order_by": [{"field_name": "name", "ascending": False}],
    }

    first = call("POST", "logged-models/search", json=body)
    second = call("POST", "logged-models/search", json={**body, "page_token": first["next_page_token"]})

    names = [found["info"]["name"] for page in (first, second) for found in page["models"]]
    assert names == ["model2", "model1", "model0"]
    assert "next_page_token" not in second


@pytest.mark.parametrize(
    "body",
    [
        {"filter": "metrics.a >"},
        {"order_by": [{}]},
        {"order_by": [{"field_name": "nonsense"}]},
        {"datasets": [{}]},
        {"max_results": 0},
        {"max_results": "many"},
    ],
)
def test_wrong_searches(call: Call, experiment: str, body: dict[str, object]) -> None:
    """A search that cannot be meant is refused."""
    call("POST", "logged-models/search", 400, json={"experiment_ids": [experiment], **body})


def test_version(
    call: Call, version: dict[str, str], registered: str, model: dict[str, Any], run: str
) -> None:
    """A version's number is text; its run and model follow from its source."""
    found = call("GET", "model-versions/get", params=version)["model_version"]

    assert (found["name"], found["version"]) == (registered, "1")
    assert (found["run_id"], found["model_id"]) == (run, model["model_id"])
    assert (found["current_stage"], found["status"]) == ("None", "READY")
    assert isinstance(found["creation_timestamp"], int)


def test_download_uri(call: Call, version: dict[str, str], model: dict[str, Any]) -> None:
    """A version of a logged model is downloaded from the logged model's place."""
    found = call("GET", "model-versions/get-download-uri", params=version)

    assert found == {"artifact_uri": model["artifact_uri"]}


def test_registered_model(call: Call, version: dict[str, str]) -> None:
    """A registered model shows its newest versions and its aliases."""
    alias = {**version, "alias": "live"}
    assert call("POST", "registered-models/alias", json=alias) == {}

    found = call("GET", "registered-models/get", params={"name": version["name"]})["registered_model"]

    assert [latest["version"] for latest in found["latest_versions"]] == ["1"]
    assert found["aliases"] == [{"alias": "live", "version": "1"}]
    assert "tags" not in found


def test_alias_by_body_and_query(call: Call, version: dict[str, str]) -> None:
    """A deletion's parameters come in a body or in the query."""
    for number, content in enumerate(("json", "params")):
        alias = {"name": version["name"], "alias": f"live-{number}"}
        call("POST", "registered-models/alias", json={**version, **alias})
        call("DELETE", "registered-models/alias", **{content: alias})
        call("GET", "registered-models/alias", 404, params=alias)


@pytest.mark.parametrize("alias", ["1", "v2", "latest", "a b", ""])
def test_refused_aliases(call: Call, version: dict[str, str], alias: str) -> None:
    """An alias that reads like a version is refused."""
    call("POST", "registered-models/alias", 400, json={**version, "alias": alias})


@pytest.mark.parametrize("number", ["01", "1.0", "1.2.0-rc.1", "9" * 30])
def test_other_spellings_of_a_number(call: Call, version: dict[str, str], number: str) -> None:
    """`1.0` is not version 1: what is asked is what is answered, or nothing is."""
    call("GET", "model-versions/get", 404, params={**version, "version": number})


@pytest.mark.parametrize("number", ["latest", "-1", "1 ", "one", "1.", "9" * 50])
def test_what_can_be_no_version(call: Call, version: dict[str, str], number: str) -> None:
    """What no version can be called is refused in the words that MLflow's tests look for."""
    refused = call("GET", "model-versions/get", 400, params={**version, "version": number})

    assert refused["message"].startswith("Parameter 'version' must be an integer, got '")


def test_number_as_a_number(call: Call, version: dict[str, str]) -> None:
    """A version is text; a number in a body is refused as MLflow's own server does."""
    body = {**version, "version": 1, "description": "x"}

    assert "'version'" in call("PATCH", "model-versions/update", 400, json=body)["message"]


def test_deleting(call: Call, version: dict[str, str]) -> None:
    """A deleted version is gone, then the model, and each is deleted once."""
    call("DELETE", "model-versions/delete", json=version)
    call("DELETE", "model-versions/delete", 404, json=version)
    call("DELETE", "registered-models/delete", json={"name": version["name"]})
    call("DELETE", "registered-models/delete", 404, json={"name": version["name"]})


def test_stage_by_any_case(call: Call, version: dict[str, str]) -> None:
    """Stages are read in any case."""
    body = {**version, "stage": "pRoDuction", "archive_existing_versions": True}

    moved = call("POST", "model-versions/transition-stage", json=body)["model_version"]
    latest = call(
        "POST",
        "registered-models/get-latest-versions",
        json={"name": version["name"], "stages": ["production"]},
    )

    assert moved["current_stage"] == "Production"
    assert [found["version"] for found in latest["model_versions"]] == ["1"]


@pytest.mark.parametrize("tags", [[{"key": ""}], [{"value": "x"}], [{"key": "x" * 251, "value": "x"}]])
def test_tags_of_a_new_version(
    call: Call, registered: str, model: dict[str, Any], tags: list[dict[str, str]]
) -> None:
    """A version with half a tag is not made."""
    body = {"name": registered, "source": f"models:/{model['model_id']}", "tags": tags}
    call("POST", "model-versions/create", 400, json=body)

    assert (
        "latest_versions"
        not in call("GET", "registered-models/get", params={"name": registered})["registered_model"]
    )


@pytest.mark.parametrize("prompt", [{}, {"tags": [{"key": "mlflow.prompt.is_prompt", "value": "true"}]}])
@pytest.mark.parametrize("source", ["file:///etc", "/etc/passwd", "mlflow-artifacts:/../x", "s3://b/../x"])
def test_sources(call: Call, registered: str, source: str, prompt: dict[str, object]) -> None:
    """A source that leads elsewhere is refused, also for a version that says it is a prompt."""
    refused = call(
        "POST", "model-versions/create", 400, json={"name": registered, "source": source, **prompt}
    )

    assert "Invalid model version source" in refused["message"]


def test_search_of_versions(call: Call, version: dict[str, str]) -> None:
    """Versions are found by their model's name."""
    found = call("GET", "model-versions/search", params={"filter": f"name = '{version['name']}'"})

    assert [item["version"] for item in found["model_versions"]] == ["1"]
    call("GET", "model-versions/search", 400, params={"filter": "name >"})
    call("GET", "model-versions/search", 400, params={"max_results": "0"})
