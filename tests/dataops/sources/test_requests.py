"""Requests and pages over answers made here: what is asked again, followed, refused and shown."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

import httpx
import pytest

from ropewalk.dataops.sources.errors import (
    AnswerTooLarge,
    PageLoop,
    SourceBroken,
    SourceRefused,
    SourceUnreachable,
)
from ropewalk.dataops.sources.fetch import Answer, Asking, Question, fetch
from ropewalk.dataops.sources.pages import PageWalk
from ropewalk.dataops.sources.rest_auth import bearer
from ropewalk.dataops.sources.rest_pace import Pace, used_up, wanted_pause
from ropewalk.dataops.sources.rest_resources import RESTSource
from ropewalk.dataops.sources.rest_route import first_route
from ropewalk.errors import Place, RopewalkError

PLACE = Place("ropewalk.yaml", 3, 3)
URL = "http://api.test/x"
AT_ONCE = {"Retry-After": "0"}
Answering = Callable[[httpx.Request], httpx.Response]


def answers(*given: httpx.Response) -> tuple[list[httpx.Request], Answering]:
    """Return where requests are noted, and what answers them one after the other."""
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return given[min(len(asked), len(given)) - 1]

    return asked, answer


def ask(answer: Answering, *, accepted: frozenset[int] = frozenset(), **options: object) -> Answer:
    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        asking = Asking(client, threading.Event(), PLACE, **options)  # type: ignore[arg-type]
        return fetch(asking, Question(httpx.URL(f"{URL}?key=hunter2"), accepted=accepted))


def walk(answer: Answering, paginate: object, **options: object) -> list[int]:
    """Return how many records each page has."""
    source = RESTSource(kind="rest", url=URL, records="items", paginate=paginate, **options)
    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        pages = PageWalk(Asking(client, threading.Event(), PLACE), first_route(source, None, PLACE)).pages()
        return [len(page.records) for page in pages]


def page(count: int, headers: Mapping[str, str] | None = None, **fields: object) -> httpx.Response:
    return httpx.Response(200, headers=headers, json={"items": [{"a": n} for n in range(count)], **fields})


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_what_may_pass_is_asked_again(status: int) -> None:
    """After the pause that the server wants."""
    asked, answer = answers(httpx.Response(status, headers=AT_ONCE), httpx.Response(200, content=b"ok"))

    assert ask(answer).content == b"ok"
    assert len(asked) == 2


@pytest.mark.parametrize("status", [400, 404, 405, 410, 501])
def test_what_does_not_pass_is_asked_once(status: int) -> None:
    """The status and what the server says are shown, the values of the query are not."""
    asked, answer = answers(httpx.Response(status, content=b"no such thing"))

    with pytest.raises(SourceBroken, match=rf"^http://api.test/x\?key=\*\*\* answered {status}") as caught:
        ask(answer)

    assert (len(asked), caught.value.detail, caught.value.place) == (1, "no such thing", PLACE)


def test_attempts_come_to_an_end() -> None:
    """A server in trouble is unreachable, and what it said is told."""
    asked, answer = answers(httpx.Response(503, headers=AT_ONCE, content=b"down"))

    with pytest.raises(SourceUnreachable, match="answered 503 Service Unavailable") as caught:
        ask(answer, attempts=3)

    assert (len(asked), caught.value.detail) == (3, "down")


def test_a_long_pause_is_not_waited_for() -> None:
    """The run ends, and says so."""
    asked, answer = answers(httpx.Response(429, headers={"Retry-After": "3600"}))

    with pytest.raises(SourceUnreachable, match="429"):
        ask(answer)

    assert len(asked) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_never_shows_the_answer(status: int) -> None:
    """With credentials they are what is to be checked, without any they are what is missing."""
    _, answer = answers(httpx.Response(status, content=b"hunter2 is wrong"))

    with pytest.raises(SourceRefused) as with_token:
        ask(answer, auth=bearer("hunter2"))
    with pytest.raises(SourceRefused) as without:
        ask(answer)

    assert "hunter2" not in str(with_token.value.as_json())
    assert "the credentials are wrong" in str(with_token.value.hint)
    assert "declare auth" in str(without.value.hint)


def test_a_status_that_was_declared_is_an_answer() -> None:
    """It is handed on as it is."""
    _, answer = answers(httpx.Response(404, content=b"gone"))

    assert ask(answer, accepted=frozenset({404})).status == 404


def test_errors_in_the_words_of_the_api() -> None:
    """What the answer is explained as comes first."""
    _, answer = answers(httpx.Response(400))

    with pytest.raises(SourceRefused, match="in other words"):
        ask(answer, explain=lambda _: SourceRefused("in other words"))


def test_a_redirect_nearby_is_followed() -> None:
    """The same request is made there."""
    asked, answer = answers(httpx.Response(302, headers={"Location": "/y"}), httpx.Response(200))

    assert ask(answer).status == 200
    assert [str(request.url) for request in asked] == [f"{URL}?key=hunter2", "http://api.test/y"]


@pytest.mark.parametrize(
    "location", ["https://api.test/x?key=hunter2", "//other.test/", "http://api.test:81/"]
)
def test_a_redirect_to_elsewhere_is_told(location: str) -> None:
    """Not followed: credentials belong to one origin."""
    asked, answer = answers(httpx.Response(301, headers={"Location": location}))

    with pytest.raises(SourceBroken, match="301") as caught:
        ask(answer)

    assert len(asked) == 1
    assert "it has moved to" in str(caught.value.hint)
    assert "hunter2" not in str(caught.value.as_json())


@pytest.mark.parametrize("location", ["http://[", "http://api.test:port/", "http://[::1/x"])
def test_a_redirect_to_what_is_no_address(location: str) -> None:
    """Whatever a server sends, the answer is an error of ours."""
    _, answer = answers(httpx.Response(302, headers={"Location": location}))

    with pytest.raises((SourceBroken, SourceUnreachable), match=r"^http://api.test/x\?key=\*\*\*"):
        ask(answer, attempts=1)


def test_redirects_without_end() -> None:
    """A few are followed; then the last answer is what counts."""
    asked, answer = answers(httpx.Response(302, headers={"Location": "/y"}))

    with pytest.raises(SourceBroken):
        ask(answer)

    assert len(asked) == 6


def test_an_answer_that_is_too_large() -> None:
    """No more is read than may be."""
    _, answer = answers(httpx.Response(200, content=b"x" * 1001))

    assert len(ask(answer, largest=1001).content) == 1001
    with pytest.raises(AnswerTooLarge, match=r"more than 1,000 bytes") as caught:
        ask(answer, largest=1000)
    assert "max_page_mb" in str(caught.value.hint)


def test_secrets_in_what_the_server_says() -> None:
    """Both credentials and other secrets are replaced."""
    _, answer = answers(httpx.Response(400, content=b"bad token tok-1 and key hunter2"))

    with pytest.raises(RopewalkError) as caught:
        ask(answer, auth=bearer("tok-1"), secrets=("hunter2", ""))

    assert caught.value.detail == "bad token *** and key ***"


@pytest.mark.parametrize("text", ["²", "-1", "1.5.", "", "in a minute", "Mon, 99 Jan 2013 00:00:00 GMT"])
def test_pauses_that_cannot_be_read(text: str) -> None:
    """They count as not said, whatever digits they are written in."""
    assert wanted_pause({"Retry-After": text}, 7.5) == 7.5


@pytest.mark.parametrize("reset", ["", "soon", "²"])
def test_resets_that_cannot_be_read(reset: str) -> None:
    """Nobody waits for a time that is not told."""
    assert used_up({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}) is None


def test_a_turn_that_is_too_far_away() -> None:
    """The seconds are told at once, and no turn is taken."""
    pace, stopping = Pace(per_minute=1), threading.Event()

    assert pace.wait(stopping, 0.0) is None
    assert pace.wait(stopping, 0.0) == pytest.approx(60, abs=1)
    assert pace.wait(stopping, 0.0) == pytest.approx(60, abs=1)


@pytest.mark.parametrize(
    ("paginate", "last"),
    [
        ({"kind": "page", "has_more": "more"}, {"more": False}),
        ({"kind": "page", "pages": "pages"}, {"pages": 2}),
        ({"kind": "page", "pages": "pages"}, {"pages": "2"}),
        ({"kind": "page", "maximum": 2}, {}),
        ({"kind": "page", "start": 0, "maximum": 1}, {}),
        ({"kind": "offset", "limit": 2, "maximum": 3}, {}),
        ({"kind": "offset", "limit": 2, "has_more": "more"}, {"more": None}),
        ({"kind": "cursor", "has_more": "more"}, {"next_cursor": "z", "more": 0}),
    ],
)
def test_the_last_page_is_known_by_itself(paginate: dict[str, object], last: dict[str, object]) -> None:
    """No request is made only to find nothing."""
    first = page(2, next_cursor="y", more=True, pages=2)
    asked, answer = answers(first, httpx.Response(200, json={"items": [{"b": 1}, {"b": 2}], **last}))

    assert walk(answer, paginate) == [2, 2]
    assert len(asked) == 2


@pytest.mark.parametrize("pages", ["²", "-2", 2.5, [2], None])
def test_a_number_of_pages_that_is_none(pages: object) -> None:
    """Then an empty page is the end."""
    asked, answer = answers(page(1, pages=pages), page(0, pages=pages))

    assert walk(answer, {"kind": "page", "pages": "pages"}) == [1, 0]
    assert len(asked) == 2


@pytest.mark.parametrize("link", ["http://api.test:port/", "//[::1"])
def test_a_link_that_is_no_address(link: str) -> None:
    """The error names the page that it is on."""
    _, answer = answers(page(1, next=link))

    with pytest.raises(SourceBroken, match="leads on to what is no address") as caught:
        walk(answer, {"kind": "next_url"})

    assert (caught.value.place, "paginate" in str(caught.value.hint)) == (PLACE, True)


def test_the_first_page_of_a_server_that_knows_no_pages() -> None:
    """It comes again and again, which is a loop and not data."""
    _, answer = answers(page(2))

    with pytest.raises(PageLoop, match=r"page 2 of .* was there before"):
        walk(answer, {"kind": "page"})


@pytest.mark.parametrize("total", ["²", "many", "", "-1"])
def test_a_total_that_is_none_proves_nothing(total: str) -> None:
    """What came is taken."""
    _, answer = answers(page(2, total=total), page(0))

    assert walk(answer, {"kind": "page"}, total="total") == [2, 0]


def test_a_total_in_a_header() -> None:
    """It ends the walk, or shows that records are missing."""
    _, enough = answers(page(2, {"X-Total": "2"}))
    _, missing = answers(page(2, {"X-Total": "5"}), page(0, {"X-Total": "5"}))

    assert walk(enough, {"kind": "page"}, total="header X-Total") == [2]
    with pytest.raises(PageLoop, match="tells of 5 records, and 2 came"):
        walk(missing, {"kind": "page"}, total="header X-Total")
