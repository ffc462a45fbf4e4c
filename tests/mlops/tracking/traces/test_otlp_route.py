"""OpenTelemetry's route: what it takes, what it answers, what it refuses."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from .conftest import Call, Export, body, fresh_id, span

PROTOBUF = "application/x-protobuf"


def _message(trace: str, *names: str) -> bytes:
    message = ExportTraceServiceRequest()
    spans = message.resource_spans.add().scope_spans.add().spans
    for number, name in enumerate(names, 1):
        spans.add(
            trace_id=bytes.fromhex(trace),
            span_id=number.to_bytes(8, "big"),
            name=name,
            start_time_unix_nano=5_000_000_000,
            end_time_unix_nano=6_000_000_000,
        )
    return bytes(message.SerializeToString())


def _post(http: httpx.Client, experiment: str, content: bytes, **headers: str) -> httpx.Response:
    named = {"x-mlflow-experiment-id": experiment, "content-type": PROTOBUF}
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    return http.post("/v1/traces", content=content, headers=named)


@pytest.mark.parametrize(
    ("encoding", "packed"), [("", bytes), ("gzip", gzip.compress), ("deflate", zlib.compress)]
)
def test_protobuf_is_kept(http: httpx.Client, v3: Call, experiment: str, encoding: str, packed: Any) -> None:
    """An export as protobuf is kept, compressed or not, and answered as protobuf."""
    trace = fresh_id()

    response = _post(http, experiment, packed(_message(trace, "root")), content_encoding=encoding)

    assert response.status_code == 200
    assert response.headers["content-type"] == PROTOBUF
    assert not ExportTraceServiceResponse.FromString(response.content).HasField("partial_success")
    kept = v3("GET", "traces/get", params={"trace_id": f"tr-{trace}"})["trace"]
    assert [one["name"] for one in kept["spans"]] == ["root"]
    assert kept["trace_info"]["request_time"] == "1970-01-01T00:00:05Z"
    assert kept["trace_info"]["execution_duration"] == "1s"


def test_program_is_kept(http: httpx.Client, v3: Call, experiment: str) -> None:
    """What an export says of its program is kept with the spans; what the library fills in by itself is not."""
    trace, message = fresh_id(), ExportTraceServiceRequest()
    message.ParseFromString(_message(trace, "root"))
    said = {"service.name": "desk", "telemetry.sdk.name": "opentelemetry", "host.name": "attic"}
    for name, text in said.items():
        message.resource_spans[0].resource.attributes.add(key=name).value.string_value = text

    _post(http, experiment, message.SerializeToString()).raise_for_status()

    [kept] = v3("GET", "traces/get", params={"trace_id": f"tr-{trace}"})["trace"]["spans"]
    found = {one["key"]: one["value"]["string_value"] for one in kept["attributes"]}
    del found["mlflow.traceRequestId"]
    assert found == {"resource.service.name": "desk", "resource.host.name": "attic"}


def test_json_is_kept(export: Export, v3: Call) -> None:
    """An export as JSON is kept with values of every kind."""
    values = {
        "text": "a",
        "number": 3,
        "share": 0.5,
        "flag": True,
        "list": [1, "b"],
        "map": {"deep": {"x": 1}},
    }

    trace = export(span(1, attributes=values))

    kept = v3("GET", f"traces/get?trace_id={trace}")["trace"]["spans"][0]["attributes"]
    by_key = {one["key"]: one["value"] for one in kept}
    assert by_key["number"] == {"int_value": 3}
    assert by_key["share"] == {"double_value": 0.5}
    assert by_key["list"]["array_value"]["values"] == [{"int_value": 1}, {"string_value": "b"}]
    assert by_key["map"]["kvlist_value"]["values"][0]["key"] == "deep"


def test_header_is_needed(http: httpx.Client) -> None:
    """Without the header that names an experiment the answer is 422, as from MLflow's server."""
    response = http.post("/v1/traces", content=b"", headers={"content-type": PROTOBUF})

    assert response.status_code == 422
    assert "x-mlflow-experiment-id" in response.json()["message"]


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (b"\xff\xff\xff", {}),
        (b"{", {"content_type": "application/json"}),
        (b"[]", {"content_type": "application/json"}),
        (b'{"resourceSpans": 5}', {"content_type": "application/json"}),
        (
            b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "zz"}]}]}]}',
            {"content_type": "application/json"},
        ),
        (b"[" * 100_000, {"content_type": "application/json"}),
        (b"", {"content_type": "text/plain"}),
        (b"not zipped", {"content_encoding": "gzip"}),
        (gzip.compress(b"cut off", mtime=0)[:-9], {"content_encoding": "gzip"}),
        (b"", {"content_encoding": "br"}),
    ],
)
def test_bad_exports_are_refused(
    http: httpx.Client, experiment: str, content: bytes, headers: dict[str, str]
) -> None:
    """What cannot be read is the client's mistake and is said to be."""
    response = _post(http, experiment, content, **headers)

    assert response.status_code == 400, response.text
    assert response.json()["error_code"] == "INVALID_PARAMETER_VALUE"


