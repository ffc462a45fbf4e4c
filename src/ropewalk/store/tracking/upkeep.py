"""SQL for looking after runs: moving them, who still needs one, and removing what is in the trash bit by bit."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ropewalk.store.connections import Connection, Row
from ropewalk.store.database import now_ms
from ropewalk.store.tracking.logged_models import ARTIFACT_URI as MODEL_URI
from ropewalk.store.tracking.runs import ARTIFACT_URI as RUN_URI
from ropewalk.store.tracking.traces import delete_traces

PARENT_TAG = "mlflow.parentRunId"
_MODEL_TABLES = ("logged_model_metric", "logged_model_tag", "logged_model_param")
# A scorer takes its versions with it; an evaluation set stays, because it may belong to other experiments.
_EXPERIMENT_TABLES = ("experiment_tag", "scorer", "quality_issue", "evaluation_set_experiment")
_RUN_TABLES = ("run_model", "run_dataset", "latest_metric", "run_tag", "run_param")
_AMONG = "IN (SELECT value FROM json_each(?))"


@dataclass(frozen=True)
class Trashed:
    """A run in the trash: its short number, id, experiment, the place of its files, and since when it is there."""

    number: int
    id: str
    experiment_id: str
    artifact_uri: str
    deleted_at: int


@dataclass(frozen=True)
class TrashedExperiment:
    """An experiment in the trash, with how many runs it still has."""

    id: str
    name: str
    artifact_location: str
    runs: int


def nested_runs(connection: Connection, ids: Sequence[str]) -> list[str]:
    """Return the ids of all runs below these ones, at any depth."""
    found: list[str] = []
    known, newest = set(ids), list(ids)
    while newest:
        rows = connection.execute(
            "SELECT run.id FROM run JOIN run_tag ON run_tag.run = run.number"  # noqa: S608
            f" WHERE run_tag.key = ? AND run_tag.value {_AMONG} ORDER BY run.number",  # ours
            (PARENT_TAG, json.dumps(newest)),
        )
        # A parent that is its own descendant is a client's mistake and must not keep us here.
        newest = [row["id"] for row in rows if row["id"] not in known]
        known.update(newest)
        found += newest
    return found


def move_run_rows(connection: Connection, numbers: Sequence[int], experiment: str) -> None:
    """Put runs, the logged models that they made and their data sets into another experiment; files stay in place."""
    wanted = json.dumps(list(numbers))
    ids = connection.execute(f"SELECT id FROM run WHERE number {_AMONG}", (wanted,))  # noqa: S608  # ours
    named = json.dumps([row["id"] for row in ids])
    connection.execute(
        f"UPDATE run SET artifact_root = {RUN_URI} WHERE number {_AMONG}",  # noqa: S608  # ours
        (wanted,),
    )
    connection.execute(
        f"UPDATE logged_model SET artifact_root = {MODEL_URI} WHERE source_run_id {_AMONG}",  # noqa: S608  # ours
        (named,),
    )
    target = int(experiment)
    connection.execute(
        "INSERT INTO dataset (experiment, name, digest, source_type, source, schema, profile)"  # noqa: S608
        " SELECT DISTINCT CAST(? AS BIGINT), name, digest, source_type, source, schema, profile FROM dataset"
        f" WHERE id IN (SELECT dataset FROM run_dataset WHERE run {_AMONG}) ON CONFLICT DO NOTHING",
        (target, wanted),
    )
    connection.execute(
        "UPDATE run_dataset SET dataset = (SELECT theirs.id FROM dataset AS theirs JOIN dataset AS ours"  # noqa: S608
        " ON ours.name = theirs.name AND ours.digest = theirs.digest"
        " WHERE ours.id = run_dataset.dataset AND theirs.experiment = ?)"
        f" WHERE run {_AMONG}",  # ours
        (target, wanted),
    )
    for table, key, values in (("run", "number", wanted), ("logged_model", "source_run_id", named)):
        connection.execute(
            f"UPDATE {table} SET experiment = ? WHERE {key} {_AMONG}",  # noqa: S608  # names are ours
            (target, values),
        )


def versions_of_run(connection: Connection, run_id: str) -> list[tuple[str, int, tuple[str, ...]]]:
    """Return (model, version, aliases) of every registered version that came out of the run."""
    rows = connection.execute(
        "SELECT model, version FROM model_version WHERE run_id = ?1"
        # A client may register by a path and leave the run out.
        " OR instr(source, ?1) > 0 OR model_id IN (SELECT id FROM logged_model WHERE source_run_id = ?1)"
        " ORDER BY model, version",
        (run_id,),
    ).fetchall()
    return [
        (row["model"], row["version"], _aliases(connection, row["model"], row["version"])) for row in rows
    ]


def _aliases(connection: Connection, model: str, version: int) -> tuple[str, ...]:
    rows = connection.execute(
        "SELECT alias FROM model_alias WHERE model = ? AND version = ? ORDER BY alias", (model, version)
    )
    return tuple(row["alias"] for row in rows)


def deployments_of_version(connection: Connection, model: str, version: int) -> list[str]:
    """Return `NAME in ENVIRONMENT` of every deployment that serves the version now."""
    rows = connection.execute(
        "SELECT environment, deployment FROM deployment_revision AS moved WHERE model = ? AND version = ?"
        " AND revision = (SELECT max(revision) FROM deployment_revision"
        " WHERE environment = moved.environment AND deployment = moved.deployment) ORDER BY deployment, environment",
        (model, version),
    )
    return [f"{row['deployment']} in {row['environment']}" for row in rows]


def environments_of_run(connection: Connection, run_id: str) -> list[str]:
    """Return `NODE in ENVIRONMENT` of every pointer to something that the run made."""
    rows = connection.execute(
        "SELECT p.environment, p.node FROM environment_pointer AS p JOIN action ON action.key = p.action_key"
        " WHERE instr(action.output, ?) > 0 ORDER BY p.environment, p.node",
        (f'"run:{run_id}"',),
    )
    return [f"{row['node']} in {row['environment']}" for row in rows]


def released_nodes_of_run(connection: Connection, run_id: str, keys: Iterable[str]) -> list[str]:
    """Return the nodes that releases name by these keys and that the run made."""
    rows = connection.execute(
        f"SELECT node FROM action WHERE key {_AMONG} AND instr(output, ?) > 0 ORDER BY node",  # noqa: S608  # ours
        (json.dumps(sorted(keys)), f'"run:{run_id}"'),
    )
    return [row["node"] for row in rows]


def trashed_runs(connection: Connection, before: int, after: int, limit: int) -> list[Trashed]:
    """Return runs that went to the trash before a moment, in the order of their numbers, those above `after`."""
    rows = connection.execute(
        f"SELECT number, id, experiment, {RUN_URI} AS artifact_uri, deleted_at FROM run"  # noqa: S608  # ours
        " WHERE stage = 'deleted' AND number > ? AND"
        " (deleted_at < ? OR number IN (SELECT run FROM doomed_run)) ORDER BY number LIMIT ?",
        (after, before, limit),
    )
    return [_trashed(row) for row in rows]


def find_trashed(connection: Connection, run_id: str) -> Trashed | None:
    """Return the run if it is in the trash, else None."""
    return _find(connection, run_id, "deleted")


def find_active(connection: Connection, run_id: str) -> Trashed | None:
    """Return the run unless it is in the trash, else None."""
    return _find(connection, run_id, "active")


def _find(connection: Connection, run_id: str, stage: str) -> Trashed | None:
    row = connection.execute(
        f"SELECT number, id, experiment, {RUN_URI} AS artifact_uri, deleted_at FROM run"  # noqa: S608  # ours
        " WHERE id = ? AND stage = ?",
        (run_id, stage),
    ).fetchone()
    return _trashed(row) if row else None


def _trashed(row: Row) -> Trashed:
    return Trashed(
        row["number"], row["id"], str(row["experiment"]), row["artifact_uri"], row["deleted_at"] or 0
    )


def is_doomed(connection: Connection, run: int) -> bool:
    """Return whether removing the run for good has begun."""
    return connection.execute("SELECT 1 FROM doomed_run WHERE run = ?", (run,)).fetchone() is not None


def doom_run(connection: Connection, run: Trashed) -> None:
    """Begin to remove the run: what is small goes now, and it can never come back."""
    connection.execute(
        "INSERT INTO doomed_run (run, doomed_at) VALUES (?, ?) ON CONFLICT DO NOTHING",
        (run.number, now_ms()),
    )
    for table in _RUN_TABLES:
        connection.execute(f"DELETE FROM {table} WHERE run = ?", (run.number,))  # noqa: S608  # names are ours
    connection.execute("DELETE FROM logged_model_metric WHERE run_id = ?", (run.id,))


def remove_points(connection: Connection, run: int, limit: int) -> int:
    """Remove some of a run's points and return how many batches and chunks that were."""
    loose = connection.execute(
        "DELETE FROM metric_segment WHERE id IN (SELECT id FROM metric_segment WHERE run = ? LIMIT ?)",
        (run, limit),
    )
    merged = connection.execute(
        "DELETE FROM metric_chunk WHERE run = ? AND (key, first_step, first_time) IN"
        " (SELECT key, first_step, first_time FROM metric_chunk WHERE run = ? LIMIT ?)",
        (run, run, limit),
    )
    return max(loose.rowcount, merged.rowcount)


