"""The application without a port: which hosts, origins, paths and methods it answers."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ropewalk.mlops.tracking import application, routes
from ropewalk.pipeline import Workspace
from ropewalk.routes import Permission, Route

SECRET = "reached"


async def _reached(_: Any) -> Any:
    from starlette.responses import PlainTextResponse

    return PlainTextResponse(SECRET)


ROUTES = [Route(method, "/x", Permission.READ, _reached) for method in ("GET", "POST", "DELETE")]


def _ask(app: Any, method: str = "GET", path: str = "/x", **headers: str) -> httpx.Response:
    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.request(method, path, headers=headers)

    return asyncio.run(send())


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:5000", "localhost", "LOCALHOST:1", "[::1]:5000"])
def test_own_names(host: str) -> None:
    """Every spelling of this machine is answered."""
    assert _ask(application(ROUTES), Host=host).text == SECRET


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=40, deadline=None)
@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=20))
def test_any_other_name(host: str) -> None:
    """A host that is not this machine, however it is written, is refused before any handler."""
    answer = _ask(application(ROUTES), Host=f"{host}.evil.example")

    assert answer.status_code == 403
    assert SECRET not in answer.text


@pytest.mark.parametrize(
    "host", ["", "evil.example", "127.0.0.1.evil.example", "127.0.0.1@evil.example", "[::1", "[::1]x"]
)
def test_names_that_look_alike(host: str) -> None:
    """A name that begins or ends like this machine's is another machine's."""
    assert _ask(application(ROUTES), Host=host).status_code == 403


@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1.evil.example"},
        {"Origin": "http://[broken"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://localhost:5000", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://127.0.0.1:9999"},
    ],
)
def test_writes_of_pages_from_elsewhere(method: str, headers: dict[str, str]) -> None:
    """A page from elsewhere writes nothing, whichever of its marks the browser sends."""
    answer = _ask(application(ROUTES), method, **headers)

    assert answer.status_code == 403
    assert answer.json()["error_code"] == "PERMISSION_DENIED"


@pytest.mark.parametrize("headers", [{}, {"Origin": "http://127.0.0.1"}, {"Sec-Fetch-Site": "none"}])
def test_writes_of_programs_and_own_pages(headers: dict[str, str]) -> None:
    """Programs, which send no Origin, and pages of this machine write."""
    assert _ask(application(ROUTES), "POST", **headers).text == SECRET


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/X", 404), ("GET", "/x/", 404), ("GET", "//x", 404), ("PUT", "/x", 405), ("PATCH", "/x", 405)],
)
def test_nothing_beside_the_table(method: str, path: str, status: int) -> None:
    """What is not a row is refused in the protocol's form, and never redirected to one."""
    answer = _ask(application(ROUTES), method, path)

    assert (answer.status_code, answer.json()["error_code"]) == (status, "ENDPOINT_NOT_FOUND")


def test_the_copy_for_mlflows_pages(workspace: Workspace) -> None:
    """MLflow serves all twice, and its checks have missed the second copy; here both are of one row."""
    rows = {(route.method, route.path): route for route in routes(workspace)}
    pairs = [
        (route, rows[method, path.replace("/ajax-api", "/api", 1)])
        for (method, path), route in rows.items()
        # Some paths MLflow has for its pages only.
        if path.startswith("/ajax-api") and (method, path.replace("/ajax-api", "/api", 1)) in rows
    ]

    assert len(pairs) > 60
    for copy, first in pairs:
        assert (first.permission, first.endpoint) == (copy.permission, copy.endpoint)


def test_websockets_are_closed() -> None:
    """The protocol has none, so a page from elsewhere cannot reach this machine around the checks by one."""
    sent = list[dict[str, Any]]()

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "websocket", "path": "/x", "headers": [(b"origin", b"http://evil.example")]}
    asyncio.run(application(ROUTES)(scope, receive, send))  # type: ignore[arg-type]  # receive is a plain coroutine

    assert [message["type"] for message in sent] == ["websocket.close"]
