"""Route rows as an application of their own, closed to other hosts' pages."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from ropewalk.access import Gate, Guard, mount
from ropewalk.mlops.tracking.errors import UnknownRoute
from ropewalk.mlops.tracking.prefixes import ProjectPrefix
from ropewalk.mlops.tracking.wire.compat import refuse
from ropewalk.pipeline import Workspace
from ropewalk.routes import Route


def project_gate(workspace: Workspace) -> Gate:
    """Return the gate in front of every route of the project."""
    return Gate(workspace.database, workspace.settings, workspace.project.name, workspace.root)


def application(routes: Iterable[Route], names: Collection[str] = (), gate: Gate | None = None) -> ASGIApp:
    """Return an application with these routes; other paths and methods get an error in the protocol's form.

    Args:
        routes: what it answers.
        names: names of the project below which the same routes are found again, see `ProjectPrefix`.
        gate: who may ask; None: whoever works on this machine.
    """
    app = Starlette(
        routes=mount(routes, gate),
        middleware=[
            Middleware(Guard, refuse=refuse),
            *([Middleware(ProjectPrefix, names=names)] if names else []),
        ],
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
