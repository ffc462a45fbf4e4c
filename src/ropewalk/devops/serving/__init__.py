"""Serving: deployments, their worker processes, the routes to them, and the log of their predictions.

Other rooms import from here and nowhere deeper. Each name is loaded at its first use: reading a project's
declarations needs neither NumPy nor HTTPX, and a worker process, which lives below this door, no pydantic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ropewalk.doors import lazy_names

if TYPE_CHECKING:
    from ropewalk.devops.serving.batch import Predictions, predict
    from ropewalk.devops.serving.compaction import compact
    from ropewalk.devops.serving.deployments import (
        deploy,
        forget_environment,
        get_deployment,
        list_deployments,
    )
    from ropewalk.devops.serving.kind import DeploymentKind
    from ropewalk.devops.serving.leftovers import sweep_serving
    from ropewalk.devops.serving.places import full_name, plain_name, prediction_folder, prediction_table
    from ropewalk.devops.serving.router import routes
    from ropewalk.devops.serving.section import DeployEntry
    from ropewalk.devops.serving.segments import log_state
    from ropewalk.devops.serving.supervisor import Supervisor, running_supervisor
    from ropewalk.store.deployments import Deployment, RevisionTaken, Target

__all__ = [
    "DeployEntry",
    "Deployment",
    "DeploymentKind",
    "Predictions",
    "RevisionTaken",
    "Supervisor",
    "Target",
    "compact",
    "deploy",
    "forget_environment",
    "full_name",
    "get_deployment",
    "list_deployments",
    "log_state",
    "plain_name",
    "predict",
    "prediction_folder",
    "prediction_table",
    "routes",
    "running_supervisor",
    "sweep_serving",
]

__getattr__ = lazy_names(__name__, __file__)
