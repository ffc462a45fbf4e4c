"""The page of one's own tokens: made, shown once, revoked, and closed to programs, strangers and other sites."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest

from ropewalk.access import TokenRequest, create_token
from ropewalk.pipeline import Workspace
from ropewalk.routes import Permission
from ropewalk.store.access import list_tokens

Ask = Callable[..., httpx.Response]
Enter = Callable[[str], httpx.Client]
SECRET = re.compile(r"rw_[0-9A-Za-z]{46}")
FORM = {"name": "notebook", "days": "30", "scope": ["read", "write"]}


@pytest.fixture
def enter(url: str, tokens: dict[str, str]) -> Iterator[Enter]:
    """Return a function that logs somebody in, as a browser does, and returns their client."""
    with ExitStack() as stack:

        def log_in(who: str) -> httpx.Client:
            client = stack.enter_context(httpx.Client(base_url=url, timeout=30, headers={"origin": url}))
            assert client.post("/login", data={"token": tokens[who]}).status_code == 303
            return client

        yield log_in


def _called(workspace: Workspace, name: str) -> list[str]:
    with workspace.database.read() as connection:
        found = list_tokens(connection, ("personal",))
    return [token.id for token in found if token.name == name and token.revoked_at is None]


def test_made_shown_once_and_revoked(enter: Enter, url: str) -> None:
    """A new token works, is shown in the answer to its making only, and is over once revoked."""
    browser = enter("developer")
    made = browser.post("/tokens", data=FORM)
    [secret] = SECRET.findall(made.text)
    shown = {"authorization": f"Bearer {secret}"}
    who = httpx.get(f"{url}/api/whoami", headers=shown).json()
    later = browser.get("/tokens").text
    [identifier] = re.findall(r'/tokens/(\w+)/revoke"><button aria-label="Revoke notebook"', later)
    revoked = browser.post(f"/tokens/{identifier}/revoke")

    assert (made.status_code, made.headers["cache-control"]) == (200, "no-store")
    assert (who["name"], who["scopes"]) == ("a_developer", ["read", "write"])
    assert not SECRET.findall(later)
    assert (revoked.status_code, httpx.get(f"{url}/api/whoami", headers=shown).status_code) == (303, 401)


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({**FORM, "name": " "}, "1 to 100 characters"),
        ({**FORM, "name": "odd", "days": "9999"}, "from 1 to 365 days"),
        ({**FORM, "name": "odd", "days": "soon"}, "no number of days"),
        ({"name": "odd", "days": "3"}, "without a scope"),
        ({**FORM, "name": "odd", "scope": "everything"}, "everything"),
    ],
)
def test_what_does_not_fit(form: dict[str, object], said: str, enter: Enter, guarded: Workspace) -> None:
    """A form that does not fit makes nothing, and says why."""
    browser = enter("developer")
    refused = browser.post("/tokens", data=form)

    assert (refused.status_code, said in refused.text) == (400, True)
    assert _called(guarded, "odd") == []


def test_others_tokens_stay(enter: Enter, guarded: Workspace) -> None:
    """Nobody sees or ends the tokens of another, whatever their role."""
    browser = enter("reporter")
    browser.post("/tokens", data={**FORM, "name": "diary"})
    [identifier] = _called(guarded, "diary")

    owner = enter("owner")
    refused, page = owner.post(f"/tokens/{identifier}/revoke"), owner.get("/tokens")

    assert (refused.status_code, "diary" in page.text) == (404, False)
    assert _called(guarded, "diary") == [identifier]


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_other_sites_make_none(origin: str, enter: Enter) -> None:
    """A page of another site makes no token in the name of whoever is logged in."""
    browser = enter("developer")
    refused = browser.post("/tokens", data=FORM, headers={"origin": origin})

    assert (refused.status_code, SECRET.findall(refused.text)) == (403, [])


def test_programs_make_none(url: str, guarded: Workspace, ask: Ask) -> None:
    """A token that may only read makes none that may write; without one, nobody gets the page."""
    asked = TokenRequest("ci", "personal", frozenset({Permission.READ}), "flights", "a_owner")
    secret, _ = create_token(guarded.database, asked)
    shown = {"authorization": f"Bearer {secret}"}

    assert httpx.post(f"{url}/tokens", data=FORM, headers=shown).status_code == 403
    assert httpx.get(f"{url}/tokens", headers=shown).status_code == 200
    assert ask(None, "GET", "/tokens").status_code == 401


def test_without_logins(http: httpx.Client) -> None:
    """On one's own machine the page says that there are no tokens of one's own, and how to make some."""
    assert "ropewalk token" in http.get("/tokens").text
    assert http.post("/tokens", data=FORM).status_code == 403
