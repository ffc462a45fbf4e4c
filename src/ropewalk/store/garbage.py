"""Which recorded actions somebody can still ask for, and forgetting the others."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ropewalk.store.connections import Connection
from ropewalk.store.database import Database

_CURRENT = "SELECT environment, action_key FROM environment_pointer"
# What was current at the beginning of the history that counts was put there before it.
_CURRENT_AT = """
    SELECT moved.environment AS environment, moved.action_key AS action_key
    FROM environment_change AS moved
    JOIN (
        SELECT environment AS place, node AS named, max(version) AS newest
        FROM environment_change WHERE changed_at < ? GROUP BY environment, node
    ) AS last_move ON moved.environment = place AND moved.node = named AND moved.version = newest
    WHERE moved.action_key IS NOT NULL
"""
_MOVED_SINCE = """
    SELECT environment, action_key FROM environment_change WHERE changed_at >= ? AND action_key IS NOT NULL
"""
_OF_RUN = """
    SELECT key FROM action WHERE run_id = ?
    UNION SELECT action_key FROM node_run WHERE run_id = ? AND action_key IS NOT NULL
"""


@dataclass(frozen=True)
class Roots:
    """From where actions are reached.

    Attributes:
        keys: actions that are named elsewhere (release files, leases).
        runs: runs whose actions all stay, because they are at work.
        without: environments that do not count any more.
        history_since: what an environment pointed at from then on stays, in UTC milliseconds.
        young_since: what was executed from then on stays, in UTC milliseconds.
    """

    keys: Collection[str]
    runs: Collection[str]
    without: Collection[str]
    history_since: int
    young_since: int


@dataclass(frozen=True)
class ActionLine:
    """What an action made, and where its inputs were: as much of it as decides what else stays."""

    key: str
    node: str
    run_id: str
    output: str
    input_references: Mapping[str, str]


def split_actions(connection: Connection, roots: Roots) -> tuple[list[ActionLine], list[ActionLine]]:
    """Return the actions that somebody can still ask for, and the others, in the caller's transaction."""
    reachable = _reachable(connection, roots)
    rows = connection.execute("SELECT key, node, run_id, output, input_references FROM action ORDER BY key")
    lines = [
        ActionLine(**{**dict(row), "input_references": json.loads(row["input_references"])}) for row in rows
    ]
    return (
        [line for line in lines if line.key in reachable],
        [line for line in lines if line.key not in reachable],
    )


def remove_actions(connection: Connection, keys: Iterable[str]) -> None:
    """Forget actions, in the transaction in which nobody was found to ask for them."""
    connection.executemany("DELETE FROM action WHERE key = ?", [(key,) for key in keys])


def listed_objects(database: Database) -> set[str]:
    """Return the digests of all objects that artifacts and registered versions consist of."""
    with database.read() as connection:
        # The parts of an upload that goes on are wanted too.
        rows = connection.execute(
            "SELECT digest FROM artifact UNION SELECT digest FROM model_version_file"
            " UNION SELECT digest FROM upload_part"
        )
        return {row["digest"] for row in rows}


def listed_among(database: Database, digests: Sequence[str]) -> set[str]:
    """Return those of `digests` (up to 1,000) of which artifacts and registered versions consist at this moment."""
    if not digests:
        return set()
    within = f"digest IN ({', '.join('?' * len(digests))})"
    tables = ("artifact", "model_version_file", "upload_part")
    sql = " UNION ".join(f"SELECT digest FROM {table} WHERE {within}" for table in tables)  # noqa: S608  # only marks
    with database.read() as connection:
        return {row["digest"] for row in connection.execute(sql, tuple(digests) * len(tables))}


def _reachable(connection: Connection, roots: Roots) -> set[str]:
    found = set(roots.keys)
    since = (roots.history_since,)
    for sql, values in ((_CURRENT, ()), (_CURRENT_AT, since), (_MOVED_SINCE, since)):
        rows = connection.execute(sql, values)
        found |= {row["action_key"] for row in rows if row["environment"] not in roots.without}
    rows = connection.execute("SELECT key FROM action WHERE finished_at >= ?", (roots.young_since,))
    found |= {row["key"] for row in rows}
    for run in roots.runs:
        found |= {row["key"] for row in connection.execute(_OF_RUN, (run, run))}
    return found
