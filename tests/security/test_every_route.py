"""Every route as everybody: the one table decides, and there is no way around it.

The rows are those of the real application. Whether a role may have a route is asked of the same rows, mounted by the
same function with the same gate, only with an endpoint that does nothing; that nobody else gets through is asked of the
application itself on a real port.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from ropewalk import plugins
from ropewalk.access import Role, mount
from ropewalk.mlops.tracking import application, project_gate, routes
from ropewalk.pipeline import Workspace
from ropewalk.routes import Permission, Route
from ropewalk.web.app import all_rows, create_app
from ropewalk.web.assets import load_assets
from ropewalk.web.render import Renderer

Ask = Callable[..., httpx.Response]
P = Permission
# Written out here too: a change of the policy has to be made in two places, by somebody who means it.
MAY = {
    None: {P.PUBLIC},
    "stranger": {P.PUBLIC, P.SELF},
    "guest": {P.PUBLIC, P.SELF, P.PREDICT},
    "reporter": {P.PUBLIC, P.SELF, P.PREDICT, P.READ},
    "developer": {P.PUBLIC, P.SELF, P.PREDICT, P.READ, P.WRITE},
    "maintainer": {P.PUBLIC, P.SELF, P.PREDICT, P.READ, P.WRITE, P.DELETE, P.MANAGE, P.PERSONAL},
    "owner": set(Permission),
}
# Everything that is open to everybody; a new one has to be added here by somebody who means it.
PUBLIC = {
    ("GET", "/health"),
    ("GET", "/version"),
    ("GET", "/api/3.0/mlflow/server-info"),
    ("GET", "/ajax-api/3.0/mlflow/server-info"),
    ("GET", "/static/{name}"),
    # What allows these is the signed ticket in their path: see tests/mlops/tracking/test_multipart.py.
    ("PUT", "/api/2.0/mlflow-artifacts/parts/{ticket}"),
    ("PUT", "/api/2.0/mlflow-artifacts/files/{ticket}"),
    ("GET", "/api/2.0/mlflow-artifacts/files/{ticket}"),
    ("GET", "/login"),
    ("POST", "/login"),
    ("GET", "/login/issuer"),
    ("GET", "/login/callback"),
    # The ticket in the address is signed by whoever had the right, names one file, and is over after a while.
    ("PUT", "/api/2.0/mlflow-artifacts/parts/{ticket}"),
    ("PUT", "/api/2.0/mlflow-artifacts/files/{ticket}"),
    ("GET", "/api/2.0/mlflow-artifacts/files/{ticket}"),
}


@pytest.fixture(scope="module")
def rows(guarded: Workspace) -> list[Route]:
    """Return every row of the application."""
    renderer = Renderer.of(guarded, load_assets())
    return all_rows(guarded, plugins.routes(guarded), renderer, project_gate(guarded))


def filled(path: str) -> str:
    """Return an address that a path's pattern matches."""
    return re.sub(r"\{\w+(:\w+)?\}", "7", path)


async def reached(_: Request) -> Response:
    return Response("reached")


@pytest.fixture(scope="module")
def probes(guarded: Workspace, rows: list[Route]) -> Starlette:
    """Return the same rows behind the same gate, of which each tells only that it was reached."""
    hollow = [replace(row, endpoint=reached, path=f"/{number}") for number, row in enumerate(rows)]
    return Starlette(routes=mount(hollow, project_gate(guarded)))


@pytest.mark.parametrize("who", list(MAY), ids=str)
def test_whole_table(probes: Starlette, rows: list[Route], tokens: dict[str, str], who: str | None) -> None:
    """Everybody reaches every route that their role grants, and no other."""
    headers = {"authorization": f"Bearer {tokens[who]}"} if who else {}

    async def walk() -> dict[tuple[str, str], bool]:
        transport = httpx.ASGITransport(probes, raise_app_exceptions=False)
        found = {}
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            for number, row in enumerate(rows):
                answer = await client.request(row.method, f"/{number}", headers=headers)
                found[row.method, row.path] = answer.text == "reached"
        return found

    found = asyncio.run(walk())

    assert len(found) == len(rows) > 150
    assert found == {(row.method, row.path): row.permission in MAY[who] for row in rows}


