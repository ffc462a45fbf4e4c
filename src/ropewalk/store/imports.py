"""Rows that keep the ids, numbers and times that they had on another server."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from ropewalk.store.artifacts import Artifact
from ropewalk.store.connections import Connection
from ropewalk.store.registry import ModelVersion
from ropewalk.store.registry import set_version_tag as _tag_version
from ropewalk.store.registry_history import RegistryEvent
from ropewalk.store.tracking.runs import NewRun


@dataclass(frozen=True)
class PastTimes:
    """When something was made and last changed, in UTC milliseconds."""

    created_at: int
    updated_at: int


def insert_experiment_as(connection: Connection, identifier: int, name: str, times: PastTimes) -> None:
    """Add an experiment under an id of its own; its artifacts lie below that id.

    Raises:
        RowRefused: the id or the name is taken.
    """
    connection.execute(
        "INSERT INTO experiment (id, name, artifact_location, stage, created_at, updated_at)"
        " VALUES (?, ?, ?, 'active', ?, ?)",
        (identifier, name, f"mlflow-artifacts:/{identifier}", times.created_at, times.updated_at),
    )


def time_experiment(connection: Connection, identifier: str, times: PastTimes) -> None:
    """Set when an experiment was made and last changed."""
    connection.execute(
        "UPDATE experiment SET created_at = ?, updated_at = ? WHERE id = ?",
        (times.created_at, times.updated_at, int(identifier)),
    )


def find_run_number(connection: Connection, identifier: str) -> int | None:
    """Return the short number of the run of that id, or None."""
    row = connection.execute("SELECT number FROM run WHERE id = ?", (identifier,)).fetchone()
    return int(row["number"]) if row else None


def insert_run_as(connection: Connection, new: NewRun, status: str, ended_at: int | None) -> int:
    """Add a run that has ended, or was cut off, and return its short number."""
    cursor = connection.execute(
        "INSERT INTO run (id, experiment, name, user_id, status, stage, started_at, ended_at)"
        " VALUES (?, ?, ?, ?, ?, 'active', ?, ?) RETURNING number",
        (new.id, int(new.experiment_id), new.name, new.user_id, status, new.started_at, ended_at),
    )
    return int(cursor.fetchone()["number"])


def set_logged_model_as(connection: Connection, model: int, status: str, times: PastTimes) -> None:
    """Set the status of the logged model of that number, and when it was made and last changed."""
    connection.execute(
        "UPDATE logged_model SET status = ?, created_at = ?, updated_at = ? WHERE number = ?",
        (status, times.created_at, times.updated_at, model),
    )


def set_model_as(connection: Connection, name: str, last_version: int, times: PastTimes) -> None:
    """Set the times of a registered model, and the least number that its next version is above."""
    # Never downwards: numbers given here since must not be given again.
    connection.execute(
        "UPDATE registered_model SET created_at = ?, updated_at = ?,"
        " last_version = CASE WHEN last_version > ? THEN last_version ELSE ? END WHERE name = ?",
        (times.created_at, times.updated_at, last_version, last_version, name),
    )


def insert_version_as(connection: Connection, version: ModelVersion, files: Sequence[Artifact]) -> None:
    """Add a version with its number, times, tags and files.

    Raises:
        RowRefused: the number is taken.
    """
    number = int(version.version)
    # Every column is given: what a default would fill in is of today, and not of then.
    connection.execute(
        "INSERT INTO model_version (model, version, description, source, location, run_id, run_link,"
        " model_id, node_key, digest, metrics, stage, created_at, updated_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(version.name, number, version.description, version.source, version.location, version.run_id),
            *(version.run_link, version.model_id, version.node_key, version.digest),
            *(json.dumps(dict(version.metrics)), version.stage, version.created_at, version.updated_at),
        ),
    )
    for key, value in version.tags.items():
        _tag_version(connection, version.name, version.version, key, value)
    connection.executemany(
        "INSERT INTO model_version_file (model, version, path, digest, size) VALUES (?, ?, ?, ?, ?)",
        [(version.name, number, file.path, file.digest, file.size) for file in files],
    )


def list_run_ids(connection: Connection, experiment: str) -> list[str]:
    """Return the ids of all runs of an experiment, deleted ones too, in the order they came."""
    rows = connection.execute("SELECT id FROM run WHERE experiment = ? ORDER BY number", (int(experiment),))
    return [str(row["id"]) for row in rows]


def list_logged_model_ids(connection: Connection, experiment: str) -> list[str]:
    """Return the ids of the logged models of an experiment that are not deleted, in the order they came."""
    rows = connection.execute(
        "SELECT id FROM logged_model WHERE experiment = ? AND deleted_at IS NULL ORDER BY number",
        (int(experiment),),
    )
    return [str(row["id"]) for row in rows]


def metric_names(connection: Connection, run: int) -> list[str]:
    """Return the names of the metrics of the run of that number."""
    rows = connection.execute(
        "SELECT name FROM latest_metric JOIN metric_key ON metric_key.id = latest_metric.key"
        " WHERE run = ? ORDER BY name",
        (run,),
    )
    return [str(row["name"]) for row in rows]


def list_trace_ids(connection: Connection, experiment: str) -> list[str]:
    """Return the ids of all traces of an experiment, in the order they came."""
    rows = connection.execute("SELECT id FROM trace WHERE experiment = ? ORDER BY number", (int(experiment),))
    return [str(row["id"]) for row in rows]


def trace_links(connection: Connection, trace: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the runs that the trace of that number was linked to, and the versions of prompts it used."""
    runs = connection.execute("SELECT run_id FROM trace_run WHERE trace = ? ORDER BY run_id", (trace,))
    prompts = connection.execute("SELECT prompt FROM trace_prompt WHERE trace = ? ORDER BY prompt", (trace,))
    return tuple(str(row["run_id"]) for row in runs), tuple(str(row["prompt"]) for row in prompts)


def list_evaluation_set_ids(connection: Connection) -> list[str]:
    """Return the ids of all evaluation sets, in the order they were made."""
    rows = connection.execute("SELECT id FROM evaluation_set ORDER BY created_at, id")
    return [str(row["id"]) for row in rows]


def insert_event_as(connection: Connection, event: RegistryEvent) -> None:
    """Add something that happened to a model elsewhere, at the time when it did."""
    connection.execute(
        "INSERT INTO registry_event"
        " (model, version, alias, what, state_before, state_after, actor, reason, happened_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(event.model, int(event.version) if event.version else None, event.alias, event.what),
            *(event.before, event.after, event.actor, event.reason, event.happened_at),
        ),
    )
