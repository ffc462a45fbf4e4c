"""Evaluation sets in the metadata database: their heads, tags, experiments and records."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ropewalk.store.connections import Connection, Row
from ropewalk.store.search import Condition, Ordering, Page, Satellite, Searched, search

EVALUATION_SETS = Searched(
    table="evaluation_set",
    identity=("id",),
    attributes={
        "name": "evaluation_set.name",
        "created_time": "evaluation_set.created_at",
        "last_update_time": "evaluation_set.updated_at",
        "created_by": "evaluation_set.created_by",
        "last_updated_by": "evaluation_set.updated_by",
    },
    satellites={
        "tag": Satellite("evaluation_set_tag", ("evaluation_set",)),
        "experiment": Satellite(
            "evaluation_set_experiment",
            ("evaluation_set",),
            key="",
            columns={"id": "CAST(experiment AS TEXT)"},
        ),
    },
    ties="evaluation_set.created_at DESC, evaluation_set.id",
)


@dataclass(frozen=True)
class EvaluationSet:
    """Inputs with what is expected of them; `schema` and `profile` are JSON, None before the first record."""

    id: str
    name: str
    digest: str
    schema: str | None
    profile: str | None
    created_at: int
    updated_at: int
    created_by: str | None
    updated_by: str | None
    tags: Mapping[str, str] = field(default_factory=dict)
    experiment_ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class EvaluationRecord:
    """One case of an evaluation set; what it holds is JSON, None where nothing was given."""

    id: str
    evaluation_set: str
    inputs_digest: str
    inputs: str
    outputs: str | None
    expectations: str | None
    tags: str | None
    source: str | None
    created_at: int
    updated_at: int
    created_by: str | None
    updated_by: str | None
    number: int = 0


def insert_evaluation_set(connection: Connection, new: EvaluationSet) -> None:
    """Add an evaluation set with its tags and experiments."""
    connection.execute(
        "INSERT INTO evaluation_set (id, name, digest, created_at, updated_at, created_by, updated_by)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (new.id, new.name, new.digest, new.created_at, new.updated_at, new.created_by, new.updated_by),
    )
    set_evaluation_tags(connection, new.id, new.tags)
    link_experiments(connection, new.id, new.experiment_ids)


def search_evaluation_sets(
    connection: Connection,
    conditions: Sequence[Condition],
    orderings: Sequence[Ordering],
    page: Page,
) -> list[EvaluationSet]:
    """Return one page of the evaluation sets that meet all conditions, newest first unless ordered."""
    rows = search(connection, EVALUATION_SETS, conditions, orderings, page)
    return read_evaluation_sets(connection, [row["id"] for row in rows])


def read_evaluation_sets(connection: Connection, identifiers: Sequence[str]) -> list[EvaluationSet]:
    """Return the evaluation sets of these ids, in this order; unknown ids are left out."""
    wanted = json.dumps(list(identifiers))
    tags: dict[str, dict[str, str]] = {}
    for row in connection.execute(
        "SELECT * FROM evaluation_set_tag WHERE evaluation_set IN (SELECT value FROM json_each(?))"
        " ORDER BY evaluation_set, key",
        (wanted,),
    ):
        tags.setdefault(row["evaluation_set"], {})[row["key"]] = row["value"]
    experiments: dict[str, list[str]] = {}
    for row in connection.execute(
        "SELECT * FROM evaluation_set_experiment WHERE evaluation_set IN (SELECT value FROM json_each(?))"
        " ORDER BY evaluation_set, place",
        (wanted,),
    ):
        experiments.setdefault(row["evaluation_set"], []).append(str(row["experiment"]))
    rows = connection.execute(
        "SELECT * FROM evaluation_set WHERE id IN (SELECT value FROM json_each(?))", (wanted,)
    )
    found = {row["id"]: _evaluation_set(row, tags, experiments) for row in rows}
    return [found[identifier] for identifier in identifiers if identifier in found]


def _evaluation_set(
    row: Row, tags: Mapping[str, Mapping[str, str]], experiments: Mapping[str, Sequence[str]]
) -> EvaluationSet:
    values = {name: row[name] for name in row.keys()}  # noqa: SIM118  # a row yields its values
    return EvaluationSet(
        **values, tags=tags.get(row["id"], {}), experiment_ids=tuple(experiments.get(row["id"], ()))
    )


def change_evaluation_set(connection: Connection, changed: EvaluationSet) -> None:
    """Write digest, schema, profile and the last change of an evaluation set."""
    connection.execute(
        "UPDATE evaluation_set SET digest = ?, schema = ?, profile = ?, updated_at = ?, updated_by = ? WHERE id = ?",
        (
            changed.digest,
            changed.schema,
            changed.profile,
            changed.updated_at,
            changed.updated_by,
            changed.id,
        ),
    )


def delete_evaluation_set(connection: Connection, identifier: str) -> None:
    """Remove an evaluation set with its records."""
    connection.execute("DELETE FROM evaluation_set WHERE id = ?", (identifier,))


def set_evaluation_tags(connection: Connection, identifier: str, tags: Mapping[str, str]) -> None:
    """Set tags of an evaluation set."""
    connection.executemany(
        "INSERT INTO evaluation_set_tag (evaluation_set, key, value) VALUES (?, ?, ?)"
        " ON CONFLICT (evaluation_set, key) DO UPDATE SET value = excluded.value",
        [(identifier, key, value) for key, value in tags.items()],
    )


def delete_evaluation_tag(connection: Connection, identifier: str, key: str) -> None:
    """Remove a tag of an evaluation set, if it has it."""
    connection.execute(
        "DELETE FROM evaluation_set_tag WHERE evaluation_set = ? AND key = ?", (identifier, key)
    )


def link_experiments(connection: Connection, identifier: str, experiments: Iterable[str]) -> None:
    """Let an evaluation set belong to these experiments too."""
    # With a place each: clients are shown experiments in the order in which they were linked.
    row = connection.execute(
        "SELECT coalesce(max(place), 0) AS place FROM evaluation_set_experiment WHERE evaluation_set = ?",
        (identifier,),
    ).fetchone()
    connection.executemany(
        "INSERT INTO evaluation_set_experiment (evaluation_set, experiment, place) VALUES (?, ?, ?)"
        " ON CONFLICT (evaluation_set, experiment) DO NOTHING",
        [(identifier, int(one), place) for place, one in enumerate(experiments, row["place"] + 1)],
    )


def unlink_experiments(connection: Connection, identifier: str, experiments: Iterable[str]) -> None:
    """Take an evaluation set out of these experiments, where it is in them."""
    connection.executemany(
        "DELETE FROM evaluation_set_experiment WHERE evaluation_set = ? AND experiment = ?",
        [(identifier, int(one)) for one in experiments],
    )


def find_records(
    connection: Connection, identifier: str, inputs_digests: Iterable[str]
) -> dict[str, EvaluationRecord]:
    """Return the records of an evaluation set with these digests of their inputs, by the digest."""
    rows = connection.execute(
        "SELECT * FROM evaluation_record WHERE evaluation_set = ?"
        " AND inputs_digest IN (SELECT value FROM json_each(?))",
        (identifier, json.dumps(list(inputs_digests))),
    )
    return {row["inputs_digest"]: _record(row) for row in rows}


def list_records(connection: Connection, identifier: str, page: Page) -> list[EvaluationRecord]:
    """Return one page of an evaluation set's records, in the order in which they came."""
    rows = connection.execute(
        "SELECT * FROM evaluation_record WHERE evaluation_set = ? ORDER BY number LIMIT ? OFFSET ?",
        (identifier, page.limit, page.offset),
    )
    return [_record(row) for row in rows]


