"""Browsers: login, session, logout, and that no page of another site acts in the name of whoever is logged in."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from ropewalk.access import Role, TokenRequest, create_token
from ropewalk.pipeline import Workspace
from ropewalk.routes import Permission

PAGE = {"accept": "text/html"}
CREATE = "/api/2.0/mlflow/experiments/create"


@pytest.fixture
def browser(url: str) -> Iterator[httpx.Client]:
    """Return a browser that has never been here."""
    with httpx.Client(base_url=url, headers=PAGE, timeout=30) as client:
        yield client


@pytest.fixture
def own(url: str) -> dict[str, str]:
    """Return what a browser says of a form on our own pages."""
    return {"origin": url, "sec-fetch-site": "same-origin"}


@pytest.fixture
def inside(browser: httpx.Client, own: dict[str, str], tokens: dict[str, str]) -> httpx.Client:
    """Return the browser after its login as the owner."""
    answer = browser.post("/login", data={"token": tokens["owner"], "next": "/models"}, headers=own)
    assert (answer.status_code, answer.headers["location"]) == (303, "/models")
    return browser


def test_page_leads_to_the_login(browser: httpx.Client) -> None:
    """Who opens a page without being known is asked to log in, and comes back to it afterwards."""
    answer = browser.get("/models?x=1")

    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=%2Fmodels%3Fx%3D1")
    form = browser.get(answer.headers["location"])
    assert form.status_code == 200
    assert 'value="/models?x=1"' in form.text
    assert form.headers["cache-control"] == "no-store"


def test_program_is_not_led(browser: httpx.Client) -> None:
    """A program is told, and not sent to a page."""
    assert browser.get("/models", headers={"accept": "application/json"}).status_code == 401


def test_session(inside: httpx.Client) -> None:
    """After the login every page is there, and says how to leave."""
    page = inside.get("/models")

    assert page.status_code == 200
    assert 'action="/logout"' in page.text
    assert inside.get("/api/whoami").json()["role"] == "owner"


def test_cookie(browser: httpx.Client, own: dict[str, str], tokens: dict[str, str]) -> None:
    """No script reads the cookie, and no form of another site sends it; it is not the token."""
    answer = browser.post("/login", data={"token": tokens["owner"]}, headers=own)

    cookie = answer.headers["set-cookie"]
    assert {"HttpOnly", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))
    assert tokens["owner"] not in cookie


def test_cookie_behind_https(
    url: str, own: dict[str, str], tokens: dict[str, str], guarded: Workspace
) -> None:
    """Where browsers come by https, the cookie goes over nothing else, and no other host can set it."""
    from dataclasses import replace

    guarded.settings = replace(guarded.settings, public_url="https://ropewalk.example.com")
    try:
        answer = httpx.post(f"{url}/login", data={"token": tokens["owner"]}, headers={**PAGE, **own})
    finally:
        guarded.settings = replace(guarded.settings, public_url="")

    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-ropewalk_session=")
    assert "Secure" in cookie.split("; ")


def test_logout(inside: httpx.Client, own: dict[str, str]) -> None:
    """After the logout the old cookie counts for nothing."""
    kept = dict(inside.cookies)

    assert inside.post("/logout", headers=own).status_code == 303

    inside.cookies.update(kept)
    assert inside.get("/api/whoami", headers={"accept": "application/json"}).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example", "sec-fetch-site": "cross-site"},
        {"origin": "http://127.0.0.1:1", "sec-fetch-site": "same-site"},
        {"origin": "null"},
        {"origin": "http://evil.example"},
        {"sec-fetch-site": "cross-site"},
        {},
    ],
)
def test_forged_requests(inside: httpx.Client, headers: dict[str, str]) -> None:
    """A cookie alone changes nothing: a browser has to say that it was our own page that asked."""
    answer = inside.post(CREATE, json={"name": str(headers)}, headers=headers)

    assert answer.status_code == 403
    assert inside.post("/logout", headers=headers).status_code == 403


def test_own_pages_may(inside: httpx.Client, own: dict[str, str]) -> None:
    """Our own pages change what their reader may change."""
    assert inside.post(CREATE, json={"name": "by a page"}, headers=own).status_code == 200


@pytest.mark.parametrize("type_", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_bodies_of_forms(inside: httpx.Client, own: dict[str, str], type_: str) -> None:
    """What a form can send is not read as JSON, whoever sends it."""
    body = b'{"name": "by a form"}'
    answer = inside.post(CREATE, content=body, headers={**own, "content-type": type_})

    assert answer.status_code == 400


def test_login_is_not_forged(browser: httpx.Client, tokens: dict[str, str]) -> None:
    """Another site cannot log somebody in as somebody else."""
    forged = {"origin": "http://evil.example", "sec-fetch-site": "cross-site"}

    answer = browser.post("/login", data={"token": tokens["owner"]}, headers=forged)

    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


@pytest.mark.usefixtures("tokens")
def test_narrow_token_makes_no_session(
    browser: httpx.Client, own: dict[str, str], guarded: Workspace
) -> None:
    """A token that may little does not become a session that may all."""
    few = frozenset({Permission.READ})
    personal, _ = create_token(guarded.database, TokenRequest("few", "personal", few, "flights", "a_owner"))
    project, _ = create_token(guarded.database, TokenRequest("p", "project", few, "flights", role=Role.OWNER))

    for token in (personal, project):
        answer = browser.post("/login", data={"token": token}, headers=own)
        assert answer.status_code == 401
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("token", ["", "wrong", "<script>alert(1)</script>", "é", "x" * 15_000])
def test_wrong_tokens(browser: httpx.Client, own: dict[str, str], token: str) -> None:
    """What is no token leads back to the form, which shows nothing of it."""
    answer = browser.post("/login", data={"token": token}, headers=own)

    assert answer.status_code in {401, 429}
    assert "<script>alert" not in answer.text
    assert len(answer.text) < 20_000


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:1"]
)
def test_login_leads_nowhere_else(
    browser: httpx.Client, own: dict[str, str], tokens: dict[str, str], target: str
) -> None:
    """Whatever the link to the login said, one stays here."""
    answer = browser.post("/login", data={"token": tokens["reporter"], "next": target}, headers=own)

    assert answer.headers["location"] == "/"


def test_huge_form(browser: httpx.Client, own: dict[str, str]) -> None:
    """A login has one token: more is not read."""
    assert browser.post("/login", data={"x": "y" * 100_000}, headers=own).status_code == 400


def test_made_up_cookies(browser: httpx.Client) -> None:
    """A cookie that nobody was given is nobody's."""
    for value in ("x", "a" * 43, "rw_" + "0" * 46):
        browser.cookies.set("ropewalk_session", value)
        assert browser.get("/api/whoami", headers={"accept": "application/json"}).status_code == 401
        browser.cookies.clear()


def test_no_issuer(browser: httpx.Client) -> None:
    """Without an issuer its two addresses say so."""
    for path in ("/login/issuer", "/login/callback"):
        assert browser.get(path).status_code == 401
