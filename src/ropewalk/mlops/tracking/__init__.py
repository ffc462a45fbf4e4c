"""Experiment tracking in MLflow's protocol: its routes, an endpoint of its own, and the same verbs as functions."""

from importlib import import_module
from typing import TYPE_CHECKING

from ropewalk.mlops.tracking.experiments import get_experiment, list_experiments
from ropewalk.mlops.tracking.logged_models import get_logged_model, logged_model_files
from ropewalk.mlops.tracking.runs import (
    create_run,
    finish_run,
    get_run,
    log_metrics,
    metric_history,
    search_runs,
)
from ropewalk.store.tracking.values import Dataset, Experiment, LoggedModel, Metric, Run, RunStatus

if TYPE_CHECKING:
    from ropewalk.mlops.tracking.asgi import application
    from ropewalk.mlops.tracking.listener import endpoint
    from ropewalk.mlops.tracking.on_demand import endpoint_on_demand
    from ropewalk.mlops.tracking.rows.table import routes
    from ropewalk.mlops.tracking.transfer import export_run, import_run

__all__ = [
    "Dataset",
    "Experiment",
    "LoggedModel",
    "Metric",
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
    "routes",
    "search_runs",
]


# `ropewalk plan` and each step process import this door, and would pay the web framework's start for routes that
# they never serve.
_LAZY = {
    "application": "asgi",
    "endpoint": "listener",
    "endpoint_on_demand": "on_demand",
    "routes": "rows.table",
    "export_run": "transfer",
    "import_run": "transfer",
}


def __getattr__(name: str) -> object:
    """Return what needs the web framework, imported at its first use: planning a project does without."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
