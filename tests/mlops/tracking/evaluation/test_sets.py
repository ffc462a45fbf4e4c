"""Evaluation sets over the wire: made, found, linked, with records that come together by their inputs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

Ask = Callable[..., Any]
RECORD = {"inputs": {"question": "why", "n": 1}, "expectations": {"answer": "so"}, "tags": {"level": "easy"}}


@pytest.fixture(scope="module")
def ask(http: httpx.Client) -> Ask:
    """Return a function that calls a path of the protocol's third version."""

    def send(method: str, path: str, status: int = 200, **content: Any) -> Any:
        response = http.request(method, f"/api/3.0/mlflow/{path}", **content)
        assert response.status_code == status, response.text
        return response.json()

    return send


@pytest.fixture
def dataset(ask: Ask, experiment: str) -> dict[str, Any]:
    """Return a fresh evaluation set."""
    body = {"name": "questions", "experiment_ids": [experiment], "tags": '{"mlflow.user": "ada", "a": "b"}'}
    return dict(ask("POST", "datasets/create", json=body)["dataset"])


def _put(ask: Ask, dataset: dict[str, Any], *records: object, status: int = 200) -> Any:
    body = {"records": json.dumps(records)}
    return ask("POST", f"datasets/{dataset['dataset_id']}/records", status, json=body)


def _records(ask: Ask, dataset: dict[str, Any], **params: Any) -> list[dict[str, Any]]:
    found = ask("GET", f"datasets/{dataset['dataset_id']}/records", params=params)
    return list(json.loads(found["records"]))


def test_create(ask: Ask, dataset: dict[str, Any], experiment: str) -> None:
    """A new set knows who made it, and has neither schema nor profile before its first record."""
    found = ask("GET", f"datasets/{dataset['dataset_id']}")["dataset"]

    assert found["digest"] == dataset["digest"]
    assert (found["name"], found["created_by"], found["experiment_ids"]) == ("questions", "ada", [experiment])
    assert json.loads(found["tags"]) == {"mlflow.user": "ada", "a": "b"}
    assert "schema" not in found
    assert "profile" not in found


def test_records_of_the_same_inputs_are_one(ask: Ask, dataset: dict[str, Any]) -> None:
    """A second record with the same inputs adds to the first, whatever the order of their fields."""
    again = {"inputs": {"n": 1, "question": "why"}, "expectations": {"length": 2}, "outputs": [1]}

    assert _put(ask, dataset, RECORD) == {"inserted_count": 1, "updated_count": 0}
    assert _put(ask, dataset, again) == {"inserted_count": 0, "updated_count": 1}
    (found,) = _records(ask, dataset)
    assert found["expectations"] == {"answer": "so", "length": 2}
    assert found["tags"] == {"level": "easy"}
    assert found["outputs"] == [1]


def test_equal_inputs_in_one_request(ask: Ask, dataset: dict[str, Any]) -> None:
    """Two records of one request with the same inputs are one as well."""
    assert _put(ask, dataset, RECORD, RECORD) == {"inserted_count": 1, "updated_count": 1}
    assert len(_records(ask, dataset)) == 1


def test_a_retried_request_doubles_nothing(ask: Ask, dataset: dict[str, Any]) -> None:
    """What is sent again changes no record but its time."""
    _put(ask, dataset, RECORD)
    first = _records(ask, dataset)
    _put(ask, dataset, RECORD)

    (again,) = _records(ask, dataset)
    assert {**again, "last_update_time": 0} == {**first[0], "last_update_time": 0}


def test_outputs_of_null(ask: Ask, dataset: dict[str, Any]) -> None:
    """Outputs are replaced, by null too; a record that names none keeps them."""
    _put(ask, dataset, {**RECORD, "outputs": {"a": 1}})
    _put(ask, dataset, RECORD)
    assert _records(ask, dataset)[0]["outputs"] == {"a": 1}
    _put(ask, dataset, {**RECORD, "outputs": None})

    assert "outputs" not in _records(ask, dataset)[0]


