"""Getting in and staying in: credentials of every kind, limits of every kind, and answers that are too much."""

from __future__ import annotations

import gzip
import json
import threading
import time
from base64 import b64decode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import parse_qs

import httpx
import pytest

from ropewalk.dataops.sources import RESTSource
from ropewalk.dataops.sources.errors import (
    AnswerTooLarge,
    SecretMissing,
    SourceBroken,
    SourceRefused,
    SourceUnreachable,
)
from ropewalk.dataops.sources.fetch import Asking, Question, fetch
from ropewalk.dataops.sources.pages import PageWalk
from ropewalk.dataops.sources.rest_client import open_api
from ropewalk.dataops.sources.rest_pace import Pace, used_up, wanted_pause
from ropewalk.dataops.sources.rest_route import first_route
from ropewalk.errors import Place, RopewalkError
from ropewalk.pipeline import Stopped

from .conftest import APIServer, Reply, Request

PLACE = Place("ropewalk.yaml", 3, 3)
Serve = Callable[[Callable[[Request], Reply]], APIServer]
OAUTH = {"type": "oauth2_client_credentials", "client_id": "me", "client_secret": "secret://PW"}


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the secrets that the tests name."""
    monkeypatch.setenv("PW", "hunter2")
    monkeypatch.setattr("ropewalk.dataops.sources.rest_auth._tokens", {})
    monkeypatch.setattr("ropewalk.dataops.sources.rest_client._paces", {})


def read(server: APIServer, **options: object) -> list[dict[str, object]]:
    """Return the records of all pages."""
    source = RESTSource(kind="rest", url=f"{server.url}/x", **options)
    with open_api(source, PLACE, threading.Event()) as asking:
        pages = PageWalk(asking, first_route(source, None, PLACE)).pages()
        return [json.loads(record) for page in pages for record in page.records]


def fail(server: APIServer, **options: object) -> RopewalkError:
    """Read, and return the error, which shows no secret."""
    with pytest.raises(RopewalkError) as caught:
        read(server, **options)
    assert "hunter2" not in str(caught.value.as_json())
    return caught.value


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        ({"type": "bearer", "token": "secret://PW"}, "Authorization", "Bearer hunter2"),
        ({"token": "secret://PW"}, "Authorization", "Bearer hunter2"),
        ({"type": "api_key", "api_key": "secret://PW"}, "Authorization", "hunter2"),
        ({"type": "api_key", "api_key": "secret://PW", "name": "X-Key"}, "X-Key", "hunter2"),
        (
            {"type": "api_key", "api_key": "secret://PW", "name": "k", "location": "cookie"},
            "Cookie",
            "k=hunter2",
        ),
    ],
)
def test_headers_that_let_in(serve: Serve, auth: dict[str, str], header: str, value: str) -> None:
    """Tokens and keys, sent as declared."""
    server = serve(lambda _: Reply([]))

    read(server, auth=auth)

    assert server.requests[0].headers[header] == value


def test_basic_authentication(serve: Serve) -> None:
    """User and password, packed; either may be a secret."""
    server = serve(lambda _: Reply([]))

    read(server, auth={"type": "http_basic", "username": "secret://PW", "password": "secret://PW"})

    packed = server.requests[0].headers["Authorization"].removeprefix("Basic ")
    assert b64decode(packed) == b"hunter2:hunter2"


@pytest.mark.parametrize("location", ["query", "param"])
def test_a_key_in_the_query(serve: Serve, location: str) -> None:
    """It is sent with every page and stands in no error."""
    server = serve(lambda r: Reply([{"a": 1}] if r.query["page"] == "1" else b"oops"))
    auth = {"type": "api_key", "api_key": "secret://PW", "name": "key", "location": location}

    error = fail(server, auth=auth, paginate={"kind": "page"})

    assert error.code == "RW622"
    assert [request.query["key"] for request in server.requests] == ["hunter2", "hunter2"]


def test_a_secret_that_the_api_repeats(serve: Serve) -> None:
    """An error answer that quotes the credentials is shown without them."""
    server = serve(lambda r: Reply({"error": f"bad {r.headers['Authorization']}"}, 400))

    error = fail(server, auth={"token": "secret://PW"})

    assert error.detail == '{"error": "bad Bearer ***"}'


@pytest.mark.parametrize("reply", [Reply(b"hunter2", 400), Reply(b"hunter2")])
@pytest.mark.parametrize(
    "options", [{"headers": {"X": "secret://PW"}}, {"params": {"x": "secret://PW"}},
                {"method": "POST", "json": {"x": ["secret://PW"]}}]
)  # fmt: skip
def test_secrets_of_headers_parameters_and_bodies(
    serve: Serve, options: dict[str, object], reply: Reply
) -> None:
    """An API that repeats them, as an error or as nonsense, is quoted without them."""
    assert fail(serve(lambda _: reply), **options).detail == "***"


def test_a_run_that_stops_asks_for_no_further_page(serve: Serve) -> None:
    """It ends between two pages."""
    stopping = threading.Event()
    source = RESTSource(kind="rest", url="http://h/x", paginate={"kind": "page"})
    server = serve(lambda _: stopping.set() or Reply([{"a": 1}]))
    source = source.model_copy(update={"url": f"{server.url}/x"})

    with open_api(source, PLACE, stopping) as asking, pytest.raises(Stopped):
        list(PageWalk(asking, first_route(source, None, PLACE)).pages())
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_what_to_do_when_refused(serve: Serve, status: int) -> None:
    """Without credentials they are asked for, with some these are wrong."""
    server = serve(lambda _: Reply(b"", status))

    assert "declare auth" in (fail(server).hint or "")
    assert "are wrong" in (fail(server, auth={"token": "secret://PW"}).hint or "")


def test_a_secret_that_is_not_there(serve: Serve) -> None:
    """Before anything is asked."""
    server = serve(lambda _: Reply([]))

    with pytest.raises(SecretMissing):
        read(server, auth={"token": "secret://NOT_SET_ANYWHERE"})
    assert server.requests == []


class TokenServer:
    """An API that wants tokens, and what gives them: each lives for some requests."""

    def __init__(self, serve: Serve, expires_in: object = 3600, lives: int = 1000) -> None:
        self.expires_in = expires_in
        self.lives = lives
        self.given = 0
        self.left = 0
        self.server = serve(self.answer)

    def answer(self, request: Request) -> Reply:
        if request.path == "/token":
            self.given += 1
            self.left = self.lives
            return Reply({"access_token": f"t{self.given}", "expires_in": self.expires_in})
        self.left -= 1
        good = request.headers.get("Authorization") == f"Bearer t{self.given}" and self.left >= 0
        if not good:
            return Reply({"error": "expired"}, 401)
        return Reply([{"a": int(request.query["page"])}] if int(request.query["page"]) < 4 else [])

    def read(self, **more: object) -> list[dict[str, object]]:
        auth = {**OAUTH, "access_token_url": f"{self.server.url}/token", **more}
        return read(self.server, auth=auth, paginate={"kind": "page"})


def test_client_credentials(serve: Serve) -> None:
    """A token is asked for once, as the standard has it, and kept for the next load."""
    api = TokenServer(serve)

    assert api.read(access_token_request_data={"scope": "read all"}) == [{"a": 1}, {"a": 2}, {"a": 3}]
    api.read(access_token_request_data={"scope": "read all"})

    asked = [request for request in api.server.requests if request.path == "/token"]
    assert len(asked) == 1
    assert asked[0].method == "POST"
    assert parse_qs(asked[0].content.decode()) == {
        "grant_type": ["client_credentials"], "client_id": ["me"], "client_secret": ["hunter2"], "scope": ["read all"],
    }  # fmt: skip


def test_a_token_that_is_refused_is_renewed(serve: Serve) -> None:
    """In the middle of the pages; and one that is refused at once is not asked for again and again."""
    api = TokenServer(serve, lives=2)
    assert len(api.read()) == 3
    assert api.given == 2

    api.lives = 0
    with pytest.raises(SourceRefused):
        api.read()
    assert api.given <= 4


@pytest.mark.parametrize("lifetime", [5, "5"])
def test_a_token_that_runs_out_is_renewed_before(serve: Serve, lifetime: object) -> None:
    """No request is made with one that is as good as over."""
    api = TokenServer(serve, expires_in=lifetime)

    api.read()

    assert api.given == 4


@pytest.mark.parametrize(
    ("reply", "code"),
    [(Reply({"error": "invalid_client"}, 401), "RW623"), (Reply({"token": "x"}), "RW623"), (Reply(b"<html>"), "RW623"),
     (Reply({"error": "unsupported"}, 400), "RW622")],
)  # fmt: skip
def test_no_token(serve: Serve, reply: Reply, code: str) -> None:
    """What gives tokens refuses, or gives something else."""
    server = serve(lambda _: reply)

    assert fail(server, auth={**OAUTH, "access_token_url": f"{server.url}/token"}).code == code


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7),
        ({"RateLimit-Remaining": "0", "RateLimit-Reset": "7"}, 7),
        ({"X-Rate-Limit-Remaining": "0", "X-Rate-Limit-Reset": "7.5"}, 7.5),
        ({"RateLimit": '"default";r=0;t=7'}, 7),
        ({"RateLimit-Remaining": "0", "RateLimit-Reset": "soon"}, 99),
        ({"X-RateLimit-Remaining": "3", "X-RateLimit-Reset": "7"}, 99),
        ({"Retry-After": "soon"}, 99),
        ({}, 99),
    ],
)
def test_pauses_that_servers_ask_for(headers: dict[str, str], seconds: float) -> None:
    """In every way of saying so; 99 stands for our own."""
    assert wanted_pause(httpx.Headers(headers), 99) == pytest.approx(seconds, abs=6)


def test_a_reset_at_a_moment() -> None:
    """Large numbers are seconds since 1970, as GitHub and GitLab tell them; a past moment is no wait."""
    for seconds in (30, -30):
        headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(time.time()) + seconds)}
        assert used_up(headers) == pytest.approx(max(0, seconds), abs=3)


def test_a_date_to_come_back_at() -> None:
    """Retry-After may be one; a past one is no wait."""
    for seconds in (30, -30):
        date = format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)
        assert wanted_pause({"Retry-After": date}, 99) == pytest.approx(max(0, seconds), abs=3)


@pytest.mark.parametrize("headers", [{"RateLimit-Remaining": "1"}, {"RateLimit": '"a";r=5;t=1'}, {}])
def test_limits_that_are_not_used_up(headers: dict[str, str]) -> None:
    """Nothing is waited for."""
    assert used_up(headers) is None


def test_a_limit_that_is_used_up_is_waited_for(serve: Serve) -> None:
    """Before the next request is refused."""
    limits = {"RateLimit-Remaining": "0", "RateLimit-Reset": "1"}
    server = serve(lambda r: Reply([{"a": 1}], headers=limits) if r.query["page"] == "1" else Reply([]))

    started = time.monotonic()
    read(server, paginate={"kind": "page"})

    assert time.monotonic() - started >= 0.9
    assert len(server.requests) == 2


def test_a_limit_that_is_used_up_for_an_hour(serve: Serve) -> None:
    """It is told of, not waited for."""
    server = serve(
        lambda _: Reply([{"a": 1}], headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "3600"})
    )

    error = fail(server, paginate={"kind": "page"})

    assert (error.code, "takes no request for another 3" in error.message) == ("RW621", True)


def test_our_own_pace(serve: Serve) -> None:
    """Requests are spread evenly, and a run that stops does not wait."""
    pace, stopping, started = Pace(600), threading.Event(), time.monotonic()
    for _ in range(4):
        pace.wait(stopping, 60)
    assert time.monotonic() - started >= 0.29

    stopping.set()
    slow, started = Pace(2), time.monotonic()
    for _ in range(2):
        slow.wait(stopping, 60)
    assert time.monotonic() - started < 5


def gzipped(content: bytes) -> Reply:
    return Reply(gzip.compress(content), headers={"Content-Encoding": "gzip"})


def test_packed_answers(serve: Serve) -> None:
    """They are unpacked; only what can be unpacked is asked for."""
    server = serve(lambda _: gzipped(b'[{"a": 1}]'))

    assert read(server) == [{"a": 1}]
    assert server.requests[0].headers["Accept-Encoding"] == "gzip, deflate"


@pytest.mark.parametrize("packed", [True, False])
def test_an_answer_without_end(serve: Serve, packed: bool) -> None:
    """A bomb, or one line of gigabytes: it is dropped as soon as it is too large."""
    content = b'[{"a": "' + b"x" * (8 << 20) + b'"}]'
    server = serve(lambda _: gzipped(content) if packed else Reply(content))

    error = fail(server, max_page_mb=1)

    assert isinstance(error, AnswerTooLarge)
    assert (error.code, error.hint) == ("RW693", "ask for smaller pages, or raise max_page_mb")


def test_an_answer_that_is_not_packed_as_it_says(serve: Serve) -> None:
    """It is told so."""
    server = serve(lambda _: Reply(b"not gzip", headers={"Content-Encoding": "gzip"}))

    assert "cannot be unpacked" in fail(server).message


@pytest.mark.parametrize(
    ("content", "headers", "message"),
    [
        (b"<!DOCTYPE html><title>Log in</title>", {}, "is not JSON but a web page"),
        (b"Please log in", {"Content-Type": "text/html; charset=utf-8"}, "is not JSON but a web page"),
        (b'[{"a": 1},\n {"b": }]', {}, "is not JSON at line 2, column 8"),
        (b'{"a": "\xff"}', {}, "is not JSON at line 1, column 8"),
        (b"", {}, "is not JSON: it is empty"),
        (b"[" * 100_000, {}, "is not JSON"),
    ],
)
def test_answers_that_are_not_json(
    serve: Serve, content: bytes, headers: dict[str, str], message: str
) -> None:
    """A log-in page is told from broken JSON, and that with its place."""
    assert message in fail(serve(lambda _: Reply(content, headers=headers))).message


def test_a_connection_that_drops_half_way(serve: Serve) -> None:
    """It is asked again; an answer that is cut off is never taken for a whole one."""
    cut = Reply(b'[{"a": 1}', headers={"Content-Length": "5000"})
    replies = [cut, Reply(b"", 0)]
    server = serve(lambda _: replies.pop(0) if replies else Reply([{"a": 1}, {"a": 2}]))

    assert read(server) == [{"a": 1}, {"a": 2}]
    assert len(server.requests) == 3


@pytest.mark.parametrize("total", [3, 5])
def test_totals_that_lie(serve: Serve, total: int) -> None:
    """More or fewer records than told of: an error, whichever it is."""
    records = [{"a": n} for n in range(4)]
    server = serve(lambda r: Reply({"n": total, "items": records[int(r.query["offset"]) :][:2]}))

    error = fail(server, records="items", total="n", paginate={"kind": "offset", "limit": 2})

    assert (error.code, "came" in error.message) == ("RW624", True)


def test_totals_that_hold(serve: Serve) -> None:
    """In the body or a header; the page that would be empty is not asked for."""
    records = [{"a": n} for n in range(4)]
    server = serve(lambda r: Reply(records[int(r.query["offset"]) :][:2], headers={"X-Total": "4"}))

    assert len(read(server, total="header X-Total", paginate={"kind": "offset", "limit": 2})) == 4
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("paginate", "pages"),
    [
        ({"kind": "page", "maximum": 2}, 2),
        ({"kind": "page", "pages": "pages"}, 3),
        ({"kind": "page", "has_more": "more"}, 3),
        ({"kind": "page"}, 6),
        ({"kind": "page", "stop_after_empty": False, "maximum": 8}, 8),
        ({"kind": "header_cursor", "header": "X-C", "param": "page"}, 3),
        ({"kind": "cursor", "path": "c", "param": "page", "has_more": "more"}, 3),
        ({"kind": "single"}, 1),
    ],
)
def test_where_pages_end(serve: Serve, paginate: dict[str, object], pages: int) -> None:
    """At a declared maximum, a number of pages, a word that there are no more, or an empty page."""

    def answer(request: Request) -> Reply:
        page = int(request.query.get("page", "1"))
        items = [{"a": page}] if page < 6 else []
        header = {"X-C": str(page + 1)} if page < 3 else {}
        return Reply({"i": items, "pages": 3, "more": page < 3, "c": page + 1}, headers=header)

    server = serve(answer)
    read(server, records="i", paginate=paginate)

    assert len(server.requests) == pages


@pytest.mark.parametrize(
    ("paginate", "bodies"),
    [
        ({"kind": "page", "param": "at.page", "where": "body"}, [{"q": 1, "at": {"page": 1}}, {"q": 1, "at": {"page": 2}}]),
        ({"kind": "offset", "where": "body", "limit": 1},
         [{"q": 1, "offset": 0, "limit": 1}, {"q": 1, "offset": 1, "limit": 1}]),
        ({"kind": "cursor", "path": "c", "param": "after", "where": "body"}, [{"q": 1}, {"q": 1, "after": "x"}]),
    ],
)  # fmt: skip
def test_pages_that_are_posted_for(serve: Serve, paginate: dict[str, object], bodies: list[object]) -> None:
    """The parameters go into the body, wherever they are wanted there."""
    server = serve(lambda _: Reply({"i": [{"a": 1}], "c": "x"} if len(server.requests) == 1 else {"i": []}))

    read(server, method="POST", json={"q": 1}, records="i", paginate=paginate)

    assert [json.loads(request.content) for request in server.requests] == bodies


def test_a_secret_that_is_posted(serve: Serve) -> None:
    """However deep in the body; with the cursor's value beside it, when there is one."""
    server = serve(lambda _: Reply([]))

    read(
        server, method="POST", json={"auth": {"keys": ["secret://PW"]}, "since": "{incremental.start_value}"}
    )

    assert json.loads(server.requests[0].content) == {"auth": {"keys": ["hunter2"]}}


