"""Requests as bytes: what each group of rows accepts, refuses and answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

Call = Any


def test_create_run_answers_what_was_set(call: Call, experiment: str) -> None:
    """A run repeats its id, keeps explicit defaults, and leaves out what is unset."""
    info = call("POST", "runs/create", json={"experiment_id": experiment, "start_time": 0})["run"]["info"]

    assert info["run_id"] == info["run_uuid"]
    assert info["start_time"] == 0
    assert info["user_id"] == ""
    assert info["artifact_uri"] == f"mlflow-artifacts:/{experiment}/{info['run_id']}/artifacts"
    assert "end_time" not in info


def test_default_experiment(call: Call) -> None:
    """There is always experiment 0, and a run without an experiment belongs to it."""
    run = call("POST", "runs/create", json={})["run"]["info"]
    default = call("GET", "experiments/get", params={"experiment_id": "0"})["experiment"]

    assert run["experiment_id"] == "0"
    assert default["name"] == "Default"
    assert default["lifecycle_stage"] == "active"


def test_writes_answer_the_empty_object(call: Call, run: str) -> None:
    """What there is nothing to say about is `{}`."""
    tag = {"run_uuid": run, "key": "a", "value": "b"}

    assert call("POST", "runs/set-tag", json=tag) == {}
    assert call("POST", "runs/log-batch", json={"run_id": run}) == {}


def test_empty_searches_answer_the_empty_object(call: Call, run: str) -> None:
    """No results and no next page are left out."""
    assert call("POST", "runs/search", json={"experiment_ids": []}) == {}
    assert call("GET", "metrics/get-history", params={"run_id": run, "metric_key": "none"}) == {}


@pytest.mark.parametrize("body", [{}, {"max_results": 0}, {"max_results": 50_001}, {"max_results": -1}])
def test_experiment_search_needs_a_page_size(call: Call, body: dict[str, int]) -> None:
    """The size of a page must be given, and be possible."""
    refused = call("POST", "experiments/search", 400, json=body)

    assert "max_results" in refused["message"]


def test_taken_name(call: Call) -> None:
    """A taken name is 400 RESOURCE_ALREADY_EXISTS, and the message holds no SQL."""
    call("POST", "experiments/create", json={"name": "taken"})
    refused = call("POST", "experiments/create", 400, json={"name": "taken"})

    assert refused["error_code"] == "RESOURCE_ALREADY_EXISTS"
    assert "INSERT" not in refused["message"]


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("experiments/get", {"experiment_id": "999"}),
        ("experiments/get", {"experiment_id": "x"}),
        ("experiments/get", {"experiment_id": "00"}),
        ("experiments/get", {"experiment_id": "9" * 40}),
        ("experiments/get-by-name", {"experiment_name": "nowhere"}),
        ("runs/get", {"run_id": "nowhere"}),
        ("metrics/get-history", {"run_id": "nowhere", "metric_key": "a"}),
        ("artifacts/list", {"run_id": "nowhere"}),
        ("logged-models/m-nowhere", {}),
        ("registered-models/get", {"name": "nowhere"}),
        ("registered-models/alias", {"name": "nowhere", "alias": "a"}),
        ("registered-models/get-latest-versions", {"name": "nowhere"}),
        ("model-versions/get", {"name": "nowhere", "version": "1"}),
        ("model-versions/get-download-uri", {"name": "nowhere", "version": "1"}),
    ],
)
def test_what_does_not_exist(call: Call, path: str, query: dict[str, str]) -> None:
    """What does not exist is 404 with the code that makes clients create it."""
    refused = call("GET", path, 404, params=query)

    assert refused["error_code"] == "RESOURCE_DOES_NOT_EXIST"


def test_unknown_run_sentence(call: Call) -> None:
    """The sentence is the one that MLflow's tests look for."""
    refused = call(
        "POST", "runs/log-metric", 404, json={"run_id": "x", "key": "a", "value": 1, "timestamp": 1}
    )

    assert "Run with id=x not found" in refused["message"]