@pytest.mark.parametrize("who", [None, "stranger"], ids=str)
def test_nobody_gets_through(ask: Ask, rows: list[Route], who: str | None) -> None:
    """Nobody, and nobody with a role elsewhere only, has any answer of the real server but a refusal."""
    closed = [row for row in rows if row.permission not in (P.PUBLIC, P.SELF)]

    answers = {(row.method, row.path): ask(who, row.method, filled(row.path)).status_code for row in closed}

    wanted = 401 if who is None else 403
    assert {name: status for name, status in answers.items() if status != wanted} == {}


def test_reader_changes_nothing(ask: Ask, rows: list[Route]) -> None:
    """Whoever may only read is refused by every route of the real server that changes something."""
    changing = [row for row in rows if row.permission not in MAY["reporter"]]

    assert len(changing) > 50
    assert {ask("reporter", row.method, filled(row.path)).status_code for row in changing} == {403}


def test_what_is_open_is_known(rows: list[Route]) -> None:
    """No route is open to everybody but those that are written out above."""
    open_rows = {(row.method, row.path) for row in rows if row.permission is P.PUBLIC}

    assert open_rows - PUBLIC == set()


def test_no_second_way(guarded: Workspace) -> None:
    """Nothing is mounted that is no row: no sub-application, no file server, no redirect."""
    app = create_app(guarded, plugins.routes(guarded))

    assert {type(route).__name__ for route in app.routes} == {"Route"}


@pytest.mark.parametrize("prefix", ["/p/flights", "/api/v4/projects/flights/ml/mlflow"])
def test_below_prefixes(ask: Ask, prefix: str) -> None:
    """The same gate stands behind every address of a route."""
    path = f"{prefix}/api/2.0/mlflow/experiments/get?experiment_id=0"

    statuses = [ask(who, "GET", path).status_code for who in (None, "guest", "stranger", "reporter")]

    assert statuses == [401, 403, 403, 200]


@pytest.mark.parametrize(
    "path",
    [
        "/api/2.0/mlflow/experiments/get",
        "//api/2.0/mlflow/experiments/get",
        "/api/2.0/mlflow/experiments/get/",
        "/API/2.0/mlflow/experiments/get",
        "/api/2.0/mlflow/../mlflow/experiments/get",
        "/api/2.0/mlflow/experiments/%67et",
        "/api/2.0/mlflow/experiments/get;x=/health",
        "/health/../api/2.0/mlflow/experiments/get",
        "/static/../api/2.0/mlflow/experiments/get",
        "/api%2f2.0%2fmlflow%2fexperiments%2fget",
    ],
)
def test_spelled_otherwise(ask: Ask, path: str) -> None:
    """However an address is written, nobody gets what it leads to."""
    answer = ask(None, "GET", f"{path}?experiment_id=0")

    assert answer.status_code in {307, 401, 404}
    assert "lifecycle_stage" not in answer.text


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE", "PROPFIND", "get"])
def test_other_methods(ask: Ask, method: str) -> None:
    """No method is a way past the gate: one that is no row's is none at all."""
    answer = ask(None, method, "/api/2.0/mlflow/experiments/get?experiment_id=0")

    assert answer.status_code in {401, 404, 405}


def test_method_override(ask: Ask) -> None:
    """Headers that other servers take for another method or path mean nothing."""
    headers = {"X-HTTP-Method-Override": "POST", "X-Original-URL": "/health", "X-Rewrite-URL": "/health"}

    assert ask(None, "GET", "/models", headers=headers).status_code == 401


def test_steps_server_is_guarded_too(guarded: Workspace, tokens: dict[str, str]) -> None:
    """The port that a run opens for its steps lets nobody through either."""
    rows = [row for row in routes(guarded) if row.permission not in (P.PUBLIC, P.SELF)]
    app = application(routes(guarded), gate=project_gate(guarded))

    async def walk(**headers: str) -> set[int]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            answers = [await client.request(row.method, filled(row.path), headers=headers) for row in rows]
        return {answer.status_code for answer in answers}

    assert asyncio.run(walk()) == {401}
    assert asyncio.run(walk(authorization=f"Bearer {tokens['stranger']}")) == {403}


def test_roles_are_all_walked() -> None:
    """The table above has every role that there is."""
    assert {role.word for role in Role} == {*MAY} - {None, "stranger"}
