"""Experiment tracking in MLflow's protocol: its routes, an endpoint of its own, and the same verbs as functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ropewalk.doors import lazy_names

if TYPE_CHECKING:
    from ropewalk.mlops.tracking.asgi import application
    from ropewalk.mlops.tracking.experiments import get_experiment, list_experiments
    from ropewalk.mlops.tracking.listener import endpoint
    from ropewalk.mlops.tracking.logged_models import get_logged_model, logged_model_files
    from ropewalk.mlops.tracking.on_demand import endpoint_on_demand
    from ropewalk.mlops.tracking.prefixes import ProjectPrefix, project_names
    from ropewalk.mlops.tracking.reset import reset_routes
    from ropewalk.mlops.tracking.rows.table import routes
    from ropewalk.mlops.tracking.runs import (
        create_run,
        finish_run,
        get_run,
        log_metrics,
        metric_history,
        search_runs,
    )
    from ropewalk.mlops.tracking.transfer import export_run, import_run
    from ropewalk.store.tracking.values import Dataset, Experiment, LoggedModel, Metric, Run, RunStatus
__all__ = [
    "Dataset",
    "Experiment",
    "LoggedModel",
    "Metric",
    "ProjectPrefix",
    "Run",
    "RunStatus",
    "application",
    "create_run",
    "endpoint",
    "endpoint_on_demand",
    "export_run",
    "finish_run",
    "get_experiment",
    "get_logged_model",
    "get_run",
    "import_run",
    "list_experiments",
    "log_metrics",
    "logged_model_files",
    "metric_history",
    "project_names",
    "reset_routes",
    "routes",
    "search_runs",
]
__getattr__ = lazy_names(__name__, __file__)
