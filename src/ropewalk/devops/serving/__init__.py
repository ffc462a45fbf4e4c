"""Serving: deployments, their worker processes, the routes to them, and the log of their predictions.

Other rooms import from here and nowhere deeper. What needs NumPy, HTTPX or the lake is loaded at its first use:
reading a project's declarations needs none of them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from ropewalk.devops.serving.kind import DeploymentKind
from ropewalk.devops.serving.section import SECTION, DeployEntry
from ropewalk.store.deployments import Deployment, RevisionTaken, Target

if TYPE_CHECKING:
    from ropewalk.devops.serving.batch import Predictions, predict
    from ropewalk.devops.serving.compaction import compact
    from ropewalk.devops.serving.deployments import deploy, get_deployment, list_deployments
    from ropewalk.devops.serving.router import routes
    from ropewalk.devops.serving.segments import log_state
    from ropewalk.devops.serving.supervisor import Supervisor, running_supervisor

__all__ = [
    "SECTION",
    "DeployEntry",
    "Deployment",
    "DeploymentKind",
    "Predictions",
    "RevisionTaken",
    "Supervisor",
    "Target",
    "compact",
    "deploy",
    "get_deployment",
    "list_deployments",
    "log_state",
    "predict",
    "routes",
    "running_supervisor",
]

_MODULES = {
    "Predictions": "batch",
    "Supervisor": "supervisor",
    "compact": "compaction",
    "deploy": "deployments",
    "get_deployment": "deployments",
    "list_deployments": "deployments",
    "log_state": "segments",
    "predict": "batch",
    "routes": "router",
    "running_supervisor": "supervisor",
}


def __getattr__(name: str) -> object:
    """Load what the door offers at its first use."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
