"""Emptying what clients of MLflow's protocol wrote: for suites of tests that need a server in its first state."""

from __future__ import annotations

from ropewalk.store.database import Database, now_ms
from ropewalk.store.sqlite import SQLiteFile
from ropewalk.store.tracking.traces import TABLES as TRACE_TABLES

# Those that refer to others stand before them.
TABLES = (
    "gateway_binding",
    "gateway_endpoint_tag",
    "gateway_route",
    "gateway_endpoint",
    "gateway_model",
    "gateway_secret",
    "quality_issue",
    "scorer_version",
    "scorer",
    "evaluation_record",
    "evaluation_set_experiment",
    "evaluation_set_tag",
    "evaluation_set",
    *TRACE_TABLES,
    "trace",
    "registry_event",
    "version_reading",
    "model_alias",
    "model_version_file",
    "model_version_tag",
    "model_version",
    "registered_model_tag",
    "registered_model",
    "doomed_run",
    "run_model",
    "logged_model_metric",
    "logged_model_tag",
    "logged_model_param",
    "logged_model",
    "run_dataset",
    "dataset",
    "latest_metric",
    "metric_segment",
    "metric_chunk",
    "metric_key",
    "run_tag",
    "run_param",
    "run",
    "experiment_tag",
    "artifact",
)


def empty_tracking(database: Database) -> None:
    """Remove every experiment but `0`, which becomes the active `Default`, and all runs, artifacts and models."""
    now = now_ms()
    with database.write() as connection:
        for table in TABLES:
            connection.execute(f"DELETE FROM {table}")  # noqa: S608  # names from above
        connection.execute("DELETE FROM experiment WHERE id <> 0")
        connection.execute(
            "UPDATE experiment SET name = 'Default', stage = 'active', created_at = ?, updated_at = ?",
            (now, now),
        )
        # Suites that ran one after the other must find the same ids; otherwise an id is never given twice.
        if isinstance(database.engine, SQLiteFile):
            connection.execute("DELETE FROM sqlite_sequence WHERE name = 'experiment'")
        else:
            connection.execute("ALTER TABLE experiment ALTER COLUMN id RESTART WITH 1")
