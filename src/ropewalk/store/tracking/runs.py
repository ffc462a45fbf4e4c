"""Runs in the metadata database, with their parameters, tags and inputs."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ropewalk.store.connections import Connection, Cursor, Row
from ropewalk.store.database import now_ms
from ropewalk.store.search import Condition, Ordering, Page, Satellite, Searched, search
from ropewalk.store.tracking.inputs import datasets_of, models_of, select_datasets, select_models
from ropewalk.store.tracking.values import Metric, Run, RunStatus, Stage

# Put together at reading: the place follows from two ids, and a copy of it could only go wrong. Only a run that was
# moved to another experiment names its place, because clients and registered models know it by then.
ARTIFACT_URI = (
    "coalesce(run.artifact_root,"
    " (SELECT artifact_location FROM experiment WHERE experiment.id = run.experiment)"
    " || '/' || run.id || '/artifacts')"
)
RUNS = Searched(
    table="run",
    identity=("number",),
    attributes={
        "run_id": "run.id",
        "experiment_id": "run.experiment",
        "run_name": "run.name",
        "user_id": "run.user_id",
        "status": "run.status",
        "start_time": "run.started_at",
        "end_time": "run.ended_at",
        "artifact_uri": ARTIFACT_URI,
        "stage": "run.stage",
    },
    satellites={
        # By the key's number, so that filters and orderings are ranges of the index (key, value, run).
        "metric": Satellite("latest_metric", ("run",), "key = (SELECT id FROM metric_key WHERE name = ?)"),
        "parameter": Satellite("run_param", ("run",)),
        "tag": Satellite("run_tag", ("run",)),
        "dataset": Satellite(
            "(run_dataset JOIN dataset ON dataset.id = run_dataset.dataset)",
            ("run",),
            key="",
            columns={
                "name": "dataset.name",
                "digest": "dataset.digest",
                "context": "run_dataset.tags ->> '$.\"mlflow.data.context\"'",
            },
        ),
    },
    # MLflow's own order, and the index `run_by_start`'s: the newest page is read without sorting.
    ties="run.started_at DESC, run.id",
    numbers=frozenset({"experiment_id"}),
)


@dataclass(frozen=True)
class NewRun:
    """What a run begins with."""

    id: str
    experiment_id: str
    name: str
    user_id: str
    started_at: int


def insert_run(connection: Connection, new: NewRun) -> int:
    """Add a running run and return its short number."""
    cursor = connection.execute(
        "INSERT INTO run (id, experiment, name, user_id, status, stage, started_at)"
        " VALUES (?, ?, ?, ?, 'RUNNING', 'active', ?) RETURNING number",
        (new.id, int(new.experiment_id), new.name, new.user_id, new.started_at),
    )
    return int(cursor.fetchone()["number"])


def find_run(connection: Connection, identifier: str) -> Run | None:
    """Return the run of that id with all it logged, deleted ones too, or None."""
    # Satellite tables name a run by its short number: 32 characters in each row and index would be most of
    # the file.
    row = connection.execute("SELECT number FROM run WHERE id = ?", (identifier,)).fetchone()
    return read_runs(connection, [row["number"]])[0] if row else None


def find_run_row(connection: Connection, identifier: str) -> Run | None:
    """Return the run of that id without anything it logged, or None; what a write needs to know."""
    row = connection.execute(
        f"SELECT *, {ARTIFACT_URI} AS artifact_uri FROM run WHERE id = ?",  # noqa: S608  # the expression is ours
        (identifier,),
    ).fetchone()
    return _run(row) if row else None


def ids_that_begin(connection: Connection, beginning: str, limit: int = 5) -> list[str]:
    """Return the ids of runs that begin so, a few of them."""
    rows = connection.execute(
        # A range of the index; "~" is above every sign of an id.
        "SELECT id FROM run WHERE id >= ? AND id < ? ORDER BY id LIMIT ?",
        (beginning, f"{beginning}~", limit),
    )
    return [row["id"] for row in rows]


def search_runs(
    connection: Connection,
    conditions: Sequence[Condition],
    orderings: Sequence[Ordering],
    page: Page,
) -> list[Run]:
    """Return one page of the runs that meet all conditions, newest first unless ordered."""
    rows = search(connection, RUNS, conditions, orderings, page)
    return read_runs(connection, [row["number"] for row in rows])


def read_runs(connection: Connection, numbers: Sequence[int]) -> list[Run]:
    """Return the runs of these numbers, in this order, each with all it logged."""
    # A fixed number of statements for any number of runs.
    wanted = json.dumps(numbers)
    rows = connection.execute(
        f"SELECT *, {ARTIFACT_URI} AS artifact_uri FROM run"  # noqa: S608  # the expression is ours
        " WHERE number IN (SELECT value FROM json_each(?))",
        (wanted,),
    )
    # All are asked before the first is read: a server is then asked once.
    texts = [_select_texts(connection, table, wanted) for table in ("run_param", "run_tag")]
    points = _select_latest(connection, wanted)
    uses = select_datasets(connection, wanted), select_models(connection, wanted)
    params, tags = map(_texts, texts)
    metrics, datasets, models = _latest(points), datasets_of(uses[0]), models_of(uses[1])
    found = {}
    for row in rows:
        number = row["number"]
        found[number] = _run(
            row,
            metrics=metrics.get(number, {}),
            params=params.get(number, {}),
            tags=tags.get(number, {}),
            datasets=datasets.get(number, ()),
            models=models.get(number, ()),
        )
    return [found[number] for number in numbers]


@dataclass(frozen=True)
class RunChange:
    """What of a run's own row changes; None leaves a field as it is."""

    status: RunStatus | None = None
    ended_at: int | None = None
    name: str | None = None


