"""Deployments in the metadata: which model version each one serves, and every one it served before."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from ropewalk.errors import Conflict
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
    """A deployment as it stands after one move: its name, target, and when and by which run it moved."""

    name: str
    revision: int
    target: Target
    run_id: str | None
    moved_at: int


# Moves are only ever added, so that the newest row is the state and the rest its history.
_CURRENT = """
    SELECT * FROM deployment_revision AS row
    WHERE revision = (SELECT max(revision) FROM deployment_revision WHERE deployment = row.deployment)
"""


def move_deployment(
    database: Database, name: str, target: Target, *, expected: int, run_id: str | None = None
) -> Deployment:
    """Point the deployment at `target`, provided it still stands at revision `expected` (0: it is new).

    Raises:
        RevisionTaken: it was moved meanwhile.
    """
    moved = Deployment(name, expected + 1, target, run_id, now_ms())
    with database.write() as connection:
        found = connection.execute(
            "SELECT coalesce(max(revision), 0) FROM deployment_revision WHERE deployment = ?", (name,)
        ).fetchone()
        # Checked inside the write: of two that move at once, the second sees the first.
        if found[0] != expected:
            raise RevisionTaken(
                f"deployment {name!r} was moved meanwhile: it is at revision {found[0]}, not {expected}",
                hint="run again: it starts from what is there now",
            )
        connection.execute(
            "INSERT INTO deployment_revision"
            " (deployment, revision, model, version, digest, key_column, run_id, moved_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
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


def current_deployment(database: Database, name: str) -> Deployment | None:
    """Return what the deployment serves now; None when it never served anything."""
    with database.read() as connection:
        row = connection.execute(f"{_CURRENT} AND deployment = ?", (name,)).fetchone()
    return _read(row) if row else None


def current_deployments(database: Database) -> list[Deployment]:
    """Return what each deployment serves now, by name."""
    with database.read() as connection:
        rows = connection.execute(f"{_CURRENT} ORDER BY deployment").fetchall()
    return [_read(row) for row in rows]


def deployment_history(database: Database, name: str) -> list[Deployment]:
    """Return every state of the deployment, newest first."""
    with database.read() as connection:
        rows = connection.execute(
            "SELECT * FROM deployment_revision WHERE deployment = ? ORDER BY revision DESC", (name,)
        ).fetchall()
    return [_read(row) for row in rows]


def _read(row: sqlite3.Row) -> Deployment:
    target = Target(row["model"], row["version"], row["digest"], row["key_column"])
    return Deployment(row["deployment"], row["revision"], target, row["run_id"], row["moved_at"])
