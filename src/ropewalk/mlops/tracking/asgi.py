"""Route rows as an application of their own, closed to other hosts' pages."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as StarletteRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from ropewalk.mlops.tracking.errors import ForeignHost, UnknownRoute
from ropewalk.mlops.tracking.prefixes import ProjectPrefix
from ropewalk.mlops.tracking.wire.compat import refuse
from ropewalk.routes import Route

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
# These change nothing here, and browsers keep other sites from reading the answers.
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class LoopbackOnly:
    """Answers only requests that name this machine, and changes nothing for a page from elsewhere.

    Without this a page in the user's browser could reach a server that listens on the loopback address only, by a
    host name that was made to point there.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            refused = _refused_host(headers) or (scope["method"] not in _SAFE and _refused_origin(headers))
            if refused:
                await refuse(ForeignHost(f"Requests must come from and name this machine, not {refused!r}"))(
                    scope, receive, send
                )
                return
        await self.app(scope, receive, send)


def _refused_host(headers: Headers) -> str | None:
    host = headers.get("host", "")
    # A name that an attacker's DNS points to 127.0.0.1 still arrives under that name, which is how it is
    # told.
    return None if _hostname(f"//{host}") in LOOPBACK else host or "nothing"


def _refused_origin(headers: Headers) -> str | None:
    # Programs send no Origin; pages always do when they write.
    origin = headers.get("origin")
    if origin is not None and _hostname(origin) not in LOOPBACK:
        return origin
    # A form may come with the Origin `null` or none at all; the browser's own word about its site is left.
    return "a cross-site page" if headers.get("sec-fetch-site") == "cross-site" else None


def _hostname(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def application(routes: Iterable[Route], names: Collection[str] = ()) -> ASGIApp:
    """Return an application with these routes; other paths and methods get an error in the protocol's form.

    Args:
        routes: what it answers.
        names: names of the project below which the same routes are found again, see `ProjectPrefix`.
    """
    app = Starlette(
        routes=[StarletteRoute(row.path, row.endpoint, methods=[row.method]) for row in routes],
        middleware=[Middleware(LoopbackOnly), *([Middleware(ProjectPrefix, names=names)] if names else [])],
        exception_handlers={404: _unknown, 405: _unknown},
    )
    # A redirect would answer for paths that are not in the table.
    app.router.redirect_slashes = False
    return app


async def _unknown(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    response = refuse(
        UnknownRoute(
            f"{request.method} {request.url.path} is not part of the protocol that is spoken here",
            hint="`ropewalk` speaks MLflow's tracking and registry protocol",
        )
    )
    # The error stands for 404; a known path with another method must stay the 405 that clients tell apart.
    response.status_code = error.status_code
    return response
