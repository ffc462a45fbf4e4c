"""Experiment tracking in MLflow's protocol: its routes, an endpoint of its own, and the same verbs as functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ropewalk.doors import lazy_names

if TYPE_CHECKING:
    from ropewalk.mlops.tracking.artifacts import keep_run_file, list_run_files, safe_path
    from ropewalk.mlops.tracking.asgi import application, project_gate
    from ropewalk.mlops.tracking.columns import AGGREGATES, Column, Order, better, parse_column, parse_order
    from ropewalk.mlops.tracking.errors import InvalidFilter
    from ropewalk.mlops.tracking.evaluation.records import inputs_digest
    from ropewalk.mlops.tracking.events import Event, Feed, Topic
    from ropewalk.mlops.tracking.experiments import get_experiment, list_experiments
    from ropewalk.mlops.tracking.finding import (
        ARCHIVED,
        FoundRuns,
        RunQuery,
        View,
        column_of,
        experiment_counts,
        find_experiment,
        find_run_id,
        find_runs,
        names_logged,
    )
    from ropewalk.mlops.tracking.gateway.secrets import open_secret
    from ropewalk.mlops.tracking.history import METHODS, Series, read_series
    from ropewalk.mlops.tracking.listener import endpoint
    from ropewalk.mlops.tracking.logged_models import get_logged_model, logged_model_files
    from ropewalk.mlops.tracking.on_demand import endpoint_on_demand
    from ropewalk.mlops.tracking.origin import Origin, origin_of
    from ropewalk.mlops.tracking.prefixes import ProjectPrefix, project_names
    from ropewalk.mlops.tracking.reset import reset_routes
    from ropewalk.mlops.tracking.rows.table import routes
    from ropewalk.mlops.tracking.run_pages import page_of_runs
    from ropewalk.mlops.tracking.runs import (
        create_run,
        finish_run,
        get_run,
        log_metrics,
        metric_history,
        search_runs,
    )
    from ropewalk.mlops.tracking.traces.moved import (
        PLACES,
        MovedTrace,
        keep_moved,
        moved_trace,
        moved_traces,
        read_moved,
        read_moved_legacy,
    )
    from ropewalk.mlops.tracking.traces.reading import count_traces, search_traces
    from ropewalk.mlops.tracking.traces.recording import record_spans
    from ropewalk.mlops.tracking.traces.waterfall import WaterfallSpan, trace_waterfall
    from ropewalk.mlops.tracking.transfer import export_run, import_run
    from ropewalk.mlops.tracking.upkeep.branches import (
        Archived,
        BranchRuns,
        archive_branches,
        branch_runs,
        branches_with_runs,
        restore_branch,
    )
    from ropewalk.mlops.tracking.upkeep.holding import holders_of
    from ropewalk.mlops.tracking.upkeep.moving import move_runs, set_stage
    from ropewalk.mlops.tracking.upkeep.removal import Emptied, empty_trash, remove_runs
    from ropewalk.mlops.tracking.upkeep.retention import Verdict, apply_rules, judge_runs
    from ropewalk.mlops.tracking.upkeep.section import RetentionRule
    from ropewalk.mlops.tracking.upkeep.sweeping import sweep_tracking
    from ropewalk.mlops.tracking.uploads import sweep_uploads
    from ropewalk.mlops.tracking.webhooks import (
        Courier,
        create_webhook,
        delete_webhook,
        list_deliveries,
        list_webhooks,
        revive_deliveries,
        try_webhook,
    )
    from ropewalk.store.tracking.traces import Trace
    from ropewalk.store.tracking.values import Dataset, Experiment, LoggedModel, Metric, Run, RunStatus
__all__ = [
    "AGGREGATES",
    "ARCHIVED",
    "METHODS",
    "PLACES",
    "Archived",
    "BranchRuns",
    "Column",
    "Courier",
    "Dataset",
    "Emptied",
    "Event",
    "Experiment",
    "Feed",
    "FoundRuns",
    "InvalidFilter",
    "LoggedModel",
    "Metric",
    "MovedTrace",
    "Order",
    "Origin",
    "ProjectPrefix",
    "RetentionRule",
    "Run",
    "RunQuery",
    "RunStatus",
    "Series",
    "Topic",
    "Trace",
    "Verdict",
    "View",
    "WaterfallSpan",
    "application",
    "apply_rules",
    "archive_branches",
    "better",
    "branch_runs",
    "branches_with_runs",
    "column_of",
    "count_traces",
    "create_run",
    "create_webhook",
    "delete_webhook",
    "empty_trash",
    "endpoint",
    "endpoint_on_demand",
    "experiment_counts",
    "export_run",
    "find_experiment",
    "find_run_id",
    "find_runs",
    "finish_run",
    "get_experiment",
    "get_logged_model",
    "get_run",
    "holders_of",
    "import_run",
    "inputs_digest",
    "judge_runs",
    "keep_moved",
    "keep_run_file",
    "list_deliveries",
    "list_experiments",
    "list_run_files",
    "list_webhooks",
    "log_metrics",
    "logged_model_files",
    "metric_history",
    "move_runs",
    "moved_trace",
    "moved_traces",
    "names_logged",
    "open_secret",
    "origin_of",
    "page_of_runs",
    "parse_column",
    "parse_order",
    "project_gate",
    "project_names",
    "read_moved",
    "read_moved_legacy",
    "read_series",
    "record_spans",
    "remove_runs",
    "reset_routes",
    "restore_branch",
    "revive_deliveries",
    "routes",
    "safe_path",
    "search_runs",
    "search_traces",
    "set_stage",
    "sweep_tracking",
    "sweep_uploads",
    "trace_waterfall",
    "try_webhook",
]
__getattr__ = lazy_names(__name__, __file__)