def change_run(connection: Connection, run: int, change: RunChange) -> None:
    """Change the row of the run of that number; a run that runs again has no end."""
    connection.execute(
        "UPDATE run SET status = coalesce(?1, status), name = coalesce(?3, name),"
        # A resumed run must not show the end of its first part.
        " ended_at = CASE WHEN ?1 IN ('RUNNING', 'SCHEDULED') THEN NULL ELSE coalesce(?2, ended_at) END"
        " WHERE number = ?4",
        (change.status, change.ended_at, change.name, run),
    )


def set_run_stage(connection: Connection, run: int, stage: Stage) -> None:
    """Delete or restore the run of that number; deleted once more, it stays in the trash since it came there."""
    connection.execute(
        "UPDATE run SET stage = ?1, deleted_at = CASE WHEN ?1 = 'deleted' THEN coalesce(deleted_at, ?2) END"
        " WHERE number = ?3",
        (stage, now_ms(), run),
    )


def add_params(connection: Connection, run: int, params: Mapping[str, str]) -> dict[str, str]:
    """Add parameters and return those that were there before with another value: they keep theirs."""
    if not params:
        return {}
    connection.executemany(
        "INSERT INTO run_param (run, key, value) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        [(run, key, value) for key, value in params.items()],
    )
    # Read back what stands there now: that is what decides, whoever wrote it.
    rows = connection.execute(
        "SELECT key, value FROM run_param WHERE run = ? AND key IN (SELECT value FROM json_each(?))",
        (run, json.dumps(list(params))),
    )
    return {row["key"]: row["value"] for row in rows if params[row["key"]] != row["value"]}


def set_run_tags(connection: Connection, run: int, tags: Mapping[str, str]) -> None:
    """Set tags of the run of that number."""
    connection.executemany(
        "INSERT INTO run_tag (run, key, value) VALUES (?, ?, ?)"
        " ON CONFLICT (run, key) DO UPDATE SET value = excluded.value",
        [(run, key, value) for key, value in tags.items()],
    )


def delete_run_tag(connection: Connection, run: int, key: str) -> bool:
    """Remove one tag of the run of that number and return whether it was there."""
    return connection.execute("DELETE FROM run_tag WHERE run = ? AND key = ?", (run, key)).rowcount > 0


def _select_texts(connection: Connection, table: str, wanted: str) -> Cursor:
    # One row for each run and not for each of its entries, which are quicker read all at once.
    return connection.execute(
        f"SELECT run, json_group_object(key, value) AS texts FROM {table}"  # noqa: S608  # names are ours
        " WHERE run IN (SELECT value FROM json_each(?)) GROUP BY run",
        (wanted,),
    )


def _texts(rows: Cursor) -> dict[int, dict[str, str]]:
    return {run: json.loads(texts) for run, texts in rows}


def _select_latest(connection: Connection, wanted: str) -> Cursor:
    return connection.execute(
        "SELECT run, name, value, step, recorded_at FROM latest_metric"
        " JOIN metric_key ON metric_key.id = latest_metric.key"
        " WHERE run IN (SELECT value FROM json_each(?)) ORDER BY name",
        (wanted,),
    )


def _latest(rows: Cursor) -> dict[int, dict[str, Metric]]:
    found: dict[int, dict[str, Metric]] = {}
    for run, name, value, step, recorded_at in rows:
        metric = Metric(name, math.nan if value is None else value, step, recorded_at)
        found.setdefault(run, {})[name] = metric
    return found


def _run(row: Row, **logged: object) -> Run:
    return Run(
        number=row["number"],
        id=row["id"],
        experiment_id=str(row["experiment"]),
        name=row["name"],
        user_id=row["user_id"],
        status=row["status"],
        stage=row["stage"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        artifact_uri=row["artifact_uri"],
        **logged,  # type: ignore[arg-type]  # the callers above pass the fields of Run
    )