def remove_traces(connection: Connection, experiment: str, limit: int) -> int:
    """Remove some of an experiment's traces and return how many."""
    rows = connection.execute(
        "SELECT number FROM trace WHERE experiment = ? LIMIT ?", (int(experiment), limit)
    ).fetchall()
    return delete_traces(connection, [row["number"] for row in rows])


def remove_some_artifacts(connection: Connection, folder: str, limit: int) -> int:
    """Take some of the files below `folder` out of the manifest and return how many; their objects are collected."""
    done = connection.execute(
        "DELETE FROM artifact WHERE path IN"
        " (SELECT path FROM artifact WHERE path >= ? AND path < ? ORDER BY path LIMIT ?)",
        # "0" follows "/" in every encoding that is compared by its bytes.
        (f"{folder}/", f"{folder}0", limit),
    )
    return done.rowcount


def models_made(connection: Connection, *, run_id: str = "", experiment: str = "") -> list[tuple[int, str]]:
    """Return (short number, place of its files) of the logged models of a run, or of an experiment."""
    key, value = ("source_run_id", run_id) if run_id else ("experiment", int(experiment))
    rows = connection.execute(
        f"SELECT number, {MODEL_URI} AS artifact_uri FROM logged_model WHERE {key} = ? ORDER BY number",  # noqa: S608
        (value,),
    )
    return [(row["number"], row["artifact_uri"]) for row in rows]


