"""The one table of the protocol's routes; each row carries the permission it needs."""

from __future__ import annotations

from dataclasses import replace

from ropewalk.mlops.tracking.rows import (
    artifacts,
    assessments,
    evaluation_sets,
    experiments,
    gateway_endpoints,
    gateway_secrets,
    issues,
    logged_models,
    model_versions,
    people,
    prompts,
    registered_models,
    runs,
    scorers,
    series,
    traces,
    traces_legacy,
    webhooks,
    workspaces,
)
from ropewalk.mlops.tracking.rows.files import file_routes
from ropewalk.mlops.tracking.rows.graphql import graphql_routes
from ropewalk.mlops.tracking.rows.multipart import multipart_routes
from ropewalk.mlops.tracking.rows.otlp import otlp_routes
from ropewalk.mlops.tracking.rows.server import server_routes
from ropewalk.mlops.tracking.wire.compat import refuse
from ropewalk.pipeline import Workspace
from ropewalk.routes import Permission, Route

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
    traces.ROWS,
    traces_legacy.ROWS,
    assessments.ROWS,
    webhooks.ROWS,
    workspaces.ROWS,
    people.ROWS,
    evaluation_sets.ROWS,
    scorers.ROWS,
    issues.ROWS,
    gateway_secrets.ROWS,
    gateway_endpoints.ROWS,
)


# What changes models that others rely on is written down; logging to runs is not, as runs are a log themselves.
_CHANGES = frozenset({Permission.WRITE, Permission.DELETE, Permission.MANAGE, Permission.ADMINISTER})
_AUDITED = ("/registered-models/", "/model-versions/", "/webhooks", "/gateway/")


def routes(workspace: Workspace) -> list[Route]:
    """Return every route of MLflow's protocol that Ropewalk answers, for the project of `workspace`."""
    return [_told(route) for route in _rows(workspace)]


def _told(route: Route) -> Route:
    """Return the route with refusals in the protocol's form, and with a line in the audit log where it belongs."""
    is_change = route.permission in _CHANGES and any(part in route.path for part in _AUDITED)
    return replace(route, refuse=refuse, is_audited=is_change)


def _rows(workspace: Workspace) -> list[Route]:
    rows = [route for table in TABLES for row in table for route in row.routes(workspace)]
    # The proxy matches any path below its own, so it stands behind everything that has a path of its own.
    raw = [
        *artifacts.proxy_routes(workspace),
        *multipart_routes(workspace),
        *file_routes(workspace),
        *gateway_endpoints.gateway_routes(),
        *graphql_routes(workspace),
    ]
    return [*rows, *raw, *otlp_routes(workspace), *server_routes()]
