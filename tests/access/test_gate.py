"""The gate in front of every route: who gets through, what is written down, and who is asked to wait."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from ropewalk.access import (
    Gate,
    InvalidAccess,
    Role,
    TokenRequest,
    UnguardedRoute,
    add_person,
    begin_session,
    check_exposure,
    create_token,
    current_caller,
    give_role,
    mount,
)
from ropewalk.access.failures import MOST
from ropewalk.access.roles import GRANTS
from ropewalk.errors import RopewalkError
from ropewalk.routes import Permission, Route
from ropewalk.settings import Settings
from ropewalk.store import Database
from ropewalk.store.access_audit import AuditEntry, read_audit

GUARDED = [one for one in Permission if one not in {Permission.PUBLIC, Permission.SELF}]


class Browser:
    """Asks an application within this process, each request in a context of its own as servers do it."""

    def __init__(self, application: Starlette) -> None:
        self._application = application
        self.cookies: dict[str, str] = {}

    def get(self, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
        """Return the answer to GET."""
        return asyncio.run(self._ask("GET", path, headers or {}))

    def post(self, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
        """Return the answer to POST."""
        return asyncio.run(self._ask("POST", path, headers or {}))

    async def _ask(self, method: str, path: str, headers: dict[str, str]) -> httpx.Response:
        transport = httpx.ASGITransport(self._application)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://localhost", cookies=self.cookies
        ) as client:
            return await client.request(method, path, headers=headers)


async def _whoami(request: Request) -> Response:
    status = 409 if "fail" in request.query_params else 200
    return PlainTextResponse(f"{current_caller().name} {current_caller().kind}", status)


def _refuse(error: RopewalkError) -> Response:
    return PlainTextResponse(f"{type(error).__name__}: {error.message}", 403)


def _client(database: Database, access: str = "required") -> Browser:
    rows = [
        Route(method, f"/{permission.value}", permission, _whoami, refuse=_refuse)
        for permission in Permission
        for method in ("GET", "POST")
    ]
    gate = Gate(database, Settings(access=access), "flights")
    return Browser(Starlette(routes=mount(rows, gate)))


def _token(database: Database, role: Role = Role.OWNER, project: str = "flights") -> dict[str, str]:
    asked = TokenRequest("ci", "project", GRANTS[role], project, role=role)
    return {"Authorization": f"Bearer {create_token(database, asked)[0]}"}


def _log(database: Database) -> list[AuditEntry]:
    with database.read() as connection:
        return [entry for entry in read_audit(connection, 100) if not entry.action.startswith("token.")]


@pytest.mark.parametrize("permission", list(Permission))
def test_one_machine_asks_nobody(database: Database, permission: Permission) -> None:
    """Without `access: required` whoever works on this machine may everything."""
    found = _client(database, "local").get(f"/{permission.value}")

    assert (found.status_code, found.text) == (200, "local local")


@pytest.mark.parametrize("permission", list(Permission))
def test_nobody_gets_what_is_public(database: Database, permission: Permission) -> None:
    """Without a credential nothing else is answered, and the refusal says what to send."""
    found = _client(database).get(f"/{permission.value}")

    assert (found.status_code == 200) is (permission is Permission.PUBLIC)
    assert found.text.startswith("nobody" if found.status_code == 200 else "NotSignedIn")


@pytest.mark.parametrize("role", list(Role))
def test_a_token_has_the_rights_of_its_role(database: Database, role: Role) -> None:
    """Exactly those: each route is asked for with the same token."""
    client, token = _client(database), _token(database, role)

    granted = {one for one in GUARDED if client.get(f"/{one.value}", headers=token).status_code == 200}

    assert granted == GRANTS[role]


def test_a_refusal_is_written_down(database: Database) -> None:
    """With who, what and for which project; who asks without a name leaves no line."""
    client = _client(database)
    client.get("/read")
    found = client.get("/administer", headers=_token(database, Role.GUEST))

    assert found.text.startswith("NotAllowed: ")
    (entry,) = _log(database)
    assert (entry.action, entry.target, entry.outcome) == ("administer", "GET /administer", "refused")
    assert entry.project == "flights"


@pytest.mark.parametrize("permission", GUARDED)
def test_which_deeds_are_written_down(database: Database, permission: Permission) -> None:
    """Removing, managing and administering; reading would drown the rest."""
    _client(database).get(f"/{permission.value}", headers=_token(database))

    is_audited = permission in {Permission.DELETE, Permission.MANAGE, Permission.ADMINISTER}
    assert [entry.outcome for entry in _log(database)] == ["done"] * is_audited


def test_a_failed_deed_is_written_as_one(database: Database) -> None:
    """The log says how a request was answered, and not that it was asked."""
    _client(database).post("/delete?fail=1", headers=_token(database))

    assert [entry.outcome for entry in _log(database)] == ["failed (409)"]


@pytest.mark.parametrize("given", ["Bearer rw_wrong", "Bearer ", "Digest x", "Basic !!", "Basic YTpi"])
def test_wrong_credentials(database: Database, given: str) -> None:
    """Each is refused as a credential, also on a route that a cookie would open."""
    found = _client(database).get("/read", headers={"Authorization": given})

    assert found.text.startswith("CredentialRefused: ")
    assert [entry.outcome for entry in _log(database)] == ["refused"]


def test_who_guesses_waits(database: Database) -> None:
    """Whoever shares an address with them is not locked out: a token that fits still counts."""
    client, true = _client(database), _token(database)

    answers = [client.get("/read", headers={"Authorization": f"Bearer rw_{n}"}).text for n in range(MOST + 2)]

    assert [text.partition(":")[0] for text in answers] == ["CredentialRefused"] * (MOST - 1) + [
        "TooManyFailures"
    ] * 3
    assert len(_log(database)) == MOST - 1
    assert client.get("/read", headers=true).status_code == 200


def test_a_token_of_another_project(database: Database) -> None:
    """Says who asks, and opens nothing here."""
    found = _client(database).get("/read", headers=_token(database, project="trains"))

    assert found.status_code == 403


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://localhost", 200),
        ("http://evil.example", 403),
        ("null", 403),
        ("http://localhost.evil.example", 403),
    ],
)
def test_pages_of_other_sites(database: Database, origin: str, status: int) -> None:
    """A browser sends the cookie for any page, so a change must come from a page of this server."""
    person = add_person(database, "ada")
    give_role(database, "flights", "ada", Role.OWNER)
    client = _client(database)
    client.cookies["ropewalk_session"] = begin_session(database, person.id)

    assert client.post("/write", headers={"Origin": origin}).status_code == status
    assert client.get("/read", headers={"Origin": origin}).text == "ada person"


def test_a_header_counts_before_a_cookie(database: Database) -> None:
    """Who sends a token means it, so a browser's owner does not lend their rights to it."""
    person = add_person(database, "ada")
    give_role(database, "flights", "ada", Role.OWNER)
    client = _client(database)
    client.cookies["ropewalk_session"] = begin_session(database, person.id)

    assert client.get("/read", headers=_token(database, Role.GUEST)).status_code == 403