def deleted_models(connection: Connection, before: int) -> list[tuple[int, str, str]]:
    """Return (short number, id, place of its files) of models that were deleted by themselves and have no version."""
    rows = connection.execute(
        f"SELECT number, id, {MODEL_URI} AS artifact_uri FROM logged_model"  # noqa: S608  # ours
        " WHERE deleted_at < ? AND id NOT IN (SELECT model_id FROM model_version WHERE model_id IS NOT NULL)"
        " ORDER BY number",
        (before,),
    )
    return [(row["number"], row["id"], row["artifact_uri"]) for row in rows]


def remove_model(connection: Connection, model: int) -> None:
    """Remove the row of a logged model and all that describes it."""
    for table in _MODEL_TABLES:
        connection.execute(f"DELETE FROM {table} WHERE model = ?", (model,))  # noqa: S608  # names are ours
    connection.execute("DELETE FROM logged_model WHERE number = ?", (model,))


def remove_run_row(connection: Connection, run: int) -> None:
    """Remove what is left of a run: the last step."""
    connection.execute("DELETE FROM doomed_run WHERE run = ?", (run,))
    connection.execute("DELETE FROM run WHERE number = ?", (run,))


def trashed_experiments(connection: Connection, before: int) -> list[TrashedExperiment]:
    """Return the experiments that went to the trash before a moment; experiment 0 is never among them."""
    rows = connection.execute(
        "SELECT id, name, artifact_location,"
        " (SELECT count(*) FROM run WHERE run.experiment = experiment.id) AS runs"
        " FROM experiment WHERE stage = 'deleted' AND deleted_at < ? AND id <> 0 ORDER BY id",
        (before,),
    )
    return [TrashedExperiment(str(row["id"]), *tuple(row)[1:]) for row in rows]


def runs_keep_files_below(connection: Connection, location: str) -> bool:
    """Return whether a run or model that was moved elsewhere still has its files below `location`."""
    for table in ("run", "logged_model"):
        row = connection.execute(
            f"SELECT 1 FROM {table} WHERE artifact_root >= ? AND artifact_root < ? LIMIT 1",  # noqa: S608  # ours
            (f"{location}/", f"{location}0"),
        ).fetchone()
        if row:
            return True
    return False


def remove_experiment_row(connection: Connection, experiment: str) -> None:
    """Remove an experiment that has no runs and no models any more."""
    number = int(experiment)
    connection.execute("DELETE FROM dataset WHERE experiment = ?", (number,))
    for table in _EXPERIMENT_TABLES:
        connection.execute(f"DELETE FROM {table} WHERE experiment = ?", (number,))  # noqa: S608  # names are ours
    # An endpoint outlives the place where its use was traced, and makes another when it is changed.
    connection.execute("UPDATE gateway_endpoint SET experiment = NULL WHERE experiment = ?", (number,))
    connection.execute("DELETE FROM experiment WHERE id = ?", (number,))
