"""What stands before every route: headers that keep a browser honest, and checks of who is asking.

The server listens on this machine only, so what threatens it is a page of another site in the user's own
browser: by a name that resolves to 127.0.0.1 (hence the Host check), or by a form or script that posts to
us (hence the Origin check). Programs such as the MLflow client send neither header and pass.
"""

from __future__ import annotations

import ipaddress
import secrets
import socket
from collections.abc import Awaitable, Callable

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ropewalk.errors import RopewalkError
from ropewalk.logs import get_logger
from ropewalk.web.errors import ForeignHost, ForeignOrigin, Unexpected

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
WILDCARDS = frozenset({"0.0.0.0", "::"})  # noqa: S104  # recognised, never bound here
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
REQUEST_ID = "x-request-id"
# The policy has no exception for inline code, so a script in a table's name could not run even if it got through.
HEADERS = {
    "content-security-policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}

Respond = Callable[[Request, RopewalkError], Awaitable[Response]]


class SecurityHeaders:
    """Adds the security headers and the request's id to every response."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and its response with the headers added."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        # Ours alone: an id from outside would put a stranger's text into the log.
        request_id = scope["request_id"] = secrets.token_hex(8)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers[REQUEST_ID] = request_id
                for name, value in HEADERS.items():
                    # A route may be stricter than this, as a download of foreign bytes is.
                    headers.setdefault(name, value)
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await self.app(scope, receive, send_with_headers)


class Boundary:
    """Turns every error into a response; what a person reads never contains a traceback."""

    def __init__(self, app: ASGIApp, respond: Respond) -> None:
        self.app = app
        self.respond = respond

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; answer with the error when one is raised before the response began."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def noting_send(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, noting_send)
        except RopewalkError as error:
            # Half a response cannot be taken back: the connection breaks, and nobody takes it for the whole.
            if started:
                raise
            await self._answer(error, scope, receive, send)
        except Exception as error:
            # The boundary of the process: whatever a route did wrong becomes one log event and a plain 500.
            get_logger().exception("request failed", method=scope["method"], path=scope["path"])
            if started:
                raise
            await self._answer(_unexpected(error), scope, receive, send)

    async def _answer(self, error: RopewalkError, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self.respond(Request(scope), error)
        await response(scope, receive, send)


class Guard:
    """Refuses requests whose Host is not ours, and changes that a page of another site asks for."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str], any_address: bool = False) -> None:
        self.app = app
        self.hosts = hosts
        self.any_address = any_address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on when it may ask.

        Raises:
            ForeignHost, ForeignOrigin: it may not.
        """
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            self._check_host(headers.get("host", ""))
            # Reading is open to links from anywhere; what a page of another site reads, the browser keeps from it.
            if scope["method"] not in SAFE_METHODS:
                _check_origin(headers)
        await self.app(scope, receive, send)

    def _check_host(self, host: str) -> None:
        name = host_name(host)
        if name in self.hosts or (self.any_address and _is_address(name)):
            return
        raise ForeignHost(
            f"this server does not answer for the host {name!r}",
            hint=f"open it as http://{min(self.hosts & LOOPBACK, default='127.0.0.1')}, or start it with --host",
        )


def allowed_hosts(host: str) -> tuple[frozenset[str], bool]:
    """Return the names a server bound to `host` answers for, and whether any plain IP address is one.

    A name can be pointed at this machine by anyone, an address cannot: so a server that listens on all
    addresses takes every address as its host, but only its own names.
    """
    if host in WILDCARDS:
        # A browser in the network reaches this machine by an address or by its name.
        return LOOPBACK | {socket.gethostname().lower()}, True
    return LOOPBACK | {host.lower().strip("[]")}, False


def host_name(host: str) -> str:
    """Return the name in a Host header, without its port and brackets, in lower case."""
    name = host.rpartition("]")[0] if host.startswith("[") else host.partition(":")[0]
    return name.strip("[]").lower().rstrip(".")


def _check_origin(headers: Headers) -> None:
    """Refuse what a browser says another site sent; programs that are no browser say nothing."""
    site = headers.get("sec-fetch-site")
    origin = headers.get("origin")
    # "same-site" is not enough: every port of this machine is one site, and other programs listen there.
    is_ours = site in {"same-origin", "none"} if site else _same_host(origin, headers.get("host", ""))
    if not is_ours:
        raise ForeignOrigin(
            f"a page of {origin or 'another site'} may not change anything here",
            hint="send the request from Ropewalk's own pages or from a program",
        )


def _same_host(origin: str | None, host: str) -> bool:
    return origin is None or origin.partition("://")[2] == host


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _unexpected(error: Exception) -> Unexpected:
    return Unexpected(
        f"Ropewalk went wrong while answering ({type(error).__name__})",
        hint="the log of `ropewalk up` has the cause under this request id",
    )