@pytest.mark.parametrize(
    ("path", "body", "name"),
    [
        ("experiments/create", {}, "name"),
        ("experiments/update", {"experiment_id": "0"}, "new_name"),
        ("experiments/set-experiment-tag", {"experiment_id": "0", "key": "a"}, "value"),
        ("runs/get", {}, "run_id"),
        ("runs/log-metric", {"run_id": "r", "value": 1, "timestamp": 1}, "key"),
        ("runs/log-metric", {"run_id": "r", "key": "a", "timestamp": 1}, "value"),
        ("runs/log-metric", {"run_id": "r", "key": "a", "value": 1}, "timestamp"),
        ("runs/log-metric", {"key": "a", "value": 1, "timestamp": 1}, "run_id"),
        ("runs/log-parameter", {"run_id": "r", "value": "1"}, "key"),
        ("runs/log-batch", {"metrics": []}, "run_id"),
        ("runs/delete-tag", {"run_id": "r"}, "key"),
        ("runs/log-inputs", {}, "run_id"),
        ("runs/log-inputs", {"run_id": "r"}, "datasets"),
        ("logged-models", {}, "experiment_id"),
        ("registered-models/create", {}, "name"),
        ("model-versions/create", {"name": "a"}, "source"),
        ("model-versions/transition-stage", {"name": "a", "version": "1"}, "stage"),
    ],
)
def test_missing_parameters(http: httpx.Client, path: str, body: dict[str, Any], name: str) -> None:
    """What is missing is named, on every path."""
    method = "GET" if path == "runs/get" else "POST"
    refused = http.request(method, f"/api/2.0/mlflow/{path}", json=body)

    assert refused.status_code == 400
    assert f"Missing value for required parameter '{name}'" in refused.json()["message"]


@pytest.mark.parametrize("entry", [{"key": "a"}, {"value": "b"}, {}])
def test_half_entries(call: Call, run: str, entry: dict[str, str]) -> None:
    """A parameter or tag in a batch has both key and value."""
    refused = call("POST", "runs/log-batch", 400, json={"run_id": run, "params": [entry]})

    assert "Missing value for required parameter" in refused["message"]


@pytest.mark.parametrize(
    ("content", "kind"), [(b'{"name": "a"}', "text/plain"), (b"name=a", "application/x-www-form-urlencoded")]
)
def test_content_type(http: httpx.Client, content: bytes, kind: str) -> None:
    """A form that a page could send is not read as JSON."""
    refused = http.post("/api/2.0/mlflow/experiments/create", content=content, headers={"Content-Type": kind})

    assert refused.status_code == 400
    assert "Content-Type must be application/json" in refused.json()["message"]


def test_invalid_json(http: httpx.Client) -> None:
    """A body that does not parse is refused: MLflow's own server answers an empty search."""
    refused = http.post(
        "/api/2.0/mlflow/runs/search",
        content=b"{",
        headers={"Content-Type": "application/json; charset=utf-8"},
    )

    assert refused.status_code == 400
    assert refused.json()["error_code"] == "INVALID_PARAMETER_VALUE"


@pytest.mark.parametrize(
    ("kind", "count", "value"), [("metrics", 1001, 1.0), ("params", 101, "1"), ("tags", 101, "1")]
)
def test_batch_limits(call: Call, run: str, kind: str, count: int, value: object) -> None:
    """A batch has its limits, and one beyond them leaves nothing."""
    items = [{"key": f"k{n}", "value": value, "timestamp": 1} for n in range(count)]
    refused = call("POST", "runs/log-batch", 400, json={"run_id": run, kind: items})

    assert f"at most {count - 1} {kind}" in refused["message"]
    assert call("GET", "runs/get", params={"run_id": run})["run"]["data"].get("params") is None


def test_batch_in_all(call: Call, run: str) -> None:
    """Metrics, parameters and tags together have a limit of their own."""
    body = {
        "run_id": run,
        "metrics": [{"key": "m", "value": n, "timestamp": n} for n in range(950)],
        "params": [{"key": f"p{n}", "value": "1"} for n in range(60)],
    }

    assert (
        "at most 1000 metrics, params and tags" in call("POST", "runs/log-batch", 400, json=body)["message"]
    )


def test_body_limit(http: httpx.Client, run: str) -> None:
    """A batch of more than a megabyte is refused before it is parsed."""
    body = b'{"run_id": "%s", "x": "%s"}' % (run.encode(), b"x" * 1_000_001)
    refused = http.post(
        "/api/2.0/mlflow/runs/log-batch", content=body, headers={"Content-Type": "application/json"}
    )

    assert refused.status_code == 400
    assert "at most 1000000 bytes" in refused.json()["message"]


@pytest.mark.parametrize("key", ["", "a\x00b", "../up", "/root", "a//b", ".", "a/", "ключ?", "x" * 251])
@pytest.mark.parametrize("kind", ["metrics", "params", "tags"])
def test_names_that_cannot_be_stored(call: Call, run: str, kind: str, key: str) -> None:
    """Names that tools could take for paths are refused."""
    value: object = 1.0 if kind == "metrics" else "1"
    item = {"key": key, "value": value, "timestamp": 1}

    call("POST", "runs/log-batch", 400, json={"run_id": run, kind: [item]})


