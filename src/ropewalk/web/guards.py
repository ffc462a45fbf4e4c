"""What stands before every route: headers that keep a browser honest, and the boundary at which errors are told.

Who may ask at all is for `access` to say, in front of every server alike.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable

import structlog
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ropewalk.errors import RopewalkError
from ropewalk.logs import get_logger
from ropewalk.web.errors import Unexpected

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


def _unexpected(error: Exception) -> Unexpected:
    return Unexpected(
        f"Ropewalk went wrong while answering ({type(error).__name__})",
        hint="the log of `ropewalk up` has the cause under this request id",
    )
