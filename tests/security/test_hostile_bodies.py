"""Queries of GraphQL, exports of spans and settings of the gateway that nobody means well: refused, soon, and never a failure.

"Soon" is the client's time-out, far above what any of them takes: the point is that it ends.
"""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

FEW = settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
FAILED = "The server failed"
GATEWAY = "/api/3.0/mlflow/gateway"
# What a query is made of, so that many texts come near to one.
PIECES = st.sampled_from(
    ["{", "}", "(", ")", "[", "]", "query", "mutation", "fragment f on Query", "...f", "... on Query", "mlflowGetRun", "input:", "runId:",
     '"x"', '"""x"""', '"\\u0000"', "$a: Int!", "$a", "@skip(if: true)", "@x", "run {info {runId}}", "a:", "__typename", "1e999", "null",
     "-", "#", ",", "\ufeff", "é"]
)  # fmt: skip
QUERIES = st.lists(PIECES, min_size=1, max_size=25).map(" ".join) | st.text(min_size=1, max_size=40)
TEXTS = st.text(max_size=12) | st.sampled_from(
    ["\x00", "9" * 4400, "[" * 2000, '{"a":' * 300, "NaN", "../..", "💥"]
)
NUMBERS = st.integers(-(1 << 63), (1 << 64) - 1) | st.floats() | st.booleans() | st.none()
JSON = st.recursive(
    TEXTS | NUMBERS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
# Attributes whose texts conventions give a meaning, and which are therefore read further.
KEYS = TEXTS | st.sampled_from(
    ["gen_ai.usage.input_tokens", "llm.token_count.prompt", "mlflow.chat.tokenUsage", "gen_ai.input.messages", "input.value",
     "llm.input_messages.99999999999.message.content", "mlflow.spanInputs", "mlflow.linkedPrompts", "session.id"]
)  # fmt: skip


def _answered(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text[:300]
    assert FAILED not in answer.text
    found: dict[str, Any] = answer.json()
    return found


@FEW
@given(query=QUERIES, variables=st.none() | st.dictionaries(st.just("a") | TEXTS, JSON, max_size=2))
def test_any_query(http: httpx.Client, query: str, variables: dict[str, Any] | None) -> None:
    """Every text is a query or is told what is wrong with it, by POST as by GET."""
    body = (
        json.dumps({"query": query, "variables": variables}, allow_nan=False, default=str)
        if _is_json(variables)
        else None
    )
    answers = [http.get("/graphql", params={"query": query})]
    if body:
        answers.append(http.post("/graphql", content=body, headers={"content-type": "application/json"}))

    for answer in answers:
        # What JSON cannot say is refused before it is a query.
        assert answer.status_code in {200, 400}, answer.text[:300]
        assert FAILED not in answer.text


def _is_json(value: object) -> bool:
    try:
        json.dumps(value, allow_nan=False).encode()
    except ValueError:
        return False
    return True


@pytest.mark.parametrize(
    "query",
    [
        "{mlflowGetRun(input: " + "[" * 4000 + "]" * 4000 + ") {run {info {runId}}}}",
        "{mlflowGetRun(input: " + "{a: " * 3000 + "1" + "}" * 3000 + ") {run {info {runId}}}}",
        "query a($x: " + "[" * 4000 + "Int" + "]" * 4000 + ") {__typename}",
        "{a" * 5000 + "}" * 5000,
        "{" + "... {" * 5000 + "__typename" + "}" * 5000 + "}",
        "{__typename " + "@a" * 9000 + "}",
        "{mlflowGetRun(" + "a: 1 " * 6000 + ") {run {info {runId}}}}",
        "query a(" + "$a: Int " * 6000 + ") {__typename}",
        "query a {__typename} " * 3000,
        "{...a} fragment a on Query {...b} fragment b on Query {...a}",
        "{...f0} " + " ".join(f"fragment f{n} on Query {{" + f"...f{n + 1} " * 3 + "}" for n in range(9)),
        "{__schema {types {" + "fields {type {" * 4 + "name" + "}}" * 4 + "}}}",
    ],
    ids=lambda query: query[:30].replace("[", "<"),
)
def test_queries_made_to_hurt(http: httpx.Client, query: str) -> None:
    """Depth, width, fragments and repetition are counted before anything is answered."""
    found = _answered(http.post("/graphql", json={"query": query}))

    assert found["data"] is None
    assert found["errors"]


def test_variables_that_nest(http: httpx.Client) -> None:
    """What a variable holds is judged like what a query holds, and its sender is told."""
    deep: dict[str, Any] = {}
    for _ in range(90):
        deep = {"x": deep}
    query = "query ($x: MlflowGetRunInput) {mlflowGetRun(input: $x) {run {info {runId}}}}"

    found = _answered(http.post("/graphql", json={"query": query, "variables": {"x": deep}}))

    assert "unknown field 'x'" in found["errors"][0]


def _values(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    listed = st.lists(inner, max_size=3).map(lambda found: {"arrayValue": {"values": found}})
    pairs = st.lists(st.fixed_dictionaries({"key": KEYS, "value": inner}), max_size=3)
    return listed | pairs.map(lambda found: {"kvlistValue": {"values": found}})


VALUES: st.SearchStrategy[dict[str, Any]] = st.recursive(
    TEXTS.map(lambda text: {"stringValue": text})
    | st.sampled_from(
        [{"intValue": "9223372036854775807"}, {"doubleValue": "NaN"}, {"doubleValue": "-Infinity"}]
    )
    | st.sampled_from([{"bytesValue": "AAAA"}, {"boolValue": True}, {}]),
    _values,
    max_leaves=6,
)
ATTRIBUTES = st.lists(st.fixed_dictionaries({"key": KEYS, "value": VALUES}), max_size=4)
SPAN = st.fixed_dictionaries(
    {
        "traceId": st.sampled_from(["0" * 31 + "1", "0" * 32, "f" * 32, "", "zz"]),
        "spanId": st.sampled_from(["0" * 15 + "1", "f" * 16, "0"]),
        "name": TEXTS,
        "startTimeUnixNano": st.integers(-1, 1 << 64).map(str),
        "endTimeUnixNano": st.integers(0, 1 << 63).map(str),
        "attributes": ATTRIBUTES,
    }
)


@settings(FEW, max_examples=40)
@given(spans=st.lists(SPAN, max_size=3), about=ATTRIBUTES)
def test_any_export(http: httpx.Client, spans: list[dict[str, Any]], about: list[dict[str, Any]]) -> None:
    """Spans of any values are kept or refused with a reason, and what is kept can be read."""
    resource = {"resource": {"attributes": about}, "scopeSpans": [{"spans": spans}]}
    headers = {"content-type": "application/json", "x-mlflow-experiment-id": "0"}

    answer = http.post("/v1/traces", content=json.dumps({"resourceSpans": [resource]}), headers=headers)
    read = http.get("/ajax-api/3.0/mlflow/get-trace-artifact", params={"request_id": f"tr-{1:032x}"})

    assert answer.status_code in {200, 400, 422}, answer.text[:300]
    assert read.status_code in {200, 404}, read.text[:300]


def test_resource_that_would_be_copied(http: httpx.Client) -> None:
    """A body of a megabyte that stands for a hundred million rows is refused before one of them is written."""
    message = ExportTraceServiceRequest()
    spans = message.resource_spans.add()
    for number in range(2000):
        spans.resource.attributes.add(key=str(number)).value.string_value = "v"
    scope = spans.scope_spans.add()
    for number in range(20_000):
        scope.spans.add(trace_id=bytes(15) + b"\7", span_id=number.to_bytes(8, "big"))
    headers = {"content-type": "application/x-protobuf", "x-mlflow-experiment-id": "0"}

    answer = http.post("/v1/traces", content=message.SerializeToString(), headers=headers)

    assert answer.status_code == 400
    assert "kept with each span" in answer.json()["message"]


@pytest.mark.parametrize(
    "path",
    [
        "endpoints/create",
        "endpoints/update",
        "endpoints/models/attach",
        "endpoints/bindings/create",
        "model-definitions/create",
    ],
)
def test_any_setting_of_the_gateway(http: httpx.Client, path: str) -> None:
    """Whatever is nested in a setting, it is kept or refused with a reason."""
    choice = st.fixed_dictionaries(
        {},
        optional={
            "model_definition_id": TEXTS,
            "weight": NUMBERS,
            "linkage_type": JSON,
            "fallback_order": NUMBERS,
        },
    )
    body = st.fixed_dictionaries(
        {},
        optional={
            "name": TEXTS,
            "endpoint_id": TEXTS,
            "model_config": choice | JSON,
            "model_configs": st.lists(choice, max_size=3) | JSON,
            "fallback_config": st.fixed_dictionaries({"max_attempts": NUMBERS, "strategy": JSON}),
            "routing_strategy": JSON,
            "secret_id": TEXTS,
            "provider": TEXTS,
        },
    )

    @FEW
    @given(sent=body.filter(_is_json))
    def attempt(sent: dict[str, Any]) -> None:
        answer = http.post(f"{GATEWAY}/{path}", json=sent)

        assert answer.status_code in {200, 400, 404}, answer.text[:300]

    attempt()