def test_a_bomb_is_refused(http: httpx.Client, experiment: str) -> None:
    """A small body that becomes a large one is refused before it is unpacked."""
    response = _post(http, experiment, gzip.compress(bytes(40 << 20), 1), content_encoding="gzip")

    assert response.status_code == 400
    assert "when uncompressed" in response.json()["message"]


def test_unknown_experiment(export: Export) -> None:
    """Spans for an experiment that there is not are refused."""
    export(span(1), status=404, into="123456789")
    export(span(1), status=404, into="x")


def test_partial_success(http: httpx.Client, v3: Call, experiment: str) -> None:
    """Spans that can be kept are kept, and the answer counts the others and says why."""
    trace = fresh_id()
    sent = body(trace, [span(1), span(2) | {"spanId": "00"}, span(3) | {"traceId": "00"}])

    response = _post(http, experiment, json.dumps(sent).encode(), content_type="application/json")

    assert response.status_code == 200
    partial = response.json()["partialSuccess"]
    assert partial["rejectedSpans"] == "2"
    assert "no span_id of 8 bytes" in partial["errorMessage"]
    assert len(v3("GET", f"traces/get?trace_id=tr-{trace}")["trace"]["spans"]) == 1


def test_nothing_to_keep(export: Export, http: httpx.Client, experiment: str) -> None:
    """An export of which no span can be kept is refused, and so is one without any."""
    export(span(1) | {"spanId": "01"}, status=422)

    assert _post(http, experiment, b"").status_code == 400


def test_null_characters_are_replaced(export: Export, v3: Call) -> None:
    """A character that no database keeps does not lose a trace."""
    trace = export(span(1, name="a\0b", attributes={"k\0": "v\0"}))

    kept = v3("GET", f"traces/get?trace_id={trace}")["trace"]["spans"][0]

    assert kept["name"] == "a\ufffdb"
    assert kept["attributes"][0] == {"key": "k\ufffd", "value": {"string_value": "v\ufffd"}}


def test_the_ids_decide(export: Export, v3: Call) -> None:
    """A span belongs to the trace of its id, whatever else it claims."""
    trace = export(span(1, attributes={"mlflow.traceRequestId": "tr-another"}))

    kept = v3("GET", f"traces/get?trace_id={trace}")["trace"]["spans"][0]["attributes"]

    assert kept == [{"key": "mlflow.traceRequestId", "value": {"string_value": trace}}]


def test_files_of_the_oldest_clients_traces(http: httpx.Client, call: Call, experiment: str) -> None:
    """A client of before 3.0 puts the spans beside the trace as a file, and is sent it under MLflow's very name."""
    begun = call("POST", "traces", json={"experiment_id": experiment, "timestamp_ms": 5})["trace_info"]
    [place] = [tag["value"] for tag in begun["tags"] if tag["key"] == "mlflow.artifactLocation"]
    folder = place.replace("mlflow-artifacts:/", "/api/2.0/mlflow-artifacts/artifacts/")
    assert http.put(f"{folder}/traces.json", content=b'{"spans": []}').is_success

    query = {"request_id": begun["request_id"]}
    got = http.get("/ajax-api/2.0/mlflow/get-trace-artifact", params=query)

    assert got.json() == {"spans": []}
    # Compared as text by MLflow's tests; what a browser is told besides is that it may guess nothing.
    assert got.headers["content-disposition"] == "attachment; filename=traces.json"
    assert got.headers["x-content-type-options"] == "nosniff"