def _record(row: Row) -> EvaluationRecord:
    return EvaluationRecord(**{name: row[name] for name in row.keys()})  # noqa: SIM118  # a row yields its values


def put_records(connection: Connection, records: Iterable[EvaluationRecord]) -> None:
    """Add records, or replace those with the same inputs in the same evaluation set."""
    # Id, birth and place stay those of the first: whoever noted the id finds the record again.
    connection.executemany(
        "INSERT INTO evaluation_record (id, evaluation_set, inputs_digest, inputs, outputs, expectations, tags, source,"
        " created_at, updated_at, created_by, updated_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (evaluation_set, inputs_digest) DO UPDATE SET outputs = excluded.outputs,"
        " expectations = excluded.expectations, tags = excluded.tags, source = excluded.source,"
        " updated_at = excluded.updated_at, updated_by = excluded.updated_by",
        [
            (
                record.id,
                record.evaluation_set,
                record.inputs_digest,
                record.inputs,
                record.outputs,
                record.expectations,
                record.tags,
                record.source,
                record.created_at,
                record.updated_at,
                record.created_by,
                record.updated_by,
            )
            for record in records
        ],
    )


def delete_records(connection: Connection, identifier: str, records: Sequence[str]) -> int:
    """Remove these records of an evaluation set and return how many there were."""
    done = connection.execute(
        "DELETE FROM evaluation_record WHERE evaluation_set = ? AND id IN (SELECT value FROM json_each(?))",
        (identifier, json.dumps(list(records))),
    )
    return done.rowcount


def count_records(connection: Connection, identifier: str) -> int:
    """Return how many records an evaluation set has."""
    row = connection.execute(
        "SELECT count(*) AS n FROM evaluation_record WHERE evaluation_set = ?", (identifier,)
    ).fetchone()
    return int(row["n"])
