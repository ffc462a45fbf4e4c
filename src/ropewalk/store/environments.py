"""Environments: named sets of pointers from nodes to actions, moved as a whole or node by node, with their history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ropewalk.store.connections import Connection
from ropewalk.store.database import Database, now_ms
from ropewalk.store.errors import EnvironmentMoved


@dataclass(frozen=True)
class EnvironmentRow:
    """An environment; `version` counts the changes of its pointers, `release` is the digest applied last."""

    name: str
    base: str | None
    version: int
    release: str | None
    created_at: int
    used_at: int


@dataclass(frozen=True)
class ChangeRow:
    """One pointer that moved; `action_key` None means that it was removed, `cause` says what moved it."""

    environment: str
    version: int
    node: str
    action_key: str | None
    cause: str
    changed_at: int


def get_environment(database: Database, name: str) -> EnvironmentRow | None:
    """Return the environment, or None when nothing was ever run in it."""
    with database.read() as connection:
        row = connection.execute("SELECT * FROM environment WHERE name = ?", (name,)).fetchone()
    return EnvironmentRow(**dict(row)) if row else None


def list_environments(database: Database) -> list[EnvironmentRow]:
    """Return all environments by name."""
    with database.read() as connection:
        rows = connection.execute("SELECT * FROM environment ORDER BY name").fetchall()
    return [EnvironmentRow(**dict(row)) for row in rows]


def ensure_environment(database: Database, name: str, base: str | None) -> EnvironmentRow:
    """Return the environment; one that does not exist is made with the pointers of `base`."""
    found = get_environment(database, name)
    if found is not None:
        return found
    now = now_ms()
    with database.write() as connection:
        made = connection.execute(
            # Two first runs may come at once: one makes it, the other finds it made.
            "INSERT INTO environment (name, base, version, release, created_at, used_at) VALUES (?, ?, 0, NULL, ?, ?)"
            " ON CONFLICT (name) DO NOTHING",
            (name, base, now, now),
        )
        if base is not None and made.rowcount == 1:
            rows = connection.execute(
                "SELECT node, action_key FROM environment_pointer WHERE environment = ?", (base,)
            ).fetchall()
            copied = {row["node"]: row["action_key"] for row in rows}
            move_pointers(connection, name, copied, f"base:{base}")
    found = get_environment(database, name)
    assert found is not None
    return found


def pointers(database: Database, name: str) -> dict[str, str]:
    """Return the key of the action that is current for each node of the environment."""
    with database.read() as connection:
        rows = connection.execute(
            "SELECT node, action_key FROM environment_pointer WHERE environment = ? ORDER BY node", (name,)
        ).fetchall()
    return {row["node"]: row["action_key"] for row in rows}


def pointers_at(database: Database, name: str, version: int) -> dict[str, str]:
    """Return the pointers that the environment had at one of its versions."""
    found: dict[str, str] = {}
    with database.read() as connection:
        rows = connection.execute(
            "SELECT node, action_key FROM environment_change WHERE environment = ? AND version <= ? ORDER BY version",
            (name, version),
        ).fetchall()
    # Replayed from the beginning: each change names only what moved.
    for row in rows:
        if row["action_key"] is None:
            found.pop(row["node"], None)
        else:
            found[row["node"]] = row["action_key"]
    return found


def version_after(database: Database, name: str, cause: str, moment: int) -> int:
    """Return the environment's version after all that `cause` moved; if it moved nothing, the one at `moment`."""
    with database.read() as connection:
        row = connection.execute(
            "SELECT COALESCE(max(CASE WHEN cause = ? THEN version END), max(version), 0) AS version"
            " FROM environment_change WHERE environment = ? AND (cause = ? OR changed_at <= ?)",
            (cause, name, cause, moment),
        ).fetchone()
    return int(row["version"])


def list_changes(database: Database, name: str, limit: int = 100) -> list[ChangeRow]:
    """Return the newest moves of the environment's pointers, newest first."""
    with database.read() as connection:
        rows = connection.execute(
            "SELECT * FROM environment_change WHERE environment = ? ORDER BY version DESC, node LIMIT ?",
            (name, limit),
        ).fetchall()
    return [ChangeRow(**dict(row)) for row in rows]


def move_pointers(
    connection: Connection,
    name: str,
    moves: Mapping[str, str | None],
    cause: str,
    *,
    expected: int | None = None,
    release: str | None = None,
) -> int:
    """Move pointers of the environment in the caller's transaction, and return its new version.

    Args:
        connection: inside a write transaction.
        name: the environment; made when it does not exist.
        moves: action key by node; None removes the pointer.
        cause: what moves them: `run:ID`, `release:DIGEST` or `base:NAME`.
        expected: the version that the environment must still have.
        release: digest of the release these pointers are from.

    Raises:
        EnvironmentMoved: the environment has another version than `expected`.
    """
    row = connection.execute("SELECT version FROM environment WHERE name = ?", (name,)).fetchone()
    version = row["version"] if row else 0
    if expected is not None and version != expected:
        raise EnvironmentMoved(
            f"environment {name!r} has moved from version {expected} to {version} meanwhile",
            hint="look at what changed with `ropewalk env show`, and plan again",
        )
    now = now_ms()
    connection.execute(
        "INSERT INTO environment (name, base, version, release, created_at, used_at) VALUES (?, NULL, ?, ?, ?, ?)"
        " ON CONFLICT (name) DO UPDATE SET version = excluded.version, used_at = excluded.used_at,"
        " release = COALESCE(excluded.release, environment.release)",
        (name, version + 1, release, now, now),
    )
    for node, key in moves.items():
        _move(connection, name, node, key, now)
        connection.execute(
            "INSERT INTO environment_change (environment, version, node, action_key, cause, changed_at)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (name, version + 1, node, key, cause, now),
        )
    return int(version) + 1


def drop_environment(database: Database, name: str) -> None:
    """Remove the environment with its pointers and its history; the actions stay."""
    with database.write() as connection:
        connection.execute("DELETE FROM environment_pointer WHERE environment = ?", (name,))
        connection.execute("DELETE FROM environment_change WHERE environment = ?", (name,))
        connection.execute("DELETE FROM environment WHERE name = ?", (name,))


def _move(connection: Connection, name: str, node: str, key: str | None, now: int) -> None:
    if key is None:
        connection.execute("DELETE FROM environment_pointer WHERE environment = ? AND node = ?", (name, node))
        return
    connection.execute(
        "INSERT INTO environment_pointer (environment, node, action_key, moved_at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (environment, node) DO UPDATE SET action_key = excluded.action_key,"
        " moved_at = excluded.moved_at",
        (name, node, key, now),
    )
