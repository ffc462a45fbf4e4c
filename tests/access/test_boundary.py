"""Which hosts are answered for, and which pages may change something."""

from __future__ import annotations

import pytest
from starlette.datastructures import Headers

from ropewalk.access.boundary import LOOPBACK, allowed_hosts, check_origin, host_name
from ropewalk.access.errors import ForeignOrigin


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("localhost", "localhost"),
        ("LocalHost:8000", "localhost"),
        ("example.org.", "example.org"),
        ("example.org.:80", "example.org"),
        ("127.0.0.1:5000", "127.0.0.1"),
        ("[::1]", "::1"),
        ("[::1]:80", "::1"),
        ("[::A]", "::a"),
        ("[::1]evil.example", ""),
        ("[::1", ""),
        ("[", ""),
        ("", ""),
        (":80", ""),
    ],
)
def test_names_of_hosts(header: str, name: str) -> None:
    """Without port, case and brackets; what only begins like an address has no name."""
    assert host_name(header) == name


@pytest.mark.parametrize(
    ("host", "public", "more"),
    [
        ("127.0.0.1", "", set()),
        ("Ropes.Example", "", {"ropes.example"}),
        ("[::1]", "", set()),
        ("127.0.0.1", "https://Ropes.example:8443/x", {"ropes.example"}),
        ("127.0.0.1", "no address", set()),
    ],
)
def test_hosts_of_a_server(host: str, public: str, more: set[str]) -> None:
    """Its own name, its public one, and always this machine; no plain address is enough."""
    assert allowed_hosts(host, public) == (LOOPBACK | more, False)


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_hosts_of_a_server_on_all_addresses(host: str) -> None:
    """Any address reaches it, but names are only its own."""
    names, any_address = allowed_hosts(host, "https://ropes.example")

    assert any_address
    assert names > LOOPBACK | {"ropes.example"}
    assert host not in names


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
        {"origin": "http://ropes.example", "host": "ropes.example"},
        {"origin": "https://ropes.example:80", "host": "ropes.example:80"},
    ],
)
def test_own_pages(headers: dict[str, str]) -> None:
    """Programs say nothing, and our own pages say so."""
    check_origin(Headers(headers))


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site", "origin": "http://ropes.example", "host": "ropes.example"},
        {"origin": "null", "host": "ropes.example"},
        {"origin": "null", "host": ""},
        {"origin": "null"},
        {"origin": "http://evil.example", "host": "ropes.example"},
        {"origin": "http://ropes.example:1", "host": "ropes.example"},
        {"origin": "http://ropes.example.evil", "host": "ropes.example"},
    ],
)
def test_pages_of_others(headers: dict[str, str]) -> None:
    """Also another port of the same machine is somebody else."""
    with pytest.raises(ForeignOrigin):
        check_origin(Headers(headers))


def test_a_browser_that_says_nothing() -> None:
    """What came with a cookie came from a browser, which has to say where from."""
    with pytest.raises(ForeignOrigin, match="another site"):
        check_origin(Headers({}), is_browser=True)
    check_origin(Headers({"sec-fetch-site": "same-origin"}), is_browser=True)
