"""Claims about the public routes: the named deployment answers, and everything else is told clearly."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable

import httpx
from starlette.applications import Starlette
from starlette.routing import Route as StarletteRoute

from ropewalk.devops.serving import Supervisor, routes, running_supervisor
from ropewalk.devops.serving.request_body import MAX_BODY
from ropewalk.pipeline import Workspace
from ropewalk.routes import Permission

from .conftest import SavedModel, declare, move_to

Scenario = Callable[[httpx.AsyncClient], Awaitable[httpx.Response]]


def through_the_routes(workspace: Workspace, scenario: Scenario, *, is_up: bool = True) -> httpx.Response:
    """Run the scenario against the routes of the workspace, with its workers unless it is not up."""

    async def run() -> httpx.Response:
        table = [StarletteRoute(r.path, r.endpoint, methods=[r.method]) for r in routes(workspace)]
        transport = httpx.ASGITransport(Starlette(routes=table))
        async with httpx.AsyncClient(transport=transport, base_url="http://ropewalk") as client:
            if not is_up:
                return await scenario(client)
            async with Supervisor(workspace):
                return await scenario(client)

    return asyncio.run(run())


def test_a_named_deployment_answers(workspace: Workspace, late_model: SavedModel) -> None:
    """A request goes through to the worker and its answer comes back whole."""
    move_to(workspace, late_model, 3)

    reply = through_the_routes(
        workspace, lambda client: client.post("/deployments/late/invocations", json=late_model.split(4))
    )

    assert reply.status_code == 200
    assert reply.json()["predictions"] == late_model.booster.predict(late_model.table.head(4)).tolist()


def test_the_only_deployment_needs_no_name(workspace: Workspace, late_model: SavedModel) -> None:
    """With one deployment MLflow's plain path is enough; CSV passes through as well."""
    move_to(workspace, late_model, 3)
    text = late_model.table.head(2).to_csv(index=False)
    headers = {"content-type": "text/csv"}

    reply = through_the_routes(
        workspace, lambda client: client.post("/invocations", content=text, headers=headers)
    )

    assert len(reply.json()["predictions"]) == 2


def test_two_deployments_need_a_name(
    workspace: Workspace, late_model: SavedModel, later_model: SavedModel
) -> None:
    """With several deployments the plain path is ambiguous: 409 with their names."""
    move_to(workspace, late_model, 1)
    move_to(workspace, later_model, 2, "early")
    declare(workspace, "late", "early")

    reply = through_the_routes(workspace, lambda client: client.post("/invocations", json={}), is_up=False)

    assert (reply.status_code, reply.json()["code"]) == (409, "RW360")
    assert reply.json()["message"] == "there are 2 deployments: early, late"


def test_without_deployments_it_is_not_found(workspace: Workspace) -> None:
    """Before the first `ropewalk run` the hint says what makes a deployment."""
    reply = through_the_routes(workspace, lambda client: client.post("/invocations", json={}))

    assert (reply.status_code, reply.json()["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")
    assert "ropewalk run" in reply.json()["hint"]


def test_a_deployment_taken_out_of_the_project_is_not_found(
    workspace: Workspace, late_model: SavedModel
) -> None:
    """Who asks for a deployment of before learns that it is not declared, and that nothing of it is lost."""
    move_to(workspace, late_model, 3)
    declare(workspace, "early")

    reply = through_the_routes(workspace, lambda c: c.post("/deployments/late/invocations", json={}))

    assert (reply.status_code, reply.json()["code"]) == (404, "RW260")
    assert "not declared any more" in reply.json()["message"]
    assert "history and its predictions are kept" in reply.json()["hint"]


def test_an_unknown_deployment_is_not_found(workspace: Workspace, late_model: SavedModel) -> None:
    """A misspelt name is answered with the nearest, whether or not workers run."""
    move_to(workspace, late_model, 3)

    reply = through_the_routes(
        workspace, lambda c: c.post("/deployments/lat/invocations", json={}), is_up=False
    )

    assert (reply.status_code, reply.json()["nearest"]) == (404, "late")


def test_without_workers_it_is_unavailable(workspace: Workspace, late_model: SavedModel) -> None:
    """A deployment whose workers do not run answers 503 and says what starts them."""
    move_to(workspace, late_model, 3)

    reply = through_the_routes(workspace, lambda c: c.get("/deployments/late/health"), is_up=False)

    assert (reply.status_code, reply.json()["code"]) == (503, "RW660")
    assert reply.headers["retry-after"] == "1"
    assert "ropewalk up" in reply.json()["hint"]


def test_health_names_the_version(workspace: Workspace, late_model: SavedModel) -> None:
    """Who asks for health learns which version answers."""
    move_to(workspace, late_model, 3)

    reply = through_the_routes(workspace, lambda client: client.get("/deployments/late/health"))

    assert reply.json() == {"deployment": "late", "model": "late", "model_version": 3, "ready": True}


def test_a_refusal_of_the_worker_comes_through(workspace: Workspace, late_model: SavedModel) -> None:
    """The worker's error is the client's, with its status."""
    move_to(workspace, late_model, 3)

    reply = through_the_routes(workspace, lambda c: c.post("/invocations", json={"inputs": {"hour": [1]}}))

    assert (reply.status_code, reply.json()["code"]) == (400, "RW161")


def test_a_body_over_the_limit_does_not_reach_the_worker(
    workspace: Workspace, late_model: SavedModel
) -> None:
    """A body of ten megabytes is refused at the door."""
    move_to(workspace, late_model, 3)

    reply = through_the_routes(workspace, lambda c: c.post("/invocations", content=b" " * (MAX_BODY + 1)))

    assert (reply.status_code, reply.json()["code"]) == (413, "RW163")


def test_a_worker_that_dies_while_answering_is_told(workspace: Workspace, late_model: SavedModel) -> None:
    """The client of a killed worker gets 503 and learns that the prediction may stand in the log."""
    move_to(workspace, late_model, 3)

    async def scenario(client: httpx.AsyncClient) -> httpx.Response:
        supervisor = running_supervisor(workspace)
        assert supervisor is not None
        process = supervisor.backend("late").worker.process
        os.kill(process.pid, signal.SIGSTOP)
        asking = asyncio.create_task(client.post("/invocations", json=late_model.split(1)))
        await asyncio.sleep(0.2)
        os.kill(process.pid, signal.SIGKILL)
        return await asking

    reply = through_the_routes(workspace, scenario)

    assert (reply.status_code, reply.json()["code"]) == (503, "RW661")


def test_every_route_has_a_permission(workspace: Workspace) -> None:
    """Predicting needs the right to predict, asking for health the right to read."""
    assert [(route.method, route.path, route.permission) for route in routes(workspace)] == [
        ("POST", "/invocations", Permission.PREDICT),
        ("POST", "/deployments/{name}/invocations", Permission.PREDICT),
        ("GET", "/deployments/{name}/health", Permission.READ),
    ]
