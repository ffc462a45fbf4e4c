"""One application out of the rows that rooms hand over and the pages of this one."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute
from starlette.routing import Route as StarletteRoute

from ropewalk.errors import RopewalkError, nearest
from ropewalk.mlops.tracking import ProjectPrefix, project_names
from ropewalk.pipeline import Workspace
from ropewalk.routes import Permission, Route
from ropewalk.web.answers import answer_routes
from ropewalk.web.assets import asset_route, load_assets
from ropewalk.web.downloads import csv_route
from ropewalk.web.errors import (
    PROBLEM_TYPE,
    MethodNotAllowed,
    PageNotFound,
    UnguardedRoute,
    problem,
    status_of,
)
from ropewalk.web.guards import REQUEST_ID, Boundary, Guard, Respond, SecurityHeaders, allowed_hosts
from ropewalk.web.page import page_routes, wants_page
from ropewalk.web.render import NAVIGATION, Renderer
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
    assets = load_assets()
    renderer = Renderer.of(workspace, assets)
    respond = error_responder(renderer)
    pages = [route for page in PAGES for route in page_routes(page, workspace, renderer)]
    hosts, any_address = allowed_hosts(host)
    # The rooms' routes come first: no page's pattern can take a path of the MLflow protocol away.
    return Starlette(
        routes=mount([*routes, asset_route(assets), csv_route(workspace), *answer_routes(workspace), *pages]),
        # From the outside in: also a refusal and an error carry the headers.
        middleware=[
            Middleware(SecurityHeaders),
            Middleware(Boundary, respond=respond),
            # Before whatever looks at the path: all that follows sees one path per route.
            Middleware(ProjectPrefix, names=project_names(workspace)),
            Middleware(Guard, hosts=hosts, any_address=any_address),
        ],
        exception_handlers={HTTPException: _http_error},  # type: ignore[dict-item]  # narrower than Exception, as starlette calls it
    )


def mount(rows: Iterable[Route]) -> list[BaseRoute]:
    """Return the rows as routes of Starlette, in order.

    Raises:
        UnguardedRoute: a row has no permission, or repeats another's method and path.
    """
    taken: set[tuple[str, str]] = set()
    mounted: list[BaseRoute] = []
    for row in rows:
        _check(row, taken)
        mounted.append(StarletteRoute(row.path, row.endpoint, methods=[row.method]))
    return mounted


def _check(row: Route, taken: set[tuple[str, str]]) -> None:
    named = (row.method, row.path)
    # Types do not hold for a plugin that was written without them.
    if not isinstance(row.permission, Permission):
        raise UnguardedRoute(
            f"the route {row.method} {row.path} has no permission",
            hint="give it one of ropewalk.routes.Permission",
        )
    if named in taken:
        raise UnguardedRoute(
            f"the route {row.method} {row.path} is there twice", hint="remove one of the two"
        )
    taken.add(named)


def error_responder(renderer: Renderer) -> Respond:
    """Return the function that answers with an error: a page for a browser, else a problem document."""

    async def respond(request: Request, error: RopewalkError) -> Response:
        status, request_id = status_of(error), str(request.scope.get("request_id", ""))
        headers = {"vary": "accept", "cache-control": "no-store", REQUEST_ID: request_id}
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