def test_schema_profile_and_digest(ask: Ask, dataset: dict[str, Any]) -> None:
    """The set describes its records, and its digest moves with each change."""
    _put(ask, dataset, {**RECORD, "outputs": "text"})
    first = ask("GET", f"datasets/{dataset['dataset_id']}")["dataset"]
    _put(
        ask, dataset, {"inputs": {"question": 7, "deep": {}, "list": [], "none": None, "x": 1.5, "is": True}}
    )
    found = ask("GET", f"datasets/{dataset['dataset_id']}")["dataset"]

    schema = json.loads(found["schema"])
    assert schema["inputs"] == {
        "question": "string",
        "n": "integer",
        "deep": "object",
        "list": "array",
        "none": "null",
        "x": "float",
        "is": "boolean",
    }
    assert (schema["outputs"], schema["expectations"]) == ("string", {"answer": "string"})
    assert json.loads(found["profile"]) == {"num_records": 2}
    assert len({dataset["digest"], first["digest"], found["digest"]}) == 3


def test_sources(ask: Ask, dataset: dict[str, Any]) -> None:
    """A record says where it comes from, in the words that clients read."""
    _put(ask, dataset, {**RECORD, "source": {"source_type": "trace", "source_data": {"trace_id": "tr-1"}}})

    (found,) = _records(ask, dataset)
    assert (found["source_type"], found["source_id"]) == ("TRACE", "tr-1")
    assert found["source"] == {"source_type": "TRACE", "source_data": {"trace_id": "tr-1"}}


@pytest.mark.parametrize(
    "text",
    [
        "no json",
        "{}",
        "[1]",
        '[{"inputs": []}]',
        '[{"inputs": {}, "tags": {"a": 1}}]',
        '[{"inputs": {}, "expectations": "x"}]',
        '[{"inputs": {}, "source": {"source_type": "MOON"}}]',
        '[{"inputs": ' + '{"a":' * 5000 + "1" + "}" * 5001 + "]",
    ],
    ids=lambda text: text[:40],
)
def test_bad_records(ask: Ask, dataset: dict[str, Any], text: str) -> None:
    """Records that do not fit are refused as a whole, and nothing of them is kept."""
    ask("POST", f"datasets/{dataset['dataset_id']}/records", 400, json={"records": text})

    assert _records(ask, dataset) == []


def test_pages_of_records(ask: Ask, dataset: dict[str, Any]) -> None:
    """Records come in the order in which they were added, page by page."""
    _put(ask, dataset, *({"inputs": {"n": n}} for n in range(5)))
    path = f"datasets/{dataset['dataset_id']}/records"
    first = ask("GET", path, params={"max_results": 3})
    rest = ask("GET", path, params={"max_results": 3, "page_token": first["next_page_token"]})

    found = json.loads(first["records"]) + json.loads(rest["records"])
    assert [record["inputs"]["n"] for record in found] == [0, 1, 2, 3, 4]
    assert "next_page_token" not in rest


def test_delete_records(ask: Ask, dataset: dict[str, Any]) -> None:
    """Records are removed by their ids, and unknown ids are no error."""
    _put(ask, dataset, {"inputs": {"n": 1}}, {"inputs": {"n": 2}})
    gone = _records(ask, dataset)[0]["dataset_record_id"]
    path = f"datasets/{dataset['dataset_id']}/records"

    assert ask("DELETE", path, json={"dataset_record_ids": [gone, "dr-no"]}) == {"deleted_count": 1}
    assert [record["inputs"] for record in _records(ask, dataset)] == [{"n": 2}]
    ask("DELETE", path, 400, json={})


def test_tags(ask: Ask, dataset: dict[str, Any]) -> None:
    """Tags are set, changed and removed; removing one that is not there is no error."""
    path = f"datasets/{dataset['dataset_id']}/tags"
    ask("PATCH", path, json={"tags": '{"a": "c", "d": "e"}'})
    ask("DELETE", f"{path}/d")
    ask("DELETE", f"{path}/d")

    found = ask("GET", f"datasets/{dataset['dataset_id']}")["dataset"]
    assert json.loads(found["tags"]) == {"mlflow.user": "ada", "a": "c"}
    for bad in ("x", "[]", '{"a": 1}'):
        ask("PATCH", path, 400, json={"tags": bad})


