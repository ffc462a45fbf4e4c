"""The one table of the protocol's routes; each row carries the permission it needs."""

from __future__ import annotations

from ropewalk.mlops.tracking.rows import (
    artifacts,
    experiments,
    logged_models,
    model_versions,
    prompts,
    registered_models,
    runs,
    series,
)
from ropewalk.mlops.tracking.rows.files import file_routes
from ropewalk.mlops.tracking.rows.server import server_routes
from ropewalk.pipeline import Workspace
from ropewalk.routes import Route

# Written out instead of collected: what is answered is decided here, and the test of permissions reads it.
TABLES = (
    experiments.ROWS,
    runs.ROWS,
    series.ROWS,
    prompts.ROWS,
    artifacts.ROWS,
    logged_models.ROWS,
    registered_models.ROWS,
    model_versions.ROWS,
)


def routes(workspace: Workspace) -> list[Route]:
    """Return every route of MLflow's protocol that Ropewalk answers, for the project of `workspace`."""
    rows = [route for table in TABLES for row in table for route in row.routes(workspace)]
    # The proxy matches any path below its own, so it stands behind everything that has a path of its own.
    return [*rows, *artifacts.proxy_routes(workspace), *file_routes(workspace), *server_routes()]
