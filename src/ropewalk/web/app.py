"""One application out of the rows that rooms hand over and the pages of this one."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from ropewalk.access import Gate, Guard, NotSignedIn, allowed_hosts, mount
from ropewalk.errors import RopewalkError, nearest
from ropewalk.mlops.tracking import ProjectPrefix, project_gate, project_names
from ropewalk.pipeline import Workspace
from ropewalk.routes import Route
from ropewalk.web.answers import answer_routes
from ropewalk.web.assets import asset_route, load_assets
from ropewalk.web.downloads import csv_route
from ropewalk.web.errors import (
    PROBLEM_TYPE,
    MethodNotAllowed,
    PageNotFound,
    problem,
    status_of,
)
from ropewalk.web.guards import REQUEST_ID, Boundary, Respond, SecurityHeaders
from ropewalk.web.login import login_address, login_routes
from ropewalk.web.openapi import openapi_route
from ropewalk.web.page import page_routes, wants_page
from ropewalk.web.render import NAVIGATION, Renderer
from ropewalk.web.run_answers import run_routes
from ropewalk.web.tokens import token_routes
from ropewalk.web.views import PAGES


def create_app(workspace: Workspace, routes: Iterable[Route], *, host: str = "127.0.0.1") -> Starlette:
    """Return the application of one project: `routes`, and the pages about it.

    Args:
        workspace: the open project.
        routes: what the rooms answer (`ropewalk.plugins.routes`).
        host: the address it will listen on, which decides for which Host headers it answers.

    Raises:
        UnguardedRoute: a route has no permission, or two routes claim one method on one path.
    """
    renderer = Renderer.of(workspace, load_assets())
    respond = error_responder(renderer)
    gate = project_gate(workspace)
    hosts, any_address = allowed_hosts(host, workspace.settings.public_url)
    return Starlette(
        routes=mount(all_rows(workspace, routes, renderer, gate), gate),
        # From the outside in: also a refusal and an error carry the headers.
        middleware=[
            Middleware(SecurityHeaders),
            Middleware(Boundary, respond=respond),
            Middleware(Guard, hosts=hosts, any_address=any_address),
            # Before whatever looks at the path: all that follows sees one path per route.
            Middleware(ProjectPrefix, names=project_names(workspace)),
        ],
        exception_handlers={HTTPException: _http_error},  # type: ignore[dict-item]  # narrower than Exception, as starlette calls it
    )


def all_rows(workspace: Workspace, routes: Iterable[Route], renderer: Renderer, gate: Gate) -> list[Route]:
    """Return the one table of everything that the application of a project answers."""
    pages = [route for page in PAGES for route in page_routes(page, workspace, renderer)]
    # The rooms' routes come first: no page's pattern can take a path of the MLflow protocol away.
    rows = [
        *routes,
        asset_route(renderer.assets),
        csv_route(workspace),
        *login_routes(workspace, renderer, gate),
        *token_routes(workspace, renderer),
        *answer_routes(workspace),
        *run_routes(workspace),
        *pages,
    ]
    return [openapi_route(rows), *rows]


def error_responder(renderer: Renderer) -> Respond:
    """Return the function that answers with an error: a page for a browser, else a problem document."""

    async def respond(request: Request, error: RopewalkError) -> Response:
        status, request_id = status_of(error), str(request.scope.get("request_id", ""))
        headers = {"vary": "accept", "cache-control": "no-store", REQUEST_ID: request_id}
        headers |= getattr(error, "headers", {})
        if isinstance(error, NotSignedIn) and wants_page(request) and request.method == "GET":
            return RedirectResponse(login_address(request), 303)
        if wants_page(request):
            html = renderer.error(error, request.url.path, request_id)
            return Response(html, status, headers, media_type="text/html")
        body = problem(error, request.url.path, request_id)
        return JSONResponse(body, status, headers, media_type=PROBLEM_TYPE)

    return respond


async def _http_error(request: Request, error: HTTPException) -> Response:
    """Turn what Starlette's router says into an error of ours."""
    path = request.url.path
    if error.status_code == 405:
        raise MethodNotAllowed(f"{path} does not take {request.method}") from None
    # Raised again as ours, so that one place answers with all errors.
    close = nearest(path, [item.address for item in NAVIGATION])
    raise PageNotFound(
        f"nothing answers at {path}", nearest=close, hint="start from the overview at /"
    ) from None
