"""Scorers in the metadata database: texts with versions, and which share of traces each should look at."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from ropewalk.store.connections import Connection, Row
from ropewalk.store.database import now_ms

_VERSIONS = (
    "SELECT scorer.id AS id, scorer.experiment AS experiment, scorer.name AS name, scorer_version.version AS version,"
    " scorer_version.serialized AS serialized, scorer_version.created_at AS created_at"
    " FROM scorer JOIN scorer_version ON scorer_version.scorer = scorer.id"
)


@dataclass(frozen=True)
class ScorerVersion:
    """One version of a scorer; `serialized` is the client's own text, which nothing here reads as code."""

    id: str
    experiment: int
    name: str
    version: int
    serialized: str
    created_at: int


@dataclass(frozen=True)
class Sampling:
    """Which share of an experiment's traces a scorer should look at, and out of which."""

    id: str
    scorer: str
    experiment: int
    rate: float
    filter: str | None


def add_scorer_version(
    connection: Connection, identifier: str, experiment: str, name: str, serialized: str
) -> ScorerVersion:
    """Add the next version of the experiment's scorer of that name, made under `identifier` when it is new."""
    # Counted in the scorer's own row: a number is not given again when its version was deleted.
    row = connection.execute(
        "INSERT INTO scorer (id, experiment, name, last_version) VALUES (?, ?, ?, 1)"
        " ON CONFLICT (experiment, name) DO UPDATE SET last_version = scorer.last_version + 1"
        " RETURNING id, last_version",
        (identifier, int(experiment), name),
    ).fetchone()
    now = now_ms()
    connection.execute(
        "INSERT INTO scorer_version (scorer, version, serialized, created_at) VALUES (?, ?, ?, ?)",
        (row["id"], row["last_version"], serialized, now),
    )
    return ScorerVersion(row["id"], int(experiment), name, row["last_version"], serialized, now)


def latest_scorers(connection: Connection, experiments: Sequence[str]) -> list[ScorerVersion]:
    """Return the newest version of each scorer of these experiments, by name."""
    rows = connection.execute(
        f"{_VERSIONS} WHERE scorer.experiment IN (SELECT value FROM json_each(?))"  # noqa: S608  # the statement is ours
        # Not `last_version`: that counts deleted versions too, and the newest may be one of them.
        " AND scorer_version.version = (SELECT max(newest.version) FROM scorer_version AS newest"
        " WHERE newest.scorer = scorer.id) ORDER BY scorer.experiment, scorer.name",
        (json.dumps([int(one) for one in experiments]),),
    )
    return [_version(row) for row in rows]


def scorer_versions(connection: Connection, experiment: str, name: str) -> list[ScorerVersion]:
    """Return every version of an experiment's scorer, oldest first; none when there is no such scorer."""
    rows = connection.execute(
        f"{_VERSIONS} WHERE scorer.experiment = ? AND scorer.name = ? ORDER BY scorer_version.version",
        (int(experiment), name),
    )
    return [_version(row) for row in rows]


def _version(row: Row) -> ScorerVersion:
    return ScorerVersion(**{name: row[name] for name in row.keys()})  # noqa: SIM118  # a row yields its values


def delete_scorer_version(connection: Connection, found: ScorerVersion) -> None:
    """Remove one version of a scorer."""
    connection.execute(
        "DELETE FROM scorer_version WHERE scorer = ? AND version = ?", (found.id, found.version)
    )


def delete_scorer(connection: Connection, identifier: str) -> None:
    """Remove a scorer with all its versions."""
    connection.execute("DELETE FROM scorer WHERE id = ?", (identifier,))


def set_sampling(connection: Connection, sampling: Sampling) -> None:
    """Keep which share of traces a scorer should look at."""
    connection.execute(
        "UPDATE scorer SET sampling = ?, sample_rate = ?, sample_filter = ? WHERE id = ?",
        (sampling.id, sampling.rate, sampling.filter, sampling.scorer),
    )


def read_samplings(connection: Connection, scorers: Sequence[str]) -> list[Sampling]:
    """Return the samplings of the scorers of these ids, where they have one."""
    rows = connection.execute(
        "SELECT * FROM scorer WHERE sampling IS NOT NULL AND id IN (SELECT value FROM json_each(?)) ORDER BY id",
        (json.dumps(list(scorers)),),
    )
    return [
        Sampling(row["sampling"], row["id"], row["experiment"], row["sample_rate"], row["sample_filter"])
        for row in rows
    ]
