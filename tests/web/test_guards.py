"""Who may ask: this machine's names, no page of another site; and what every response carries."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from ropewalk.access import allowed_hosts, host_name
from ropewalk.pipeline import Workspace
from ropewalk.routes import Permission, Route
from ropewalk.web.app import create_app

Get = Callable[..., httpx.Response]
GetFrom = Callable[[Starlette], Get]


async def write(request: Request) -> Response:
    return PlainTextResponse("written")


async def break_off(request: Request) -> Response:
    async def parts():
        yield b"first part"
        raise ZeroDivisionError

    return StreamingResponse(parts())


ROUTES = [
    Route("POST", "/write", Permission.WRITE, write),
    Route("GET", "/break", Permission.READ, break_off),
]


@pytest.fixture
def ask(flights: Workspace, get_from: GetFrom) -> Get:
    """Return a function that asks an application that takes a POST."""
    return get_from(create_app(flights, ROUTES))


@pytest.mark.parametrize("host", ["127.0.0.1:8765", "localhost", "LOCALHOST:1", "[::1]:8765", "localhost."])
def test_names_of_this_machine_are_answered(ask: Get, host: str) -> None:
    """The loopback names are answered, in any case and with any port."""
    assert ask("/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example:8765",
        "localhost.evil.example",
        "",
        "10.0.0.7",
        "[::2]",
        "0.0.0.0",
    ],
)
def test_other_hosts_are_refused(ask: Get, host: str) -> None:
    """A name that somebody else points at this machine gets nothing."""
    response = ask("/", headers={"host": host})

    assert response.status_code == 403
    assert response.json()["code"] == "RW182"


def test_refusal_is_headed_too(ask: Get) -> None:
    """Also a refused request gets the security headers and an id."""
    headers = ask("/", headers={"host": "evil.example"}).headers

    assert headers["x-content-type-options"] == "nosniff"
    assert len(headers["x-request-id"]) == 16


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "http://127.0.0.1:8765"},
        {"sec-fetch-site": "same-origin", "origin": "http://127.0.0.1:8765"},
        {"sec-fetch-site": "none"},
    ],
)
def test_programs_and_own_pages_may_write(ask: Get, headers: dict[str, str]) -> None:
    """A program, which sends neither header, and our own pages may change things."""
    assert ask("/write", method="POST", headers=headers).text == "written"


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "http://127.0.0.1:9999"},
        {"origin": "https://evil.example:8765"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site", "origin": "http://127.0.0.1:8765"},
        {"sec-fetch-site": "cross-site", "origin": "http://127.0.0.1:8765"},
    ],
)
def test_pages_of_other_sites_may_not_write(ask: Get, headers: dict[str, str]) -> None:
    """A form or script of another site, also of another port of this machine, changes nothing."""
    response = ask("/write", method="POST", headers=headers)

    assert response.status_code == 403
    assert response.json()["code"] == "RW183"


def test_links_from_other_sites_may_be_followed(ask: Get) -> None:
    """A link to a page in a chat or mail works: reading is allowed from everywhere."""
    assert ask("/", headers={"sec-fetch-site": "cross-site", "accept": "text/html"}).status_code == 200


def test_error_after_the_first_byte_breaks_off(ask: Get) -> None:
    """A response that has begun cannot become an error page: the connection breaks, so nobody takes half for all."""
    with pytest.raises(ZeroDivisionError):
        ask("/break")


@pytest.mark.parametrize(
    ("bound", "name", "is_answered"),
    [
        ("192.168.1.5", "192.168.1.5", True),
        ("192.168.1.5", "localhost", True),
        ("192.168.1.5", "192.168.1.6", False),
        ("box.lan", "BOX.lan:80", True),
        ("0.0.0.0", "10.1.2.3:8765", True),
        ("::", "[fe80::1]:8765", True),
        ("0.0.0.0", "evil.example", False),
    ],
)
def test_bound_address_decides(
    flights: Workspace, get_from: GetFrom, bound: str, name: str, is_answered: bool
) -> None:
    """A server bound to one address answers for it; one bound to all, for every address but no foreign name."""
    get = get_from(create_app(flights, [], host=bound))

    assert (get("/", headers={"host": name}).status_code == 200) is is_answered


def test_loopback_is_always_among_the_hosts() -> None:
    """Whatever it is bound to, the machine itself may ask."""
    for host in ("127.0.0.1", "0.0.0.0", "10.0.0.1", "[::1]"):
        assert {"localhost", "127.0.0.1", "::1"} <= allowed_hosts(host)[0]


@pytest.mark.parametrize(
    ("header", "name"),
    [("a.b:80", "a.b"), ("[::1]:80", "::1"), ("[::1]", "::1"), ("A.B.", "a.b"), ("", ""), ("[::1", "")],
)
def test_host_name(header: str, name: str) -> None:
    """The name is read from the header without port, brackets and case."""
    assert host_name(header) == name