@pytest.mark.parametrize("key", ["auc", "val/auc", "a b", "a-b.c:d", "мера", "x" * 250])
def test_names_that_can_be_stored(call: Call, run: str, key: str) -> None:
    """Letters of any script, digits, and the signs MLflow allows."""
    call("POST", "runs/log-metric", json={"run_id": run, "key": key, "value": 1, "timestamp": 1})

    metrics = call("GET", "runs/get", params={"run_id": run})["run"]["data"]["metrics"]
    assert metrics == [{"key": key, "value": 1.0, "timestamp": 1, "step": 0}]


@pytest.mark.parametrize(("kind", "length"), [("params", 6001), ("tags", 8001)])
def test_long_values(call: Call, run: str, kind: str, length: int) -> None:
    """A value that would have to be cut is refused, not cut."""
    item = {"key": "a", "value": "x" * length}
    refused = call("POST", "runs/log-batch", 400, json={"run_id": run, kind: [item]})

    assert "exceeds the maximum length" in refused["message"]


def test_params_twice_in_a_batch(call: Call, run: str) -> None:
    """A batch that contradicts itself is refused."""
    twice = [{"key": "a", "value": "1"}, {"key": "a", "value": "2"}]
    refused = call("POST", "runs/log-batch", 400, json={"run_id": run, "params": twice})

    assert "Duplicate parameter keys have been submitted." in refused["message"]


def test_batch_is_all_or_nothing(call: Call, run: str) -> None:
    """A refused parameter takes the batch's metrics with it."""
    call("POST", "runs/log-parameter", json={"run_id": run, "key": "a", "value": "1"})
    body = {
        "run_id": run,
        "params": [{"key": "a", "value": "2"}],
        "metrics": [{"key": "m", "value": 1, "timestamp": 1}],
    }
    call("POST", "runs/log-batch", 400, json=body)

    assert "metrics" not in call("GET", "runs/get", params={"run_id": run})["run"]["data"]


def test_metric_of_an_unknown_model(call: Call, run: str) -> None:
    """A point of a model that does not exist is refused, and the run does not have it either."""
    point = {"key": "m", "value": 1, "timestamp": 1, "model_id": "m-nowhere"}
    call("POST", "runs/log-batch", 404, json={"run_id": run, "metrics": [point]})

    assert "metrics" not in call("GET", "runs/get", params={"run_id": run})["run"]["data"]


def test_status_by_number(call: Call, run: str) -> None:
    """A status is read by number too, and a run that runs again has no end."""
    ended = call("POST", "runs/update", json={"run_id": run, "status": 3, "end_time": "77"})["run_info"]
    again = call("POST", "runs/update", json={"run_id": run, "status": "RUNNING"})["run_info"]

    assert (ended["status"], ended["end_time"]) == ("FINISHED", 77)
    assert again["status"] == "RUNNING"
    assert "end_time" not in again


def test_history_pages(call: Call, run: str) -> None:
    """History is paged, and a page of size 0 is refused."""
    points = [{"key": "m", "value": n, "timestamp": n, "step": str(n)} for n in range(5)]
    call("POST", "runs/log-batch", json={"run_id": run, "metrics": points})
    ask = {"run_id": run, "metric_key": "m", "max_results": "2"}

    first = call("GET", "metrics/get-history", params=ask)
    second = call("GET", "metrics/get-history", params={**ask, "page_token": first["next_page_token"]})
    last = call("GET", "metrics/get-history", params={**ask, "page_token": second["next_page_token"]})

    steps = [point["step"] for page in (first, second, last) for point in page["metrics"]]
    assert steps == [0, 1, 2, 3, 4]
    assert "next_page_token" not in last
    call("GET", "metrics/get-history", 400, params={**ask, "max_results": "0"})


@pytest.mark.parametrize("token", ["x", "e30=", "!!", "W10=", "WyJhIiwgMV0="])
def test_foreign_tokens(call: Call, token: str) -> None:
    """A token that is none of ours is refused."""
    refused = call("POST", "runs/search", 400, json={"experiment_ids": ["0"], "page_token": token})

    assert "Invalid page token" in refused["message"]


def test_token_of_another_search(call: Call, experiment: str) -> None:
    """A token continues only the search that it came from."""
    for _ in range(2):
        call("POST", "runs/create", json={"experiment_id": experiment})
    page = call("POST", "runs/search", json={"experiment_ids": [experiment], "max_results": 1})
    other = {"experiment_ids": [experiment], "filter": "metrics.a > 1", "page_token": page["next_page_token"]}

    assert "not of this search" in call("POST", "runs/search", 400, json=other)["message"]


