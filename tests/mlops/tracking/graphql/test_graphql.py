"""GraphQL: MLflow's questions answered, and queries that ask too much refused before anything is done."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from ropewalk.mlops.tracking import create_run, log_metrics
from ropewalk.mlops.tracking.graphql.bounds import ALIASES, CHARACTERS, DEPTH, ROOTS, SELECTIONS
from ropewalk.pipeline import Workspace

Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def ask(http: httpx.Client) -> Ask:
    """Return a function that sends a query and returns data and errors."""

    def send(query: str, **more: Any) -> tuple[Any, Any]:
        response = http.post("/graphql", json={"query": query, **more})
        assert response.status_code == 200, response.text
        return response.json()["data"], response.json()["errors"]

    return send


@pytest.fixture(scope="module")
def measured(workspace: Workspace) -> str:
    """Return the id of a run with metrics, some of which are no numbers."""
    run = create_run(workspace, "graphql", "measured", {"a": "b"}, {"depth": "6"})
    for step, value in enumerate((0.5, math.nan, math.inf)):
        log_metrics(workspace, run, {"loss": value}, step=step)
    return run


def test_a_run_with_its_experiment(ask: Ask, measured: str) -> None:
    """A run is answered with what belongs to it; long integers are texts."""
    data, errors = ask(
        f'{{mlflowGetRun(input: {{runId: "{measured}"}}) {{run {{info {{status startTime}} experiment {{name}}'
        " modelVersions {name} data {params {key value} metrics {key value step}}}}}"
    )

    assert errors is None
    run = data["mlflowGetRun"]["run"]
    assert (run["info"]["status"], run["experiment"]["name"]) == ("RUNNING", "graphql")
    assert run["info"]["startTime"].isdigit()
    assert (run["modelVersions"], run["data"]["params"]) == ([], [{"key": "depth", "value": "6"}])
    assert run["data"]["metrics"] == [{"key": "loss", "value": None, "step": "2"}]


def test_numbers_that_json_lacks(ask: Ask, measured: str) -> None:
    """NaN and infinities are null."""
    data, _ = ask(
        f'{{mlflowGetMetricHistoryBulkInterval(input: {{runIds: ["{measured}"], metricKey: "loss"}})'
        " {metrics {value step}}}"
    )

    found = data["mlflowGetMetricHistoryBulkInterval"]["metrics"]
    assert [point["value"] for point in found] == [0.5, None, None]


def test_variables_and_operations(ask: Ask, measured: str) -> None:
    """Values may come beside the query, and one of several operations is chosen by its name."""
    query = "query A($run: MlflowGetRunInput) {mlflowGetRun(input: $run) {run {info {runId}}}} query B {test {output}}"
    data, errors = ask(query, variables={"run": {"runId": measured}}, operationName="A")

    assert errors is None
    assert data["mlflowGetRun"]["run"]["info"]["runId"] == measured


def test_by_get(http: httpx.Client) -> None:
    """A query can stand in the address, with its variables as JSON."""
    query = "query A($text: String) {test(inputString: $text) {output}}"
    params = {"query": query, "variables": json.dumps({"text": "abc"})}

    assert http.get("/graphql", params=params).json()["data"] == {"test": {"output": "abc"}}
    assert http.get("/graphql").status_code == 400
    assert http.get("/graphql", params={**params, "variables": "{"}).status_code in (200, 400)


def test_searching_is_called_a_mutation(ask: Ask, workspace: Workspace, measured: str) -> None:
    """What MLflow calls a mutation searches, and changes nothing."""
    data, errors = ask(
        'mutation {mlflowSearchRuns(input: {experimentIds: ["0"], runViewType: ALL, maxResults: 3})'
        " {runs {info {runId}} nextPageToken apiError {code}}}"
    )

    assert errors is None
    assert data["mlflowSearchRuns"] == {"runs": [], "nextPageToken": "", "apiError": None}


def test_refusals_of_rows(ask: Ask) -> None:
    """What a row refuses is an error of the query, in the row's words."""
    data, errors = ask('{mlflowGetExperiment(input: {experimentId: "777"}) {experiment {name}}}')

    assert data == {"mlflowGetExperiment": None}
    assert errors == ["No Experiment with id=777 exists"]
    for bad in ('input: {experimentIds: ["0"], maxResults: 1001}', "input: {maxResults: -1}"):
        assert ask(f"{{mlflowSearchRuns({bad}) {{nextPageToken}}}}")[1]


GET = 'mlflowGetExperiment(input: {experimentId: "0"})'


def _nested(levels: int) -> str:
    return "{test " + "{a " * levels + "}" * levels + "}"


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("{" + " ".join(f"k{n}: test {{output}}" for n in range(ROOTS + 1)) + "}", "root fields"),
        (
            f"{{{GET} {{" + " ".join(f"e{n}: experiment {{name}}" for n in range(ALIASES + 1)) + "}}",
            "aliases",
        ),
        (_nested(DEPTH + 1), "maximum depth"),
        (f"{{{GET} {{" + " ".join(f"f{n} {{a}}" for n in range(SELECTIONS)) + "}}", "total selections"),
        # Fragments count where they are used, and not where they stand.
        ("{...A} fragment A on Query {" + "test {output} " * (ROOTS + 1) + "}", "root fields"),
        ("{...A} fragment A on Query {...A}", "maximum depth"),
        ("{...A} fragment A on Query {...B} fragment B on Query {...A}", "maximum depth"),
        (
            "{...A} fragment A on Query {" + "...B " * 500 + "} fragment B on Query {" + "...C " * 500 + "}",
            "total selections",
        ),
        ("{" + "... on Query {" * 20 + "test {output}" + "}" * 20 + "}", "maximum depth"),
        ("{" * 9000, ""),
        ("{test(inputString: " + "[" * 9000, ""),
        ('{test(inputString: "' + "x" * CHARACTERS + '") {output}}', "at most"),
        ("# " + "a " * 10, "Syntax Error"),
        ("{a " * 30_000, ""),
        ("{__schema {types {fields {type {fields {name}}}}}}", "introspection"),
        ("{nothing}", "nothing"),
        ("subscription {test {output}}", "subscription"),
        ("mutation {createExperiment {id}}", "createExperiment"),
    ],
    ids=lambda value: value[:30],
)
def test_what_asks_too_much(ask: Ask, query: str, why: str) -> None:
    """A query is counted as it would be answered, and refused as a whole."""
    data, errors = ask(query)

    assert data is None
    assert why in errors[0]


def test_the_type_name_is_answered(ask: Ask) -> None:
    """Clients that keep a cache ask for it at every level."""
    assert ask("{__typename test {__typename output}}")[0]["__typename"] == "Query"


@pytest.mark.parametrize(
    "body", [{}, {"query": ""}, {"query": 1}, {"query": "{test {output}}", "variables": 1}]
)
def test_bodies_that_are_no_query(http: httpx.Client, body: dict[str, Any]) -> None:
    """A body without a query is refused."""
    assert http.post("/graphql", json=body).status_code == 400


def test_forms_are_no_query(http: httpx.Client) -> None:
    """What a page could send across sites is no query."""
    assert http.post("/graphql", data={"query": "{test {output}}"}).status_code == 400
