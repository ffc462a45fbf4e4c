"""The OpenAPI document tells of every route, and whatever it lets somebody send is answered in order.

schemathesis makes requests from the document: right ones, wrong ones, none at all. No answer may be the server's fault.
"""

from __future__ import annotations

import math
import re
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ropewalk import plugins
from ropewalk.mlops.tracking import project_gate
from ropewalk.pipeline import Workspace
from ropewalk.web.app import all_rows
from ropewalk.web.assets import load_assets
from ropewalk.web.openapi import openapi_document
from ropewalk.web.render import Renderer

# Streams do not end, and what is fetched from a deployment needs a worker.
ENDLESS = re.compile(r"events|stream|/live")
QUICK = settings(
    max_examples=1,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
    deadline=None,
    database=None,
)
THOROUGH = settings(QUICK, max_examples=25)


@pytest.fixture(scope="module")
def document(local: Workspace) -> dict[str, Any]:
    """Return the document of the project on a laptop."""
    renderer = Renderer.of(local, load_assets())
    return openapi_document(all_rows(local, plugins.routes(local), renderer, project_gate(local)))


def test_document_is_served(http: httpx.Client, document: dict[str, Any]) -> None:
    """The server hands out the same document, with every route but the one that hands it out."""
    served = http.get("/api/openapi.json").json()

    assert served["openapi"] == "3.1.0"
    assert served["paths"].keys() == document["paths"].keys() - {"/api/openapi.json"}


def test_every_row_is_told(local: Workspace, document: dict[str, Any]) -> None:
    """Each row has its operation with its permission; what is public needs no token."""
    renderer = Renderer.of(local, load_assets())
    for row in all_rows(local, plugins.routes(local), renderer, project_gate(local)):
        path = re.sub(r"\{(\w+):\w+\}", r"{\1}", row.path)
        operation = document["paths"][path][row.method.lower()]
        assert operation["x-permission"]
        assert ("security" in operation) == (operation["x-permission"] == "public")


def test_requests_have_shapes(document: dict[str, Any]) -> None:
    """A row of the protocol says what it reads, in the body or in the query."""
    create = document["paths"]["/api/2.0/mlflow/runs/create"]["post"]
    get = document["paths"]["/api/2.0/mlflow/runs/get"]["get"]

    assert create["requestBody"]["content"]["application/json"]["schema"]["$ref"].endswith("/CreateRun")
    assert {one["name"] for one in get["parameters"]} == {"run_id", "run_uuid"}
    assert "run_name" in document["components"]["schemas"]["CreateRun"]["properties"]


def _operations(document: dict[str, Any]) -> list[Any]:
    schema = schemathesis.openapi.from_dict(document)
    found = [result.ok() for result in schema.get_all_operations()]
    # The copies under the second prefix have the same endpoints.
    return [one for one in found if not one.path.startswith("/ajax-api") and not ENDLESS.search(one.path)]


def _try_all(
    http: httpx.Client, document: dict[str, Any], how: settings, *, step: int = 1
) -> tuple[int, list[str]]:
    """Return how many operations were tried, and what of them went wrong."""
    wrong = list[str]()
    operations = _operations(document)[::step]
    for operation in operations:

        @how
        @given(case=operation.as_strategy())
        def attempt(case: Any) -> None:
            try:
                answer = case.call(base_url=str(http.base_url), timeout=60)
            except ValueError:
                # A header or address that no client can send.
                return
            if answer.status_code >= 500 and answer.status_code not in {501, 503}:
                wrong.append(
                    f"{case.method} {case.formatted_path} {case.query} {str(case.body)[:300]} -> {answer.text[:300]}"
                )

        attempt()
    return len(operations), wrong


def test_whatever_is_sent_quickly(http: httpx.Client, document: dict[str, Any]) -> None:
    """A request to every fifth operation, right or wrong: none is answered with the server's own fault."""
    number, wrong = _try_all(http, document, QUICK, step=5)

    assert number > 30
    assert wrong == []


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_whatever_is_sent(http: httpx.Client, document: dict[str, Any]) -> None:
    """Many requests to each operation: none is answered with the server's own fault."""
    assert _try_all(http, document, THOROUGH)[1] == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(QUICK, max_examples=40)
@given(data=st.data())
def test_any_json_for_any_operation(
    http: httpx.Client, document: dict[str, Any], data: st.DataObject
) -> None:
    """Fields of the right names with values of any kind are read or refused."""
    paths = sorted(
        path for path in document["paths"] if path.startswith("/api/") and "post" in document["paths"][path]
    )
    path = data.draw(st.sampled_from(paths))
    schema = (
        document["paths"][path]["post"].get("requestBody", {}).get("content", {}).get("application/json", {})
    )
    shape = schema.get("schema", {}).get("$ref", "").rpartition("/")[2]
    names = sorted(document["components"]["schemas"].get(shape, {}).get("properties", {"x": {}}))
    body = data.draw(st.dictionaries(st.sampled_from(names), JSON, max_size=4))

    answer = http.post(path.replace("{", "").replace("}", ""), json=_finite(body))

    assert answer.status_code < 500 or answer.status_code in {501, 503}, (path, body, answer.text[:300])


def _finite(value: object) -> object:
    """Return a value that JSON has, with the names that MLflow gives to numbers that it lacks."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    return [_finite(one) for one in value] if isinstance(value, list) else value
