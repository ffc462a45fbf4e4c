"""The parsers behind the wire under whatever bytes: a value or a refusal, never a failure, and never for long.

That every row takes every body is tried in `tests/mlops/tracking/test_fuzz.py`; here are the parsers that read texts of
their own: filters, orderings, page tokens, tickets, spans, and forms.
"""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ropewalk.errors import InvalidInput
from ropewalk.mlops.tracking import filter as filters
from ropewalk.mlops.tracking.filter import Schema, parse_filter, parse_ordering

MANY = settings(max_examples=60, suppress_health_check=list(HealthCheck), deadline=None)
FEW = settings(MANY, max_examples=25)
SCHEMAS = {name: value for name, value in vars(filters).items() if isinstance(value, Schema)}
# What a filter is made of, so that many texts come near to one.
WORDS = st.sampled_from(
    ["metrics.", "params.", "tags.", "attributes.", "name", "run_id", "a", "`a b`", '"a"', "'x'", "''", "=", "!=", "<", ">=", "LIKE",
     "ILIKE", "IN", "NOT", "IS", "NULL", "AND", "OR", "(", ")", ",", "1", "-1.5e3", "NaN", "inf", "\\", "--", ";", "%", "\x00", "é", " "]
)  # fmt: skip
TEXTS = st.lists(WORDS, max_size=14).map(" ".join) | st.text(max_size=40)


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_filters(name: str) -> None:
    """Every text is a filter or is refused, for every entity."""

    @MANY
    @given(text=TEXTS)
    def attempt(text: str) -> None:
        with suppress(InvalidInput):
            parse_filter(text, SCHEMAS[name])
        with suppress(InvalidInput):
            parse_ordering(text, SCHEMAS[name])

    attempt()


def test_there_are_schemas() -> None:
    """All of the entities that can be searched are tried above."""
    assert {
        "RUNS",
        "EXPERIMENTS",
        "REGISTERED_MODELS",
        "MODEL_VERSIONS",
        "LOGGED_MODELS",
        "TRACES",
    } <= SCHEMAS.keys()


@pytest.mark.parametrize("unit", ["(", "NOT ", "a AND ", "'", '"', "`", "\\'", "metrics.a > 1 AND ", "IN ("])
def test_long_filters_end_soon(unit: str) -> None:
    """A hundred thousand characters of anything are read or refused as they are, without trying all ways to read them."""
    with suppress(InvalidInput):
        parse_filter(unit * (100_000 // len(unit)), filters.RUNS)


@FEW
@given(token=st.text(max_size=60) | st.binary(max_size=60).map(lambda raw: raw.hex()))
def test_page_tokens(http: httpx.Client, token: str) -> None:
    """No page token but one that the server gave is taken, for any search."""
    runs = http.post("/api/2.0/mlflow/runs/search", json={"experiment_ids": ["0"], "page_token": token})
    models = http.get("/api/2.0/mlflow/registered-models/search", params={"page_token": token})

    # The empty token is the first page, as in MLflow.
    assert {runs.status_code, models.status_code} <= ({400} if token else {200})


@FEW
@given(ticket=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=80), method=st.sampled_from(["GET", "PUT"]))  # fmt: skip
def test_tickets(http: httpx.Client, ticket: str, method: str) -> None:
    """No ticket but one that the server signed gets or puts a byte."""
    for folder in ("files", "parts"):
        answer = http.request(method, f"/api/2.0/mlflow-artifacts/{folder}/{quote(ticket, safe='')}")
        # One that ends with a slash is led to itself without it.
        assert answer.status_code in {307, 400, 401, 403, 404, 405}, answer.text


@FEW
@given(
    body=st.binary(max_size=200) | st.binary(max_size=40).map(lambda raw: b"\x0a" + bytes([len(raw)]) + raw),
    kind=st.sampled_from(["application/x-protobuf", "application/json", "text/plain", ""]),
    encoding=st.sampled_from(["", "gzip", "deflate", "br", "identity"]),
)
def test_spans(http: httpx.Client, body: bytes, kind: str, encoding: str) -> None:
    """Bytes that are no spans are refused, packed or not, of whatever kind they call themselves."""
    headers = {"content-type": kind, "content-encoding": encoding, "x-mlflow-experiment-id": "0"}

    answer = http.post("/v1/traces", content=body, headers={k: v for k, v in headers.items() if v})

    assert answer.status_code < 500, answer.text


@FEW
@given(
    body=st.binary(max_size=300),
    boundary=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=20),
)
def test_forms(http: httpx.Client, body: bytes, boundary: str) -> None:
    """Forms are read where there is one, the login, and nowhere else."""
    headers = {"content-type": f"multipart/form-data; boundary={boundary}"}

    login = http.post("/login", content=body, headers=headers)
    create = http.post("/api/2.0/mlflow/experiments/create", content=body or b"x", headers=headers)

    assert login.status_code in {401, 429}
    assert create.status_code == 400
