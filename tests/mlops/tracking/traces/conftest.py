"""A served project that spans are exported to."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import count
from typing import Any

import httpx
import pytest

from ropewalk.pipeline import Workspace

Call = Callable[..., dict[str, Any]]
Export = Callable[..., str]
_NUMBERS = count(1)
SECOND = 1_000_000_000


def span(number: int, **fields: Any) -> dict[str, Any]:
    """Return a span in OpenTelemetry's JSON, of one second; `attributes` are plain texts and numbers."""
    attributes = [{"key": k, "value": any_value(v)} for k, v in fields.pop("attributes", {}).items()]
    parent = fields.pop("parent", None)
    return {
        "spanId": f"{number:016x}",
        "name": f"span {number}",
        "startTimeUnixNano": str(1000 * SECOND),
        "endTimeUnixNano": str(1001 * SECOND),
        "attributes": attributes,
        **({"parentSpanId": f"{parent:016x}"} if parent else {}),
        **fields,
    }


def any_value(value: Any) -> dict[str, Any]:
    """Return a plain value as OpenTelemetry writes it."""
    if isinstance(value, dict):
        return {"kvlistValue": {"values": [{"key": k, "value": any_value(v)} for k, v in value.items()]}}
    if isinstance(value, list):
        return {"arrayValue": {"values": [any_value(one) for one in value]}}
    if isinstance(value, bool):
        return {"boolValue": value}
    names = {str: "stringValue", int: "intValue", float: "doubleValue"}
    return {names[type(value)]: str(value) if isinstance(value, int) else value}


def fresh_id() -> str:
    """Return the id of a trace that nobody has used, as hexadecimal digits."""
    return f"{next(_NUMBERS):032x}"


def body(trace: str, spans: list[dict[str, Any]]) -> dict[str, Any]:
    """Return an export of spans of one trace."""
    return {"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": trace, **one} for one in spans]}]}]}


@pytest.fixture(scope="module")
def v3(http: httpx.Client) -> Call:
    """Return a function that calls a path of the protocol's newer part and returns the answer's object."""

    def send(method: str, path: str, status: int = 200, **content: Any) -> dict[str, Any]:
        response = http.request(method, f"/api/3.0/mlflow/{path}", **content)
        assert response.status_code == status, response.text
        return dict(response.json())

    return send


@pytest.fixture(scope="module")
def export(http: httpx.Client, experiment: str) -> Export:
    """Return a function that exports spans of one trace and returns the trace's id."""

    def send(*spans: dict[str, Any], trace: str = "", status: int = 200, into: str = experiment) -> str:
        identifier = trace or fresh_id()
        headers = {"x-mlflow-experiment-id": into, "content-type": "application/json"}
        response = http.post("/v1/traces", content=json.dumps(body(identifier, list(spans))), headers=headers)
        assert response.status_code == status, response.text
        return f"tr-{identifier}"

    return send


@pytest.fixture
def fresh(call: Call) -> str:
    """Return the id of an experiment of one test's own."""
    return str(call("POST", "experiments/create", json={"name": f"traces {next(_NUMBERS)}"})["experiment_id"])


@pytest.fixture(scope="module")
def rows(workspace: Workspace) -> Callable[[str], int]:
    """Return a function that counts the rows of a table."""

    def number(table: str) -> int:
        with workspace.database.read() as connection:
            return int(connection.execute(f"SELECT count(*) AS n FROM {table}").fetchone()["n"])

    return number


@pytest.fixture(scope="module")
def found(v3: Call) -> Callable[..., list[str]]:
    """Return a function that searches an experiment's traces and returns their names."""

    def search(experiment: str, filter_text: str | None = None, *order_by: str) -> list[str]:
        place = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": experiment}}
        asked = {"locations": [place], "filter": filter_text, "order_by": list(order_by)}
        answer = v3("POST", "traces/search", json={k: v for k, v in asked.items() if v})
        return [one["tags"]["mlflow.traceName"] for one in answer.get("traces", [])]

    return search
