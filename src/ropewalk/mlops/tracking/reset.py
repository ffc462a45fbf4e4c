"""A door for suites of tests: one request empties the server. It is there only when somebody asked for it."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from ropewalk.pipeline import Workspace
from ropewalk.routes import Permission, Route
from ropewalk.store.tracking.reset import empty_tracking


def reset_routes(workspace: Workspace) -> list[Route]:
    """Return `POST /-/reset`: all experiments, runs, artifacts and models of the project are gone after it."""

    async def reset(_: Request) -> Response:
        await run_in_threadpool(empty_tracking, workspace.database)
        return Response(status_code=204)

    return [Route("POST", "/-/reset", Permission.ADMINISTER, reset)]
