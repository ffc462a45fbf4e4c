"""Every row under requests that no client would send: an answer or a refusal, never a failure."""

from __future__ import annotations

import re
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ropewalk.mlops.tracking.rows.row import Row
from ropewalk.mlops.tracking.rows.table import TABLES

ROWS: list[Row[Any]] = [row for table in TABLES for row in table]
WRITES = [row for row in ROWS if row.method != "GET"]
READS = [row for row in ROWS if row.method == "GET"]
QUIET = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def _name(row: Row[Any]) -> str:
    return f"{row.method} {row.path}"


def _path(row: Row[Any]) -> str:
    return re.sub(r"\{\w+\}", "x", row.paths[0].replace("{model_id}", "m-x"))


def _fields(row: Row[Any]) -> list[str]:
    return [field.name for field in msgspec.structs.fields(row.asked)]


@pytest.mark.parametrize("row", WRITES, ids=_name)
@given(data=st.data())
@QUIET
def test_bodies(http: httpx.Client, row: Row[Any], data: st.DataObject) -> None:
    """Any JSON under the row's own names is answered or refused with a reason."""
    names = st.sampled_from(_fields(row) or ["x"])
    body = data.draw(st.dictionaries(names, JSON, max_size=4))

    response = http.request(row.method, _path(row), json=body)

    assert response.status_code in (200, 400, 404), response.text
    assert response.status_code == 200 or response.json()["message"]


@pytest.mark.parametrize("row", WRITES, ids=_name)
@given(text=st.text(max_size=40))
@QUIET
def test_texts(http: httpx.Client, row: Row[Any], text: str) -> None:
    """One text in every field of the row, which gets further than random types do."""
    fields = msgspec.structs.fields(row.asked)
    body = {field.name: text for field in fields if field.type == str | None}

    response = http.request(row.method, _path(row), json=body)

    assert response.status_code in (200, 400, 404), response.text


@pytest.mark.parametrize("row", READS, ids=_name)
@given(data=st.data())
@QUIET
def test_queries(http: httpx.Client, row: Row[Any], data: st.DataObject) -> None:
    """Any texts as query parameters are answered or refused with a reason."""
    names = st.sampled_from(_fields(row) or ["x"])
    query = data.draw(st.dictionaries(names, st.text(max_size=40) | st.integers().map(str), max_size=4))

    response = http.get(_path(row), params=query)

    assert response.status_code in (200, 400, 404), response.text
    assert response.status_code == 200 or response.json()["message"]


@pytest.mark.parametrize("row", WRITES, ids=_name)
@pytest.mark.parametrize("body", [b"{", b"[]", b"null", b"\xff", b'{"a":' * 2000, b"1e999"])
def test_what_is_no_request(http: httpx.Client, row: Row[Any], body: bytes) -> None:
    """What is no JSON object is refused by every row that reads a body."""
    response = http.request(
        row.method, _path(row), content=body, headers={"Content-Type": "application/json"}
    )

    assert response.status_code == 400
    assert response.json()["error_code"] == "INVALID_PARAMETER_VALUE"


@pytest.mark.parametrize("text", ["9" * 4301, "-" + "9" * 5000, "1e400", "0x10", " 5 ", "5.5", "NaN"])
def test_numbers_in_queries(http: httpx.Client, text: str) -> None:
    """A number that no column holds is refused; Python's own limit on digits is no failure of ours."""
    query = {"max_results": text, "filter": "name = 'x'"}

    response = http.get("/api/2.0/mlflow/registered-models/search", params=query)

    assert response.status_code == 400


@given(text=st.text(alphabet="%./\\abc\x00\n;#?~", max_size=30))
@QUIET
def test_artifact_paths(http: httpx.Client, text: str) -> None:
    """Any path of the proxy is a file that is not there, a listing, or refused."""
    raw = "".join(f"%{byte:02x}" for byte in text.encode())
    url = httpx.URL(http.base_url).copy_with(raw_path=f"/api/2.0/mlflow-artifacts/artifacts/{raw}".encode())

    assert http.get(url).status_code in (200, 400, 404)
    assert http.put(url, content=b"x").status_code in (200, 400, 404)
