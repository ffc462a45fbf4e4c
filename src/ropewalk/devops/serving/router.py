"""The public routes of serving: they find the deployment's worker and hand the request over to it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ropewalk.devops.serving.deployments import list_deployments, missing_deployment
from ropewalk.devops.serving.errors import DeploymentAmbiguous, WorkerMissing
from ropewalk.devops.serving.replies import error_reply
from ropewalk.devops.serving.request_body import read_body
from ropewalk.devops.serving.supervisor import Supervisor, running_supervisor
from ropewalk.errors import RopewalkError
from ropewalk.pipeline import Workspace
from ropewalk.routes import Endpoint, Permission, Route

FindSupervisor = Callable[[], Supervisor | None]


def routes(workspace: Workspace, supervisor: FindSupervisor | None = None) -> list[Route]:
    """Return the routes that answer predictions and health for the deployments of `workspace`.

    Args:
        workspace: the open project.
        supervisor: how to find who keeps the workers; by default the one entered for this workspace.
    """
    router = _Router(workspace, supervisor or (lambda: running_supervisor(workspace)))
    return [
        # MLflow's own path, so that its clients need no change.
        Route("POST", "/invocations", Permission.PREDICT, _told(router.invoke_only), refuse=_refuse),
        Route(
            "POST",
            "/deployments/{name}/invocations",
            Permission.PREDICT,
            _told(router.invoke_named),
            refuse=_refuse,
        ),
        Route(
            "GET", "/deployments/{name}/health", Permission.READ, _told(router.tell_health), refuse=_refuse
        ),
    ]


class _Router:
    """The endpoints, and what they share."""

    def __init__(self, workspace: Workspace, supervisor: FindSupervisor) -> None:
        self._workspace = workspace
        self._find_supervisor = supervisor

    async def invoke_named(self, request: Request) -> Response:
        """Predict with the deployment that the path names."""
        return await self._invoke(request.path_params["name"], request)

    async def invoke_only(self, request: Request) -> Response:
        """Predict with the project's one deployment."""
        names = self._names()
        if len(names) > 1:
            raise DeploymentAmbiguous(
                f"there are {len(names)} deployments: {', '.join(names)}",
                hint=f"name one in the path: POST /deployments/{names[0]}/invocations",
            )
        return await self._invoke(names[0] if names else "", request)

    async def tell_health(self, request: Request) -> Response:
        """Say which version answers for a deployment, or that none does."""
        backend = self._supervisor(request.path_params["name"]).backend(request.path_params["name"])
        deployment = backend.deployment
        about = {"deployment": deployment.name, "model": deployment.target.model, "ready": True}
        return JSONResponse({**about, "model_version": deployment.target.version})

    async def _invoke(self, name: str, request: Request) -> Response:
        supervisor = self._supervisor(name)
        body = await read_body(request.receive)
        # Nothing is awaited between finding the worker and counting the request: a swap cannot come between.
        backend = supervisor.backend(name)
        with backend.in_use() as connections:
            reply = await connections.ask(body, request.headers.get("content-type", ""))
        return Response(reply.body, reply.status, media_type="application/json")

    def _supervisor(self, name: str) -> Supervisor:
        supervisor = self._find_supervisor()
        if supervisor is None:
            if name not in self._names():
                raise missing_deployment(self._workspace, name)
            raise WorkerMissing(f"no worker runs for {name!r}", hint="`ropewalk up` starts the workers")
        return supervisor

    def _names(self) -> list[str]:
        supervisor = self._find_supervisor()
        if supervisor is not None:
            return supervisor.names
        return [deployment.name for deployment in list_deployments(self._workspace)]


def _told(endpoint: Callable[[Request], Awaitable[Response]]) -> Endpoint:
    """Return the endpoint with our errors answered in MLflow's shape, as the workers answer theirs."""

    @wraps(endpoint)
    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except RopewalkError as error:
            return _refuse(error)

    return answer


def _refuse(error: RopewalkError) -> Response:
    status, body = error_reply(error)
    # Workers restart in about a second.
    retry = {"retry-after": "1"} if status == 503 else None
    return Response(body, status, retry, "application/json")