@pytest.mark.parametrize("headers", [{"Link": '</x?p=2>; rel="next"'}, {"X-Next-Page": "2"}])
def test_pages_that_nobody_declared(serve: Serve, headers: dict[str, str]) -> None:
    """The first page is not taken for all there is, unless that is declared."""
    server = serve(lambda _: Reply([{"a": 1}], headers=headers))

    assert "paginate is not declared" in fail(server).message
    assert read(server, paginate={"kind": "single"}) == [{"a": 1}]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_credentials_do_not_follow_a_redirect(serve: Serve, status: int) -> None:
    """Neither header nor key goes to another host."""
    elsewhere = serve(lambda _: Reply([{"a": 1}]))
    server = serve(lambda _: Reply(b"", status, {"Location": f"{elsewhere.url}/x"}))

    assert fail(server, auth={"token": "secret://PW"}).code == "RW622"
    assert elsewhere.requests == []


def test_a_posted_question_is_not_redirected(serve: Serve) -> None:
    """Nobody knows whether it may be asked twice."""
    server = serve(lambda _: Reply(b"", 307, {"Location": "/y"}))

    with httpx.Client() as client, pytest.raises(SourceBroken):
        fetch(Asking(client, threading.Event(), PLACE), Question(httpx.URL(server.url), "POST", b"{}"))
    assert len(server.requests) == 1


def test_a_server_that_stays_away(serve: Serve) -> None:
    """The number of attempts is bounded."""
    server = serve(lambda _: Reply(b"", 500))

    assert isinstance(fail(server), SourceUnreachable)
    assert len(server.requests) == 4
