"""What DevOps registers: the sections `deploy` and `monitor`, their kinds, and the prediction routes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ropewalk.pipeline import Kept, NodeKind, Swept, Workspace
from ropewalk.plugins import hookimpl
from ropewalk.project import Section

if TYPE_CHECKING:
    from ropewalk.routes import Route


@hookimpl
def project_sections() -> list[Section]:
    """Return the sections that declare deployments and monitors."""
    from ropewalk.devops import monitoring, serving

    return [serving.SECTION, monitoring.SECTION]


@hookimpl
def node_kinds() -> list[NodeKind]:
    """Return the kinds of operation: deployments and monitors."""
    from ropewalk.devops.monitoring import MonitorKind
    from ropewalk.devops.serving import DeploymentKind

    return [DeploymentKind(), MonitorKind()]


@hookimpl
def http_routes(workspace: Workspace) -> list[Route]:
    """Return the prediction routes."""
    from ropewalk.devops.serving import routes

    return routes(workspace)


@hookimpl
def sweep(workspace: Workspace, kept: Kept) -> list[Swept]:
    """Forget what environments that are gone deployed, and the copies of models that nobody serves."""
    from ropewalk.devops.serving import sweep_serving

    return sweep_serving(workspace, kept)
