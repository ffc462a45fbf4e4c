"""A page: an address, a function that builds its view, and the template that draws it.

A view is a frozen dataclass. The page answers with the template's HTML for a browser and with the view
itself as JSON at the same address with `.json` behind it, or for `Accept: application/json`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import msgspec
from blake3 import blake3
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from ropewalk.pipeline import Workspace
from ropewalk.routes import Permission, Route
from ropewalk.web.errors import InvalidQuery
from ropewalk.web.render import Renderer


@dataclass(frozen=True)
class Visit:
    """One request for a page.

    Attributes:
        workspace: the open project.
        names: the names in the page's address.
        query: the query behind it.
        origin: where the server was reached, such as `http://127.0.0.1:8765`.
    """

    workspace: Workspace
    names: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    origin: str = ""

    def number(self, name: str, default: int, most: int) -> int:
        """Return a whole number from the query, between 0 and `most`.

        Raises:
            InvalidQuery: it is not one.
        """
        text = self.query.get(name, "")
        if not text:
            return default
        # `isdigit` also takes digits of other scripts, and a number of any length would be slow to read.
        if not text.isascii() or not text.isdigit() or int(text[:9]) > most:
            raise InvalidQuery(f"{name} must be a whole number from 0 to {most}, not {text[:40]!r}")
        return int(text)


@dataclass(frozen=True)
class Page:
    """One page of the product.

    Attributes:
        path: its address, in Starlette's path syntax.
        template: the file that draws it.
        view: builds its view; it may block, so it runs in a worker thread.
    """

    path: str
    template: str
    view: Callable[[Visit], object]

    @property
    def json_path(self) -> str:
        """The address of the same view as JSON."""
        return "/index.json" if self.path == "/" else self.path + ".json"


def page_routes(page: Page, workspace: Workspace, renderer: Renderer) -> list[Route]:
    """Return the two routes of a page, the JSON one first, because names may contain dots."""

    async def look(request: Request) -> object:
        # The address that the reader used, which may be a name or another port than the one that was bound.
        origin = str(request.base_url).rstrip("/")
        visit = Visit(workspace, request.path_params, request.query_params, origin)
        return await run_in_threadpool(page.view, visit)

    async def as_json(request: Request) -> Response:
        return json_response(request, await look(request))

    async def as_html(request: Request) -> Response:
        view = await look(request)
        if wants_json(request):
            return json_response(request, view)
        html = await run_in_threadpool(renderer.page, page.template, view, request.url.path)
        # A page is always asked for anew: what it shows may have changed since.
        headers = {"vary": "accept", "cache-control": "no-cache"}
        return Response(html, _status(view), headers, media_type="text/html")

    return [
        Route("GET", page.json_path, Permission.READ, as_json),
        Route("GET", page.path, Permission.READ, as_html),
    ]


def json_response(request: Request, view: object) -> Response:
    """Return a view as JSON, or 304 when the client has the same already."""
    body = msgspec.json.encode(view)
    # The tag comes from the content, so it also holds across restarts.
    tag = f'"{blake3(body).hexdigest()[:20]}"'
    headers = {"etag": tag, "vary": "accept", "cache-control": "no-cache"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(body, _status(view), headers, media_type="application/json")


def _status(view: object) -> int:
    """Return the status of a view that knows its own, as the answer to a query that is wrong does; else 200."""
    status = getattr(view, "status", 200)
    return status if isinstance(status, int) else 200


def wants_json(request: Request) -> bool:
    """Return whether the client asked for JSON rather than a page."""
    accept = request.headers.get("accept", "")
    # A browser takes anything, and says first that it takes HTML.
    return "application/json" in accept and "text/html" not in accept


def wants_page(request: Request) -> bool:
    """Return whether a person with a browser is asking for a page; what is below `/api` is for programs."""
    path = request.url.path
    is_for_programs = path.endswith(".json") or path.startswith("/api/")
    return "text/html" in request.headers.get("accept", "") and not is_for_programs
