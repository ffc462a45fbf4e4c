"""Data sets and logged models that runs read and made."""

from __future__ import annotations

import json
from collections.abc import Sequence

from ropewalk.store.connections import Connection, Cursor
from ropewalk.store.tracking.values import Dataset, ModelUse


def add_datasets(connection: Connection, run: int, experiment: str, datasets: Sequence[Dataset]) -> None:
    """Note that the run of that number read these data sets; the same one again changes only its tags."""
    for dataset in datasets:
        number = _dataset_number(connection, experiment, dataset)
        connection.execute(
            "INSERT INTO run_dataset (run, dataset, tags) VALUES (?, ?, ?)"
            # Clients log an input again to give it a context; its description belongs to all its runs and
            # stays.
            " ON CONFLICT (run, dataset) DO UPDATE SET tags = excluded.tags",
            (run, number, json.dumps(dict(dataset.tags))),
        )


def _dataset_number(connection: Connection, experiment: str, dataset: Dataset) -> int:
    # Two runs that read the same data share one row; the first description of it stands.
    named = (int(experiment), dataset.name, dataset.digest)
    connection.execute(
        "INSERT INTO dataset (experiment, name, digest, source_type, source, schema, profile)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (*named, dataset.source_type, dataset.source, dataset.schema, dataset.profile),
    )
    row = connection.execute(
        "SELECT id FROM dataset WHERE experiment = ? AND name = ? AND digest = ?", named
    ).fetchone()
    return int(row["id"])


def add_models(connection: Connection, run: int, models: Sequence[ModelUse]) -> None:
    """Note that the run of that number read or made these logged models."""
    connection.executemany(
        # A model may be both read and made by a run, so the role is part of the key.
        "INSERT INTO run_model (run, role, model_id, step) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (run, role, model_id) DO UPDATE SET step = excluded.step",
        [(run, model.role, model.model_id, model.step) for model in models],
    )


def select_datasets(connection: Connection, runs: str) -> Cursor:
    """Ask for the data sets of each run whose number is in the JSON list `runs`; `datasets_of` reads the answer."""
    return connection.execute(
        "SELECT * FROM run_dataset JOIN dataset ON dataset.id = run_dataset.dataset"
        " WHERE run IN (SELECT value FROM json_each(?)) ORDER BY dataset.id",
        (runs,),
    )


def datasets_of(rows: Cursor) -> dict[int, tuple[Dataset, ...]]:
    """Return the data sets of each run, as `select_datasets` asked for them."""
    found: dict[int, tuple[Dataset, ...]] = {}
    for row in rows:
        dataset = Dataset(
            name=row["name"],
            digest=row["digest"],
            source_type=row["source_type"],
            source=row["source"],
            schema=row["schema"],
            profile=row["profile"],
            tags=json.loads(row["tags"]),
        )
        # Tuples, because a Run is a value that cannot change once it is read.
        found[row["run"]] = (*found.get(row["run"], ()), dataset)
    return found


def select_models(connection: Connection, runs: str) -> Cursor:
    """Ask for the logged models of each run whose number is in the JSON list `runs`; `models_of` reads the answer."""
    return connection.execute(
        "SELECT * FROM run_model WHERE run IN (SELECT value FROM json_each(?)) ORDER BY step, model_id",
        (runs,),
    )


def models_of(rows: Cursor) -> dict[int, tuple[ModelUse, ...]]:
    """Return the logged models of each run, as `select_models` asked for them."""
    found: dict[int, tuple[ModelUse, ...]] = {}
    for row in rows:
        use = ModelUse(row["role"], row["model_id"], row["step"])
        found[row["run"]] = (*found.get(row["run"], ()), use)
    return found


def search_datasets(
    connection: Connection, experiments: Sequence[str], limit: int
) -> list[tuple[str, Dataset]]:
    """Return (experiment id, data set) of what active runs of `experiments` read, each use once."""
    rows = connection.execute(
        # A data set that many runs read in one context is one entry of the list that clients show.
        "SELECT DISTINCT dataset.experiment, dataset.name, digest, run_dataset.tags FROM run_dataset"
        " JOIN dataset ON dataset.id = run_dataset.dataset JOIN run ON run.number = run_dataset.run"
        " WHERE run.stage = 'active'"
        # Compared as text: a client's id that is no number finds nothing instead of being read as 0.
        " AND CAST(dataset.experiment AS TEXT) IN (SELECT value FROM json_each(?))"
        " ORDER BY dataset.name, digest LIMIT ?",
        (json.dumps(list(experiments)), limit),
    )
    return [
        (str(row["experiment"]), Dataset(row["name"], row["digest"], "", "", tags=json.loads(row["tags"])))
        for row in rows
    ]