def test_routes_without_a_permission(database: Database) -> None:
    """A plugin's row that forgot its permission is not mounted at all."""
    row = Route("GET", "/x", "read", _whoami)  # type: ignore[arg-type]  # as a plugin without types has it

    with pytest.raises(UnguardedRoute, match="GET /x has no permission"):
        mount([row])


def test_routes_that_repeat_each_other(database: Database) -> None:
    """Two rows of one method and path are refused: nobody could say which permission holds."""
    rows = [Route("GET", "/x", one, _whoami) for one in (Permission.PUBLIC, Permission.ADMINISTER)]

    with pytest.raises(UnguardedRoute, match="GET /x is there twice"):
        mount(rows)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST", "::1", "[::1]"])
def test_this_machine_needs_no_login(host: str) -> None:
    """However it is written."""
    check_exposure(host, Settings())


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "192.0.2.1", "ml.example.org", "127.0.0.1.example.org", ""]
)
def test_others_are_not_let_in_unasked(host: str) -> None:
    """An address that others reach takes a login, and the refusal says how to get one."""
    with pytest.raises(InvalidAccess, match="can be reached from other machines") as caught:
        check_exposure(host, Settings())
    check_exposure(host, Settings(access="required"))

    assert "ROPEWALK_ACCESS=required" in str(caught.value.hint)
