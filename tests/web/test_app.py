"""The application: every route guarded, every page as HTML and JSON, every error an answer."""

from __future__ import annotations

import re
from collections.abc import Callable

import httpx
import msgspec
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as StarletteRoute

from ropewalk import plugins
from ropewalk.access import UnguardedRoute
from ropewalk.errors import Unavailable
from ropewalk.pipeline import Workspace
from ropewalk.routes import Permission, Route
from ropewalk.web.app import create_app, mount
from ropewalk.web.page import Visit
from ropewalk.web.views import PAGES

Get = Callable[..., httpx.Response]
GetFrom = Callable[[Starlette], Get]
PATHS = {
    "/": "flights",
    "/data": "Data",
    "/data/mart.features": "mart.features",
    "/data/raw.flights": "raw.flights",
    "/experiments": "Experiments",
    "/experiments/1/runs": "flights",
    "/models": "Models",
    "/models/late": "late",
    "/models/late/1": "late version 1",
    "/models/late/production": "late version 1",
    "/deployments": "Deployments",
    "/deployments/late": "late",
    "/lineage": "Lineage",
    "/lineage?focus=model:late": "Lineage",
    "/sql": "SQL",
    "/issues": "Issues",
    "/issues/1": "late breaks its rate_shift limit",
}
CSP = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"


async def answer(request: Request) -> Response:
    return Response("fine")


async def go_wrong(request: Request) -> Response:
    raise ZeroDivisionError("secret of the inside")


async def be_unavailable(request: Request) -> Response:
    raise Unavailable("the warehouse does not answer", hint="try again")


def json_path(path: str) -> str:
    """Return the address of the same page as JSON."""
    bare, mark, query = path.partition("?")
    return ("/index.json" if bare == "/" else bare + ".json") + mark + query


@pytest.mark.parametrize(("path", "heading"), PATHS.items())
def test_page_has_its_heading(get: Get, path: str, heading: str) -> None:
    """Every page answers 200 with exactly one h1, which says what it is."""
    response = get(path)

    assert response.status_code == 200
    assert re.findall(r"<h1>(.*?)</h1>", response.text) == [heading]


@pytest.mark.parametrize("path", PATHS)
def test_page_has_no_inline_code(get: Get, path: str) -> None:
    """The security policy forbids scripts and styles in a page's text, so there are none."""
    html = get(path).text

    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", html)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", html))


@pytest.mark.parametrize("path", PATHS)
def test_page_is_headed_by_security(get: Get, path: str) -> None:
    """Every page carries the policy, and is not sniffed or framed."""
    headers = get(path).headers

    assert headers["content-security-policy"] == CSP
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize("path", PATHS)
def test_json_is_the_view(get: Get, flights: Workspace, path: str) -> None:
    """The JSON of a page is its view: read back into the view's type, it is the same value."""
    page, names = find_page(path)
    query = dict(httpx.URL(path).params)
    view = page.view(Visit(flights, names, query, "http://127.0.0.1:8765"))

    response = get(json_path(path), headers={})

    assert response.headers["content-type"] == "application/json"
    assert msgspec.json.decode(response.content, type=type(view)) == view


def find_page(path: str) -> tuple[object, dict[str, str]]:
    bare = httpx.URL(path).path
    for page in PAGES:
        match = StarletteRoute(page.path, answer).path_regex.match(bare)
        if match:
            return page, match.groupdict()
    raise AssertionError(path)


@pytest.mark.parametrize("path", ["/", "/data/mart.features", "/deployments/late"])
def test_accept_chooses_json(get: Get, path: str) -> None:
    """A client that accepts only JSON gets it at the page's own address."""
    response = get(path, headers={"accept": "application/json"})

    assert response.content == get(json_path(path), headers={}).content


def test_json_is_not_sent_twice(get: Get) -> None:
    """A client that has the JSON already is told so, which makes the live refresh cheap."""
    tag = get("/index.json").headers["etag"]

    response = get("/index.json", headers={"if-none-match": tag})

    assert response.status_code == 304
    assert response.content == b""


@pytest.mark.parametrize(
    "path", ["/", "/data", "/experiments", "/models", "/deployments", "/sql", "/issues", "/lineage"]
)
def test_empty_project_says_what_to_do(get_empty: Get, path: str) -> None:
    """Before the first run every page stands, and says which command comes next where it has nothing."""
    response = get_empty(path)

    assert response.status_code == 200
    assert "ropewalk run" in response.text or path == "/lineage"


