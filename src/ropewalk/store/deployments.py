"""Deployments in the metadata: which model version each one serves in each environment, and all it served before."""

from __future__ import annotations

from dataclasses import dataclass

from ropewalk.errors import Conflict
from ropewalk.store.connections import Row
from ropewalk.store.database import Database, now_ms


class RevisionTaken(Conflict):
    """A deployment was moved by someone else meanwhile."""

    code = "RW361"


@dataclass(frozen=True)
class Target:
    """What a deployment serves.

    Attributes:
        model: registered name of the model.
        version: its version.
        digest: digest of the version's content.
        key_column: the request column that identifies what is predicted.
    """

    model: str
    version: int
    digest: str
    key_column: str


@dataclass(frozen=True)
class Deployment:
    """A deployment of one environment as it stands after one move.

    Attributes:
        environment: where it was moved.
        name: its name.
        revision: how many moves there were; 0 for one that stands as the environment it was forked from had it.
        target: what it serves.
        run_id: the run that moved it.
        moved_at: when, in UTC milliseconds.
    """

    environment: str
    name: str
    revision: int
    target: Target
    run_id: str | None
    moved_at: int


# Moves are only ever added, so that the newest row is the state and the rest its history.
_CURRENT = """
    SELECT * FROM deployment_revision AS moved
    WHERE revision = (
        SELECT max(revision) FROM deployment_revision
        WHERE environment = moved.environment AND deployment = moved.deployment
    )
"""


def move_deployment(  # who, where, what, and the two things that make it safe and told
    database: Database,
    environment: str,
    name: str,
    target: Target,
    *,
    expected: int,
    run_id: str | None = None,
) -> Deployment:
    """Point the deployment at `target`, provided it still stands at revision `expected` (0: it is new there).

    Raises:
        RevisionTaken: it was moved meanwhile.
    """
    moved = Deployment(environment, name, expected + 1, target, run_id, now_ms())
    with database.write() as connection:
        found = connection.execute(
            "SELECT coalesce(max(revision), 0) AS newest FROM deployment_revision"
            " WHERE environment = ? AND deployment = ?",
            (environment, name),
        ).fetchone()["newest"]
        # Checked inside the write: of two that move at once, the second sees the first.
        if found != expected:
            raise RevisionTaken(
                f"deployment {name!r} was moved meanwhile: it is at revision {found}, not {expected}",
                hint="run again: it starts from what is there now",
            )
        connection.execute(
            "INSERT INTO deployment_revision"
            " (environment, deployment, revision, model, version, digest, key_column, run_id, moved_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                environment,
                name,
                moved.revision,
                target.model,
                target.version,
                target.digest,
                target.key_column,
                run_id,
                moved.moved_at,
            ),
        )
    return moved


def current_deployment(database: Database, environment: str, name: str) -> Deployment | None:
    """Return what the deployment serves in the environment now; None when it was never moved there."""
    with database.read() as connection:
        row = connection.execute(
            f"{_CURRENT} AND environment = ? AND deployment = ?", (environment, name)
        ).fetchone()
    return _read(row) if row else None


def current_deployments(database: Database, environment: str | None = None) -> list[Deployment]:
    """Return what each deployment of the environment (None: of all) serves now, by environment and name."""
    with database.read() as connection:
        rows = connection.execute(
            f"{_CURRENT} AND environment = COALESCE(?, environment) ORDER BY environment, deployment",
            (environment,),
        ).fetchall()
    return [_read(row) for row in rows]


def deployment_history(database: Database, environment: str, name: str) -> list[Deployment]:
    """Return every state that the deployment had in the environment, newest first."""
    with database.read() as connection:
        rows = connection.execute(
            "SELECT * FROM deployment_revision WHERE environment = ? AND deployment = ? ORDER BY revision DESC",
            (environment, name),
        ).fetchall()
    return [_read(row) for row in rows]


def was_deployed(database: Database, target: Target) -> bool:
    """Return whether some deployment of some environment served that version with that content before."""
    with database.read() as connection:
        row = connection.execute(
            "SELECT 1 FROM deployment_revision WHERE model = ? AND version = ? AND digest = ? LIMIT 1",
            (target.model, target.version, target.digest),
        ).fetchone()
    return row is not None


def drop_deployments(database: Database, environment: str) -> None:
    """Forget the deployments of an environment, with their history."""
    with database.write() as connection:
        connection.execute("DELETE FROM deployment_revision WHERE environment = ?", (environment,))


def _read(row: Row) -> Deployment:
    target = Target(row["model"], row["version"], row["digest"], row["key_column"])
    return Deployment(
        row["environment"], row["deployment"], row["revision"], target, row["run_id"], row["moved_at"]
    )
