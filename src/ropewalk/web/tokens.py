"""The page where people see, make and revoke their own tokens."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ropewalk.access import (
    GRANTS,
    Caller,
    InvalidAccess,
    NotAllowed,
    TokenRequest,
    UnknownToken,
    create_token,
    current_caller,
    end_token,
    read_scopes,
)
from ropewalk.errors import RopewalkError
from ropewalk.pipeline import Workspace
from ropewalk.routes import Permission, Route
from ropewalk.store import now_ms
from ropewalk.store.access import TokenRow, list_tokens
from ropewalk.web.bodies import read_body
from ropewalk.web.errors import status_of
from ropewalk.web.render import Renderer

_ADDRESS = "/tokens"
_MOST_FORM, _MOST_NAME = 20_000, 100
# What is ticked at first: enough to log runs from a notebook, and too little to delete any.
_USUAL = ("read", "write")


@dataclass(frozen=True)
class TokenLine:
    """One token; `state` is active, over or revoked, `ends` a day, the other times are UTC milliseconds."""

    id: str
    name: str
    scopes: tuple[str, ...]
    state: str
    created_at: int
    ends: str | None
    last_used_at: int | None


@dataclass(frozen=True)
class TokensPage:
    """The page.

    Attributes:
        person: whose tokens these are; None where nobody logs in.
        scopes: what the person may give to a token, and whether it is ticked at first.
        secret: the token that was made just now, shown this once.
        message: why the last one was not made; with `hint`, what to do about that.
    """

    person: str | None
    tokens: tuple[TokenLine, ...]
    scopes: tuple[tuple[str, bool], ...]
    secret: str = ""
    message: str = ""
    hint: str = ""


def token_routes(workspace: Workspace, renderer: Renderer) -> list[Route]:
    """Return the routes of the page; every signed-in person has one, of their own tokens only."""
    pages = _Pages(workspace, renderer)
    return [
        Route("GET", _ADDRESS, Permission.SELF, pages.show),
        Route("POST", _ADDRESS, Permission.SELF, pages.make),
        Route("POST", f"{_ADDRESS}/{{id}}/revoke", Permission.SELF, pages.revoke),
    ]


class _Pages:
    """The endpoints, and what they share."""

    def __init__(self, workspace: Workspace, renderer: Renderer) -> None:
        self._workspace, self._renderer = workspace, renderer

    async def show(self, _request: Request) -> Response:
        """Draw the list."""
        return await run_in_threadpool(self._page)

    async def make(self, request: Request) -> Response:
        """Make a token, and show it this once."""
        person = _logged_in()
        body = await read_body(request, _MOST_FORM)
        form = parse_qs(body.decode("utf-8", "replace"), max_num_fields=20)
        try:
            secret = await run_in_threadpool(self._make, person, form)
        except RopewalkError as error:
            return await run_in_threadpool(self._page, error=error)
        return await run_in_threadpool(self._page, secret)

    def _make(self, person: Caller, form: dict[str, list[str]]) -> str:
        name, days = form.get("name", [""])[0].strip(), form.get("days", [""])[0]
        if not 0 < len(name) <= _MOST_NAME:
            raise InvalidAccess(f"a token's name has 1 to {_MOST_NAME} characters", hint="say what it is for")
        if not (days.isascii() and days.isdecimal()):
            raise InvalidAccess(f"{days[:20]!r} is no number of days")
        scopes = read_scopes(tuple(form.get("scope", ())))
        project = self._workspace.project.name
        asked = TokenRequest(name, "personal", scopes, project, person.name, days=min(int(days), 10_000))
        return create_token(self._workspace.database, asked, by=person.name)[0]

    async def revoke(self, request: Request) -> Response:
        """End one of one's own tokens; another's is as unknown as one that never was."""
        person, wanted = _logged_in(), str(request.path_params["id"])
        await run_in_threadpool(self._end, person, wanted)
        return RedirectResponse(_ADDRESS, 303)

    def _end(self, person: Caller, wanted: str) -> None:
        if wanted not in {token.id for token in self._own(person)}:
            raise UnknownToken(f"you have no token {wanted[:40]!r}", hint=f"{_ADDRESS} lists yours")
        end_token(self._workspace.database, wanted, by=person.name)

    def _own(self, person: Caller) -> list[TokenRow]:
        if person.person is None:
            return []
        with self._workspace.database.read() as connection:
            found = list_tokens(connection, ("personal",))
        own = [token for token in found if token.person == person.person]
        return sorted(own, key=lambda token: token.created_at, reverse=True)

    def _page(self, secret: str = "", *, error: RopewalkError | None = None) -> Response:
        caller, now = current_caller(), now_ms()
        granted = GRANTS[caller.role] if caller.role else frozenset()
        lines = tuple(_line(token, now) for token in self._own(caller))
        view = TokensPage(
            caller.name if caller.person else None,
            lines,
            tuple((scope, scope in _USUAL) for scope in sorted(one.value for one in granted)),
            secret,
            error.message if error else "",
            (error.hint or "") if error else "",
        )
        html = self._renderer.page("tokens.html", view, _ADDRESS)
        # A secret stands in it: no cache on the way, and none of the browser's, keeps the page.
        return Response(
            html, status_of(error) if error else 200, {"cache-control": "no-store"}, media_type="text/html"
        )


def _logged_in() -> Caller:
    """Return who asks, when they logged in with a browser.

    Raises:
        NotAllowed: a program asks: a token with few scopes must not make one with more.
    """
    caller = current_caller()
    if caller.person is None or not caller.is_browser:
        raise NotAllowed(
            "tokens are made and revoked here by people who logged in",
            hint="log in at /login; `ropewalk token` does it for those who look after the server",
        )
    return caller


def _line(token: TokenRow, now: int) -> TokenLine:
    is_over = token.expires_at is not None and token.expires_at <= now
    state = "revoked" if token.revoked_at is not None else "over" if is_over else "active"
    return TokenLine(
        token.id,
        token.name,
        tuple(token.scopes),
        state,
        token.created_at,
        _day(token.expires_at),
        token.last_used_at,
    )


def _day(moment: int | None) -> str | None:
    return None if moment is None else datetime.fromtimestamp(moment / 1000, UTC).date().isoformat()