@pytest.mark.parametrize(
    ("path", "near"),
    [
        ("/dat", "/data"),
        ("/data/mart.feature", "mart.features"),
        ("/models/lat", "late"),
        ("/deployments/lat", "late"),
        ("/experiments/flight/runs", "flights"),
        ("/lineage?focus=model:lat", "model:late"),
    ],
)
def test_unknown_name_is_answered_with_the_nearest(get: Get, path: str, near: str) -> None:
    """A misspelt name gets a 404 page that names what was probably meant."""
    response = get(path)

    assert response.status_code == 404
    assert "Did you mean" in response.text
    assert near in response.text


@pytest.mark.parametrize(
    "path", ["/runs/nothing", "/issues/99", "/models/late/7", "/static/nothing.js", "/a/b/c"]
)
def test_unknown_thing_is_not_found(get: Get, path: str) -> None:
    """What does not exist is a 404 page with the product's frame, not a bare line."""
    response = get(path)

    assert response.status_code == 404
    assert '<nav class="side"' in response.text


def test_problem_document_for_programs(get: Get) -> None:
    """A program gets the error as a problem document with code, nearest name and request id."""
    response = get("/models/lat.json", headers={})

    problem = response.json()
    assert response.headers["content-type"] == "application/problem+json"
    assert problem["status"] == response.status_code == 404
    assert (problem["code"], problem["nearest"]) == ("RW281", "late")
    assert problem["request_id"] == response.headers["x-request-id"]


@pytest.mark.parametrize(
    "path", ["/lineage?focus=model:late&up=many", "/sql?limit=-1", "/experiments/1/runs?page=x"]
)
def test_wrong_query_is_told(get: Get, path: str) -> None:
    """A parameter that does not fit is named with what it must be."""
    response = get(path)

    assert response.status_code == 400
    assert "must be a whole number" in response.text


def test_wrong_method_is_told(get: Get) -> None:
    """A page cannot be posted to."""
    response = get("/data", method="DELETE", headers={})

    assert response.status_code == 405
    assert "does not take DELETE" in response.json()["message"]


@pytest.mark.parametrize("headers", [{}, {"accept": "text/html"}])
def test_unexpected_error_shows_no_inside(
    flights: Workspace, headers: dict[str, str], get_from: GetFrom
) -> None:
    """What goes wrong inside is a 500 with a request id; neither its message nor a traceback leaves."""
    get = get_from(create_app(flights, [Route("GET", "/wrong", Permission.READ, go_wrong)]))

    response = get("/wrong", headers=headers)

    assert response.status_code == 500
    assert response.headers["x-request-id"] in response.text
    assert "Traceback" not in response.text
    assert "secret of the inside" not in response.text


def test_unavailable_is_503(flights: Workspace, get_from: GetFrom) -> None:
    """An error of a room keeps its class's status."""
    get = get_from(create_app(flights, [Route("GET", "/away", Permission.READ, be_unavailable)]))

    assert get("/away").status_code == 503


def test_route_without_permission_is_refused() -> None:
    """A row that was handed over without a permission stops the application from starting."""
    open_row = Route("GET", "/open", None, answer)  # type: ignore[arg-type]

    with pytest.raises(UnguardedRoute, match="GET /open has no permission"):
        mount([open_row])


def test_route_there_twice_is_refused() -> None:
    """Two rows for one method and path would leave one of them unreachable."""
    row = Route("GET", "/same", Permission.READ, answer)

    with pytest.raises(UnguardedRoute, match="GET /same is there twice"):
        mount([row, row])


def test_every_route_has_a_permission(flights: Workspace) -> None:
    """All rows of all rooms have one, and the application mounts every one of them."""
    rows = plugins.routes(flights)

    app = create_app(flights, rows)

    paths = {route.path for route in app.routes if isinstance(route, StarletteRoute)}
    assert all(isinstance(row.permission, Permission) for row in rows)
    assert {row.path for row in rows} | {page.path for page in PAGES} <= paths


def test_methods_of_one_path_are_both_there() -> None:
    """A path may take several methods, each a row of its own."""
    rows = [Route(method, "/x", Permission.WRITE, answer) for method in ("POST", "DELETE")]

    assert len(mount(rows)) == 2