@pytest.mark.parametrize(
    "location", ["/etc", "file:///etc", "./x", "s3:/a", "C:\\x", "mlflow-artifacts:/../x"]
)
def test_artifact_locations_of_the_server(call: Call, location: str) -> None:
    """Experiments cannot be pointed at the server's own files."""
    body = {"name": f"at {location}", "artifact_location": location}

    call("POST", "experiments/create", 400, json=body)


def test_remote_artifact_location(call: Call) -> None:
    """A remote store is kept as it is: clients read and write it themselves."""
    body = {"name": "remote", "artifact_location": "s3://bucket/folder"}
    identifier = call("POST", "experiments/create", json=body)["experiment_id"]
    run = call("POST", "runs/create", json={"experiment_id": identifier})["run"]["info"]

    assert run["artifact_uri"] == f"s3://bucket/folder/{run['run_id']}/artifacts"
    listed = call("GET", "artifacts/list", params={"run_id": run["run_id"]})
    assert listed == {"root_uri": run["artifact_uri"]}


def test_search_datasets(call: Call, run: str, experiment: str) -> None:
    """Data sets are listed with the context in which runs read them."""
    dataset = {"name": "d", "digest": "1", "source_type": "local", "source": "{}"}
    used = {"dataset": dataset, "tags": [{"key": "mlflow.data.context", "value": "eval"}]}
    call("POST", "runs/log-inputs", json={"run_id": run, "datasets": [used]})

    found = call("POST", "experiments/search-datasets", json={"experiment_ids": [experiment]})

    summary = {"experiment_id": experiment, "name": "d", "digest": "1", "context": "eval"}
    assert found["dataset_summaries"] == [summary]


def test_half_described_dataset(call: Call, run: str) -> None:
    """A data set without a digest is refused."""
    used = {"dataset": {"name": "d", "source_type": "local", "source": "{}"}}

    refused = call("POST", "runs/log-inputs", 400, json={"run_id": run, "datasets": [used]})
    assert "'digest'" in refused["message"]


@pytest.mark.parametrize("name", ["a/b", "a:b", "a.b", "50%", "it's"])
def test_names_of_logged_models(call: Call, experiment: str, name: str) -> None:
    """A logged model's name can stand in a URI."""
    call("POST", "logged-models", 400, json={"experiment_id": experiment, "name": name})


def test_text_that_no_encoding_holds(http: httpx.Client, run: str) -> None:
    """Half of a surrogate pair is refused, not stored and not an internal error."""
    body = b'{"run_id": "%s", "key": "a", "value": "\\ud800"}' % run.encode()
    refused = http.post(
        "/api/2.0/mlflow/runs/set-tag", content=body, headers={"Content-Type": "application/json"}
    )

    assert refused.status_code == 400


def test_server(http: httpx.Client) -> None:
    """Clients learn that the server is healthy, which protocol it speaks, and that it takes files in parts."""
    info = http.get("/api/3.0/mlflow/server-info").json()

    assert http.get("/health").text == "OK"
    assert http.get("/version").text == "3.17.2"
    assert info["multipart_uploads_enabled"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/2.0/mlflow/nonsense", 404),
        ("GET", "/ajax-api/3.0/mlflow/experiments/search", 404),
        ("GET", "/graphiql", 404),
        ("DELETE", "/api/2.0/mlflow/experiments/create", 405),
        ("GET", "/api/2.0/mlflow/experiments/create/", 404),
    ],
)
def test_unknown_routes(http: httpx.Client, method: str, path: str, status: int) -> None:
    """Other paths and methods get an error in the protocol's form."""
    refused = http.request(method, path)

    assert refused.status_code == status
    assert refused.json()["error_code"] == "ENDPOINT_NOT_FOUND"


def test_relative_artifact_locations(call: Call) -> None:
    """A plain name is a folder that the machine's own clients reach; the server lists nothing of it and opens nothing."""
    body = {"name": "relative", "artifact_location": "my_location/a"}
    made = call("POST", "experiments/create", json=body)["experiment_id"]
    found = call("GET", "experiments/get", params={"experiment_id": made})["experiment"]
    run = call("POST", "runs/create", json={"experiment_id": made})["run"]["info"]

    # What MLflow names; the client of such an experiment writes there itself.
    assert found["artifact_location"] == str(Path.cwd() / "my_location/a")
    assert "files" not in call("GET", "artifacts/list", params={"run_id": run["run_id"]})
    for refused in ("0", "1/models", "~", "~root/x", "a/../b", "a\\b", "%2e%2e/x", "..", "a?b", "a//b"):
        call("POST", "experiments/create", 400, json={"name": refused, "artifact_location": refused})
