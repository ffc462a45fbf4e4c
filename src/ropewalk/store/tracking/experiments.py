"""Experiments in the metadata database."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from ropewalk.store.connections import Connection, Row
from ropewalk.store.database import now_ms
from ropewalk.store.search import Condition, Ordering, Page, Satellite, Searched, search
from ropewalk.store.tracking.values import Experiment, Stage

EXPERIMENTS = Searched(
    table="experiment",
    identity=("id",),
    attributes={
        "experiment_id": "experiment.id",
        "name": "experiment.name",
        "creation_time": "experiment.created_at",
        "last_update_time": "experiment.updated_at",
        "stage": "experiment.stage",
    },
    satellites={"tag": Satellite("experiment_tag", ("experiment",))},
    ties="experiment.created_at DESC, experiment.id",
)


def create_experiment(
    connection: Connection, name: str, artifact_location: str | None, tags: Mapping[str, str]
) -> str:
    """Add an experiment and return its id; without a location its artifacts lie under that id.

    Raises:
        RowRefused: the name is taken, also by a deleted experiment.
    """
    now = now_ms()
    cursor = connection.execute(
        # AUTOINCREMENT gives no id twice, so that artifacts of a removed experiment never appear in a new
        # one.
        "INSERT INTO experiment (name, artifact_location, stage, created_at, updated_at)"
        " VALUES (?, ?, 'active', ?, ?) RETURNING id",
        (name, artifact_location or "", now, now),
    )
    identifier = str(cursor.fetchone()["id"])
    # The default location holds the id, which is known only now.
    if not artifact_location:
        connection.execute(
            "UPDATE experiment SET artifact_location = ? WHERE id = ?",
            (f"mlflow-artifacts:/{identifier}", identifier),
        )
    for key, value in tags.items():
        set_experiment_tag(connection, identifier, key, value)
    return identifier


def find_experiment(connection: Connection, identifier: str) -> Experiment | None:
    """Return the experiment of that id, deleted ones too, or None."""
    return next(iter(read_experiments(connection, [identifier])), None)


def find_experiment_by_name(connection: Connection, name: str) -> Experiment | None:
    """Return the experiment of that name, deleted ones too, or None."""
    row = connection.execute("SELECT id FROM experiment WHERE name = ?", (name,)).fetchone()
    return find_experiment(connection, str(row["id"])) if row else None


def search_experiments(
    connection: Connection,
    conditions: Sequence[Condition],
    orderings: Sequence[Ordering],
    page: Page,
) -> list[Experiment]:
    """Return one page of the experiments that meet all conditions, newest change first unless ordered."""
    rows = search(connection, EXPERIMENTS, conditions, orderings, page)
    return read_experiments(connection, [str(row["id"]) for row in rows])


def read_experiments(connection: Connection, identifiers: Sequence[str]) -> list[Experiment]:
    """Return the experiments of these ids, in this order; unknown ids are left out."""
    # What is no id finds nothing, like an id that was never given.
    wanted = json.dumps([int(text) for text in identifiers if is_experiment_id(text)])
    rows = connection.execute(
        "SELECT * FROM experiment WHERE id IN (SELECT value FROM json_each(?))", (wanted,)
    )
    tags: dict[int, dict[str, str]] = {}
    for tag in connection.execute(
        "SELECT * FROM experiment_tag WHERE experiment IN (SELECT value FROM json_each(?))", (wanted,)
    ):
        tags.setdefault(tag["experiment"], {})[tag["key"]] = tag["value"]
    found = {str(row["id"]): _experiment(row, tags.get(row["id"], {})) for row in rows}
    return [found[identifier] for identifier in identifiers if identifier in found]


def is_experiment_id(text: str) -> bool:
    """Return whether `text` can be an experiment's id: a whole number in its plain form."""
    # 18 digits always fit SQLite's integers.
    return len(text) <= 18 and text.isdecimal() and str(int(text)) == text


def rename_experiment(connection: Connection, identifier: str, name: str) -> None:
    """Give the experiment another name.

    Raises:
        RowRefused: the name is taken.
    """
    connection.execute(
        "UPDATE experiment SET name = ?, updated_at = ? WHERE id = ?", (name, now_ms(), identifier)
    )


def set_experiment_stage(connection: Connection, identifier: str, stage: Stage) -> None:
    """Delete or restore the experiment and all its runs."""
    # As MLflow does it: a run that was deleted by hand comes back with its experiment too.
    now = now_ms()
    since = now if stage == "deleted" else None
    connection.execute(
        "UPDATE experiment SET stage = ?, updated_at = ?, deleted_at = ? WHERE id = ?",
        (stage, now, since, identifier),
    )
    # In the same transaction, so that no search finds active runs of a deleted experiment. What is being removed for
    # good does not come back.
    connection.execute(
        "UPDATE run SET stage = ?1, deleted_at = ?2"
        " WHERE experiment = ?3 AND number NOT IN (SELECT run FROM doomed_run)",
        (stage, since, identifier),
    )


def set_experiment_tag(connection: Connection, identifier: str, key: str, value: str) -> None:
    """Set one tag of the experiment."""
    connection.execute(
        "INSERT INTO experiment_tag (experiment, key, value) VALUES (?, ?, ?)"
        " ON CONFLICT (experiment, key) DO UPDATE SET value = excluded.value",
        (identifier, key, value),
    )


def delete_experiment_tag(connection: Connection, identifier: str, key: str) -> bool:
    """Remove one tag of the experiment and return whether it was there."""
    done = connection.execute(
        "DELETE FROM experiment_tag WHERE experiment = ? AND key = ?", (identifier, key)
    )
    return done.rowcount > 0


def _experiment(row: Row, tags: Mapping[str, str]) -> Experiment:
    return Experiment(
        id=str(row["id"]),
        name=row["name"],
        artifact_location=row["artifact_location"],
        stage=row["stage"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        tags=tags,
    )
