"""Experiment tracking in MLflow's protocol: its routes, an endpoint of its own, and the same verbs as functions."""

from ropewalk.mlops.tracking.application import application
from ropewalk.mlops.tracking.endpoint import endpoint
from ropewalk.mlops.tracking.experiments import get_experiment, list_experiments
from ropewalk.mlops.tracking.logged_models import get_logged_model, logged_model_files
from ropewalk.mlops.tracking.routes import routes
from ropewalk.mlops.tracking.runs import (
    create_run,
    finish_run,
    get_run,
    log_metrics,
    metric_history,
    search_runs,
)
from ropewalk.store.tracking.values import Experiment, LoggedModel, Metric, Run

__all__ = [
    "Experiment",
    "LoggedModel",
    "Metric",
    "Run",
    "application",
    "create_run",
    "endpoint",
    "finish_run",
    "get_experiment",
    "get_logged_model",
    "get_run",
    "list_experiments",
    "log_metrics",
    "logged_model_files",
    "metric_history",
    "routes",
    "search_runs",
]
