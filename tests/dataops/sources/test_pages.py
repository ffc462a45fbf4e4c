"""The walk through pages on its own: which requests are made, and with what."""

from __future__ import annotations

import threading
from collections.abc import Callable

import httpx
import pytest

from ropewalk.dataops.sources.errors import PageLoop, SourceBroken, SourceUnreachable
from ropewalk.dataops.sources.fetch import Asking, Question, fetch
from ropewalk.dataops.sources.pages import PageWalk
from ropewalk.dataops.sources.rest_resources import RESTSource
from ropewalk.dataops.sources.rest_route import first_route
from ropewalk.errors import Place

from .conftest import APIServer, Reply, Request

PLACE = Place("ropewalk.yaml", 3, 3)
Serve = Callable[[Callable[[Request], Reply]], APIServer]


def walk(server: APIServer, paginate: object, path: str = "/x", **params: str) -> list[int]:
    """Return how many records each page has."""
    source = RESTSource(kind="rest", url=server.url + path, records="items", paginate=paginate, params=params)
    with httpx.Client(timeout=5) as client:
        pages = PageWalk(Asking(client, threading.Event(), PLACE), first_route(source, None, PLACE)).pages()
        return [len(page.records) for page in pages]


def queries(server: APIServer) -> list[dict[str, str]]:
    return [dict(request.query) for request in server.requests]


def test_numbers_start_where_declared(serve: Serve) -> None:
    """Page 0 is the first for some."""
    server = serve(lambda r: Reply({"items": [{"a": r.query["page"]}] if int(r.query["page"]) < 2 else []}))

    assert walk(server, {"kind": "page", "start": 0}) == [1, 1, 0]
    assert [query["page"] for query in queries(server)] == ["0", "1", "2"]


def test_offsets_count_what_came(serve: Serve) -> None:
    """Not what was asked for: a server may give less."""
    server = serve(lambda r: Reply({"items": [{"a": n} for n in range(int(r.query["offset"]), 5)][:2]}))

    assert walk(server, {"kind": "offset", "limit": 50}) == [2, 2, 1, 0]
    assert [query["offset"] for query in queries(server)] == ["0", "2", "4", "5"]


@pytest.mark.parametrize("link", ["/x?p=2", "?p=2", "{url}/x?p=2", "x?p=2"])
def test_links_may_be_relative(serve: Serve, link: str) -> None:
    """They are read as a browser reads them."""

    def answer(request: Request) -> Reply:
        following = None if "p" in request.query else link.format(url=server.url)
        return Reply({"items": [{"a": len(request.query)}], "next": following})

    server = serve(answer)

    assert walk(server, {"kind": "next_url"}) == [1, 1]
    assert server.requests[1].path == "/x"


def test_a_link_keeps_what_it_says_and_gets_what_it_lacks(serve: Serve) -> None:
    """A declared parameter, such as an API key, is added; what the link says itself wins."""
    server = serve(
        lambda r: Reply({"items": [{"a": 1}], "next": None if "p" in r.query else "/x?p=2&units=K"})
    )

    walk(server, {"kind": "next_url"}, key="k", units="C")

    assert queries(server) == [{"key": "k", "units": "C"}, {"p": "2", "units": "K", "key": "k"}]


def test_the_url_may_have_a_query(serve: Serve) -> None:
    """It is kept on every page."""
    server = serve(lambda r: Reply({"items": [{"a": 1}] if r.query["page"] == "1" else []}))

    walk(server, {"kind": "page"}, path="/x?city=NYC")

    assert queries(server) == [{"city": "NYC", "page": "1"}, {"city": "NYC", "page": "2"}]


@pytest.mark.parametrize("following", [None, "", False])
def test_how_a_token_ends(serve: Serve, following: object) -> None:
    """Null, empty and false all mean that there is no more."""
    server = serve(lambda _: Reply({"items": [{"a": 1}], "next_cursor": following}))

    assert walk(server, {"kind": "cursor"}) == [1]


def test_an_empty_page_in_the_middle_is_no_end_for_links(serve: Serve) -> None:
    """A filtered page may be empty while the link leads on."""
    bodies = {"1": [{"a": 1}], "2": [], "3": [{"a": 3}]}

    def answer(request: Request) -> Reply:
        number = request.query.get("p", "1")
        return Reply({"items": bodies[number], "next": f"/x?p={int(number) + 1}" if number != "3" else None})

    assert walk(serve(answer), {"kind": "next_url"}) == [1, 0, 1]


def test_equal_pages_behind_different_links_are_no_loop(serve: Serve) -> None:
    """Only counted pages are compared by what they hold."""
    server = serve(lambda r: Reply({"items": [{"a": 1}], "next": None if "p" in r.query else "/x?p=2"}))

    assert walk(server, {"kind": "next_url"}) == [1, 1]


def test_a_loop_over_several_pages(serve: Serve) -> None:
    """A, B, A is a loop too, and the error names the page."""
    server = serve(lambda r: Reply({"items": [], "next": "/x?p=1" if r.query.get("p") == "2" else "/x?p=2"}))

    with pytest.raises(PageLoop, match="page 4 of"):
        walk(server, {"kind": "next_url"})


@pytest.mark.parametrize(
    "link", ["http://127.0.0.1:1/x", "https://{host}/x", "//else.where/x", "http://me@else.where/x"]
)
def test_another_host_port_or_scheme_is_refused(serve: Serve, link: str) -> None:
    """Credentials belong to one origin."""
    server = serve(
        lambda _: Reply({"items": [], "next": link.format(host=server.url.removeprefix("http://"))})
    )

    with pytest.raises(SourceBroken, match="another host"):
        walk(server, {"kind": "next_url"})
    assert len(server.requests) == 1


def test_a_page_in_the_middle_is_named(serve: Serve) -> None:
    """The error says which page was wrong."""
    server = serve(lambda r: Reply(b"oops" if "p" in r.query else {"items": [], "next": "/x?p=2"}))

    with pytest.raises(SourceBroken, match=r"page 2 of .* is not JSON"):
        walk(server, {"kind": "next_url"})


def test_a_run_that_stops_waits_no_longer(serve: Serve) -> None:
    """With the stop signal set a failing server ends the walk at once."""
    import time

    server = serve(lambda _: Reply(b"", 503, {"Retry-After": "30"}))
    stopping = threading.Event()
    stopping.set()

    started = time.monotonic()
    with httpx.Client() as client, pytest.raises(SourceUnreachable, match="503"):
        fetch(Asking(client, stopping, PLACE), Question(httpx.URL(server.url)))

    assert time.monotonic() - started < 10


def test_a_server_that_is_too_slow(serve: Serve) -> None:
    """No answer in time is said in those words."""
    hold = threading.Event()

    def answer(request: Request) -> Reply:
        hold.wait(5)
        return Reply([])

    server = serve(answer)
    with (
        httpx.Client(timeout=0.05) as client,
        pytest.raises(SourceUnreachable, match="did not answer in time"),
    ):
        fetch(Asking(client, threading.Event(), PLACE), Question(httpx.URL(server.url)))
    hold.set()
