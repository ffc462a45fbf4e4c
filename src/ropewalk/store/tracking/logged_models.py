"""Logged models in the metadata database."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ropewalk.store.connections import Connection
from ropewalk.store.database import now_ms
from ropewalk.store.search import Condition, Ordering, Page, Satellite, Searched, search
from ropewalk.store.tracking.values import LoggedModel, Metric, ModelMetric

# Put together at reading: the place follows from two ids, and a copy of it could only go wrong. Only a model that was
# moved with its run names its place.
ARTIFACT_URI = (
    "coalesce(logged_model.artifact_root,"
    " (SELECT artifact_location FROM experiment WHERE experiment.id = logged_model.experiment)"
    " || '/models/' || logged_model.id || '/artifacts')"
)
# Of a key that several runs or data sets have, the point that was recorded last.
_NEWEST_METRICS = (
    "(SELECT model, key, value, dataset_name, dataset_digest FROM"
    " (SELECT model, key, value, dataset_name, dataset_digest, row_number() OVER"
    " (PARTITION BY model, key ORDER BY recorded_at DESC, run_id, dataset_name, dataset_digest) AS place"
    " FROM logged_model_metric{where}) AS ranked WHERE place = 1)"
)


@dataclass(frozen=True)
class NewLoggedModel:
    """What a logged model begins with."""

    id: str
    experiment_id: str
    name: str
    model_type: str | None
    source_run_id: str | None


def searched_models(datasets: Sequence[tuple[str, str | None]] = ()) -> Searched:
    """Return how logged models are searched; `datasets` (name, digest or None) narrow the metrics seen."""
    # Names of data sets are people's text, so they are bound and only the number of them shapes the
    # statement.
    narrowed, bound = list[str](), list[str]()
    for name, digest in datasets:
        narrowed.append("(dataset_name = ? AND dataset_digest = ?)" if digest else "dataset_name = ?")
        bound += [name, digest] if digest else [name]
    newest = _NEWEST_METRICS.format(where=f" WHERE {' OR '.join(narrowed)}" if narrowed else "")
    return Searched(
        table="logged_model",
        identity=("number",),
        attributes={
            "experiment_id": "logged_model.experiment",
            "model_id": "logged_model.id",
            "name": "logged_model.name",
            "model_type": "logged_model.model_type",
            "source_run_id": "logged_model.source_run_id",
            "status": "logged_model.status",
            "creation_timestamp": "logged_model.created_at",
            "last_updated_timestamp": "logged_model.updated_at",
            "deleted": "logged_model.deleted_at",
        },
        satellites={
            "metric": Satellite(newest, ("model",), bound=tuple(bound)),
            # Whether there is any of them.
            "measured": Satellite(newest, ("model",), key="", bound=tuple(bound)),
            "parameter": Satellite("logged_model_param", ("model",)),
            "tag": Satellite("logged_model_tag", ("model",)),
        },
        ties="logged_model.created_at DESC, logged_model.id",
        numbers=frozenset({"experiment_id"}),
    )


def insert_logged_model(connection: Connection, new: NewLoggedModel) -> int:
    """Add a logged model that is not ready yet and return its short number."""
    now = now_ms()
    cursor = connection.execute(
        # Pending until the client says that all files are there: a crash in between leaves no model that
        # looks whole.
        "INSERT INTO logged_model"
        " (id, experiment, name, model_type, source_run_id, status, created_at, updated_at)"
        " VALUES (?, ?, ?, ?, ?, 'LOGGED_MODEL_PENDING', ?, ?)"
        " RETURNING number",
        (new.id, int(new.experiment_id), new.name, new.model_type, new.source_run_id, now, now),
    )
    return int(cursor.fetchone()["number"])


def find_logged_model(connection: Connection, identifier: str) -> LoggedModel | None:
    """Return the logged model of that id, or None when there is none or it was deleted."""
    # A deleted model keeps its row: versions that were made of it still name it.
    row = connection.execute(
        "SELECT number FROM logged_model WHERE id = ? AND deleted_at IS NULL", (identifier,)
    ).fetchone()
    return read_logged_models(connection, [row["number"]])[0] if row else None


def search_logged_models(
    connection: Connection,
    searched: Searched,
    conditions: Sequence[Condition],
    orderings: Sequence[Ordering],
    page: Page,
) -> list[LoggedModel]:
    """Return one page of the logged models that meet all conditions, newest first unless ordered."""
    # First and not left to callers, so that no search can forget it.
    kept = Condition("attribute", "deleted", "IS NULL")
    rows = search(connection, searched, [kept, *conditions], orderings, page)
    return read_logged_models(connection, [row["number"] for row in rows])


def read_logged_models(connection: Connection, numbers: Sequence[int]) -> list[LoggedModel]:
    """Return the logged models of these numbers, in this order."""
    wanted = json.dumps(numbers)
    params = _texts(connection, "logged_model_param", wanted)
    tags = _texts(connection, "logged_model_tag", wanted)
    metrics = _metrics(connection, wanted)
    rows = connection.execute(
        f"SELECT *, {ARTIFACT_URI} AS artifact_uri FROM logged_model"  # noqa: S608  # the expression is ours
        " WHERE number IN (SELECT value FROM json_each(?))",
        (wanted,),
    )
    found = {
        row["number"]: LoggedModel(
            number=row["number"],
            id=row["id"],
            experiment_id=str(row["experiment"]),
            name=row["name"],
            model_type=row["model_type"],
            source_run_id=row["source_run_id"],
            status=row["status"],
            created_at=row["created_at"],
            updated_at=row["updated_at"],
            artifact_uri=row["artifact_uri"],
            params=params.get(row["number"], {}),
            tags=tags.get(row["number"], {}),
            metrics=tuple(metrics.get(row["number"], ())),
        )
        for row in rows
    }
    return [found[number] for number in numbers]


def set_logged_model_status(connection: Connection, model: int, status: str) -> None:
    """Say how far the logged model of that number is."""
    connection.execute(
        "UPDATE logged_model SET status = ?, updated_at = ? WHERE number = ?", (status, now_ms(), model)
    )


def delete_logged_model(connection: Connection, model: int) -> None:
    """Hide the logged model of that number; its artifacts stay."""
    connection.execute("UPDATE logged_model SET deleted_at = ? WHERE number = ?", (now_ms(), model))


def set_logged_model_tags(connection: Connection, model: int, tags: Mapping[str, str]) -> None:
    """Set tags of the logged model of that number."""
    connection.executemany(
        "INSERT INTO logged_model_tag (model, key, value) VALUES (?, ?, ?)"
        " ON CONFLICT (model, key) DO UPDATE SET value = excluded.value",
        [(model, key, value) for key, value in tags.items()],
    )


def delete_logged_model_tag(connection: Connection, model: int, key: str) -> bool:
    """Remove one tag of the logged model of that number and return whether it was there."""
    done = connection.execute("DELETE FROM logged_model_tag WHERE model = ? AND key = ?", (model, key))
    return done.rowcount > 0


def set_logged_model_params(connection: Connection, model: int, params: Mapping[str, str]) -> None:
    """Set parameters of the logged model of that number."""
    connection.executemany(
        # Unlike a run's, a model's parameters may change, because MLflow lets clients complete them later.
        "INSERT INTO logged_model_param (model, key, value) VALUES (?, ?, ?)"
        " ON CONFLICT (model, key) DO UPDATE SET value = excluded.value",
        [(model, key, value) for key, value in params.items()],
    )


def add_logged_model_metrics(connection: Connection, model: int, metrics: Sequence[ModelMetric]) -> None:
    """Keep these points of the logged model of that number where they are the newest of their key."""
    # Only the newest: a model's series is its runs' series, which the segments hold.
    connection.executemany(
        "INSERT INTO logged_model_metric"
        " (model, key, run_id, dataset_name, dataset_digest, value, step, recorded_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (model, key, run_id, dataset_name, dataset_digest) DO UPDATE"
        " SET value = excluded.value, step = excluded.step, recorded_at = excluded.recorded_at"
        " WHERE (excluded.step, excluded.recorded_at) >= (logged_model_metric.step, logged_model_metric.recorded_at)",
        [
            (
                model,
                m.metric.key,
                m.run_id,
                m.dataset_name,
                m.dataset_digest,
                _number(m),
                m.metric.step,
                m.metric.recorded_at,
            )
            for m in metrics
        ],
    )


def _number(point: ModelMetric) -> float | None:
    # SQLite has no NaN: it stores NULL for it in any case, and here that is said.
    return None if math.isnan(point.metric.value) else point.metric.value


def _texts(connection: Connection, table: str, wanted: str) -> dict[int, dict[str, str]]:
    found: dict[int, dict[str, str]] = {}
    for row in connection.execute(
        f"SELECT model, key, value FROM {table} WHERE model IN (SELECT value FROM json_each(?))",  # noqa: S608  # names are ours
        (wanted,),
    ):
        found.setdefault(row["model"], {})[row["key"]] = row["value"]
    return found


def _metrics(connection: Connection, wanted: str) -> dict[int, list[ModelMetric]]:
    found: dict[int, list[ModelMetric]] = {}
    for row in connection.execute(
        "SELECT * FROM logged_model_metric WHERE model IN (SELECT value FROM json_each(?)) ORDER BY model, key",
        (wanted,),
    ):
        value = math.nan if row["value"] is None else row["value"]
        metric = Metric(row["key"], value, row["step"], row["recorded_at"])
        found.setdefault(row["model"], []).append(
            ModelMetric(metric, row["run_id"], row["dataset_name"], row["dataset_digest"])
        )
    return found
