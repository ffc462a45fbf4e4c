"""Logging in and out with a browser, and what a program learns of who it is."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from ropewalk.access import (
    CredentialRefused,
    Gate,
    Login,
    address_of,
    begin_session,
    current_caller,
    declared_login,
    drop_cookie,
    end_session,
    is_secure,
    safe_target,
    session_cookie,
    set_cookie,
    token_caller,
    write_login,
)
from ropewalk.errors import RopewalkError
from ropewalk.pipeline import Workspace
from ropewalk.routes import Permission, Route
from ropewalk.web.bodies import read_body
from ropewalk.web.errors import status_of
from ropewalk.web.page import wants_page
from ropewalk.web.render import Renderer

# Bound to the browser while the issuer asks; the issuer's answer comes as a link from another site, hence Lax.
STATE_COOKIE = "ropewalk_login"
_STATE_S = 600
_MOST_FORM = 20_000


@dataclass(frozen=True)
class LoginPage:
    """The page to log in at.

    Attributes:
        target: where the login leads.
        issuer: what the issuer's button says; None when there is no issuer.
        message: why the last try did not work.
        hint: what to do about that.
    """

    target: str
    issuer: str | None
    message: str = ""
    hint: str = ""


def login_routes(workspace: Workspace, renderer: Renderer, gate: Gate) -> list[Route]:
    """Return the routes of login and logout."""
    login = declared_login(workspace.database, workspace.settings, workspace.project.name, workspace.root)
    pages = _Pages(workspace, renderer, gate, login)
    return [
        Route("GET", "/login", Permission.PUBLIC, pages.show),
        Route("POST", "/login", Permission.PUBLIC, pages.log_in),
        Route("GET", "/login/issuer", Permission.PUBLIC, pages.leave),
        Route("GET", "/login/callback", Permission.PUBLIC, pages.come_back),
        Route("POST", "/logout", Permission.SELF, pages.log_out),
        Route("GET", "/api/whoami", Permission.SELF, _whoami),
    ]


def login_address(request: Request) -> str:
    """Return the address of the login that leads back to what was asked for."""
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return "/login?" + urlencode({"next": path[:2000]})


class _Pages:
    """The endpoints, and what they share."""

    def __init__(self, workspace: Workspace, renderer: Renderer, gate: Gate, login: Login | None) -> None:
        self._workspace = workspace
        self._renderer = renderer
        self._gate = gate
        self._login = login

    async def show(self, request: Request) -> Response:
        """Draw the page to log in at."""
        return await self._page(request, safe_target(request.query_params.get("next", "/")))

    async def log_in(self, request: Request) -> Response:
        """Begin a session for whoever shows a personal token."""
        form = await _form(request)
        target = safe_target(form.get("next", "/"))
        try:
            person = await run_in_threadpool(self._check, request, form.get("token", ""))
        except RopewalkError as error:
            return await self._page(request, target, error)
        return await run_in_threadpool(self._welcome, request, person, target)

    async def leave(self, request: Request) -> Response:
        """Send the browser to the issuer."""
        login = self._required()
        target = request.query_params.get("next", "/")
        begun = await run_in_threadpool(login.begin, self._callback(request), target)
        response = RedirectResponse(begun.address, 303)
        secure = is_secure(request, self._workspace.settings.public_url)
        response.set_cookie(
            STATE_COOKIE,
            begun.state,
            max_age=_STATE_S,
            path="/login",
            secure=secure,
            httponly=True,
            samesite="lax",
        )
        return response

    async def come_back(self, request: Request) -> Response:
        """Begin a session for whoever the issuer vouches for."""
        login, cookie = self._required(), request.cookies.get(STATE_COOKIE, "")
        try:
            query = dict(request.query_params)
            arrived = await run_in_threadpool(login.finish, query, cookie, self._callback(request))
        except RopewalkError as error:
            # Also these are tries, and whoever makes many waits.
            if isinstance(error, CredentialRefused):
                await run_in_threadpool(self._gate.note_failure, request)
            return await self._page(request, "/", error)
        response = await run_in_threadpool(self._welcome, request, arrived.person.id, arrived.target)
        response.delete_cookie(STATE_COOKIE, path="/login")
        return response

    async def log_out(self, request: Request) -> Response:
        """End the session."""
        if secret := session_cookie(request):
            await run_in_threadpool(end_session, self._workspace.database, secret)
        response = RedirectResponse("/login", 303)
        drop_cookie(response, secure=is_secure(request, self._workspace.settings.public_url))
        return response

    def _check(self, request: Request, token: str) -> str:
        self._gate.failures.check(address_of(request))
        try:
            caller = token_caller(self._workspace.database, token.strip(), self._workspace.project.name)
        except CredentialRefused:
            self._gate.note_failure(request)
            raise
        # A session may all that its person may: a token with less must not become one with more.
        if caller.person is None or not caller.has_all_scopes:
            raise CredentialRefused(
                "a browser logs in with a personal token that has all scopes",
                hint="`ropewalk token create NAME --user YOU --all-scopes` makes one",
            )
        return caller.person

    def _welcome(self, request: Request, person: str, target: str) -> Response:
        secret = begin_session(self._workspace.database, person)
        write_login(self._workspace.database, person, self._workspace.project.name, address_of(request))
        response = RedirectResponse(target, 303)
        set_cookie(response, secret, secure=is_secure(request, self._workspace.settings.public_url))
        return response

    async def _page(self, request: Request, target: str, error: RopewalkError | None = None) -> Response:
        status = status_of(error) if error else 200
        name = self._login.declared.name if self._login else None
        view = LoginPage(target, name, error.message if error else "", (error.hint or "") if error else "")
        headers = {"cache-control": "no-store", **getattr(error, "headers", {})}
        if error and not wants_page(request):
            raise error
        html = await run_in_threadpool(self._renderer.page, "login.html", view, "/login")
        return Response(html, status, headers, media_type="text/html")

    def _callback(self, request: Request) -> str:
        origin = self._workspace.settings.public_url.rstrip("/") or str(request.base_url).rstrip("/")
        return f"{origin}/login/callback"

    def _required(self) -> Login:
        if self._login is None:
            raise CredentialRefused(
                "no issuer is set up to log in at",
                hint="log in with a token, or declare `login` in the access file",
            )
        return self._login


async def _form(request: Request) -> dict[str, str]:
    """Return the fields of a form, which is small and of plain text."""
    body = await read_body(request, _MOST_FORM)
    fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=10)
    return {name: values[0] for name, values in fields.items()}


async def _whoami(_request: Request) -> Response:
    caller = current_caller()
    about = {
        "name": caller.name,
        "kind": caller.kind,
        "role": caller.role.word if caller.role else None,
        "scopes": sorted(scope.value for scope in caller.scopes),
    }
    return JSONResponse(about, headers={"cache-control": "no-store"})
