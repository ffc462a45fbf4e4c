"""Reading the history of an environment: what moved each of its pointers last."""

from __future__ import annotations

from ropewalk.store.database import Database
from ropewalk.store.environments import ChangeRow


def last_changes(database: Database, environment: str) -> dict[str, ChangeRow]:
    """Return the newest change of each node of the environment, removals included."""
    with database.read() as connection:
        rows = connection.execute(
            "SELECT changed.* FROM environment_change AS changed"
            " JOIN (SELECT node AS named, max(version) AS newest FROM environment_change"
            " WHERE environment = ? GROUP BY node) AS last ON changed.node = named AND changed.version = newest"
            " WHERE environment = ? ORDER BY node",
            (environment, environment),
        ).fetchall()
    return {row["node"]: ChangeRow(**dict(row)) for row in rows}