def test_experiments(ask: Ask, call: Ask, dataset: dict[str, Any], experiment: str) -> None:
    """A set belongs to the experiments it was put in, in that order, each once."""
    other = call("POST", "experiments/create", json={"name": f"for {dataset['dataset_id']}"})["experiment_id"]
    path = f"datasets/{dataset['dataset_id']}"
    added = ask("POST", f"{path}/add-experiments", json={"experiment_ids": [other, experiment]})
    ids = ask("GET", f"{path}/experiment-ids")["experiment_ids"]
    removed = ask("POST", f"{path}/remove-experiments", json={"experiment_ids": [experiment, "99", "x"]})

    assert added["dataset"]["experiment_ids"] == ids == [experiment, other]
    assert removed["dataset"]["experiment_ids"] == [other]
    ask("POST", f"{path}/add-experiments", 404, json={"experiment_ids": ["99999"]})


def test_search(ask: Ask, call: Ask) -> None:
    """Sets are found by experiment, name, tag and time, in any order."""
    one = call("POST", "experiments/create", json={"name": "search sets"})["experiment_id"]
    for name, team in (("beta", "ml"), ("alpha", "ml"), ("gamma", "data")):
        body = {"name": name, "experiment_ids": [one], "tags": json.dumps({"team": team})}
        ask("POST", "datasets/create", json=body)

    def found(**body: Any) -> list[str]:
        answer = ask("POST", "datasets/search", json={"experiment_ids": [one], **body})
        return [item["name"] for item in answer.get("datasets", [])]

    assert found(order_by=["name ASC"]) == ["alpha", "beta", "gamma"]
    assert found(filter_string="tags.team = 'ml'", order_by=["name DESC"]) == ["beta", "alpha"]
    assert found(filter_string="name LIKE '%mm%' AND created_time > 0") == ["gamma"]
    assert found(experiment_ids=["99999"]) == []
    ask("POST", "datasets/search", 400, json={"filter_string": "digest = 'x'"})


def test_pages_of_a_search(ask: Ask, dataset: dict[str, Any], experiment: str) -> None:
    """A search goes on with its token, by GET as by POST."""
    params = {"experiment_ids": [experiment], "max_results": 1}
    first = ask("GET", "datasets/search", params=params)

    assert len(first["datasets"]) == 1
    if token := first.get("next_page_token"):
        rest = ask("GET", "datasets/search", params={**params, "page_token": token})
        assert rest["datasets"][0]["dataset_id"] != first["datasets"][0]["dataset_id"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("GET", "/records"),
        ("GET", "/experiment-ids"),
        ("POST", "/add-experiments"),
        ("POST", "/remove-experiments"),
        ("DELETE", "/tags/a"),
    ],
)
def test_unknown_sets(ask: Ask, method: str, path: str) -> None:
    """Nothing can be done with a set that is not there."""
    content = {} if method == "GET" else {"json": {"experiment_ids": ["0"]}}

    assert "not found" in ask(method, f"datasets/d-no{path}", 404, **content)["message"]


def test_delete(ask: Ask, dataset: dict[str, Any]) -> None:
    """A deleted set is gone, and deleting it again is no error."""
    _put(ask, dataset, RECORD)
    path = f"datasets/{dataset['dataset_id']}"
    ask("DELETE", path)
    ask("DELETE", path)

    ask("GET", path, 404)


@pytest.mark.parametrize(
    "body", [{}, {"name": " "}, {"name": "x" * 256}, {"name": "x", "tags": "1"}, {"name": 1}]
)
def test_bad_sets(ask: Ask, body: dict[str, Any]) -> None:
    """A set needs a name that fits."""
    ask("POST", "datasets/create", 400, json=body)


def test_unknown_experiment(ask: Ask) -> None:
    """A set is not made in an experiment that is not there."""
    ask("POST", "datasets/create", 404, json={"name": "x", "experiment_ids": ["99999"]})
