"""The edges of the one lineage graph."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ropewalk.store.connections import Connection
from ropewalk.store.database import Database, now_ms


@dataclass(frozen=True)
class EdgeRow:
    """`downstream` was made from `upstream`; `kind` says how: input, origin or product."""

    upstream: str
    downstream: str
    kind: str


def replace_edges(connection: Connection, node: str, edges: Iterable[EdgeRow]) -> None:
    """Record what `node` was last made from and what it made, in the caller's transaction.

    Edges into the node are replaced; products of earlier executions stay, because they still exist.
    """
    now = now_ms()
    # What the node needed last time and no longer needs must not stay in its lineage.
    connection.execute("DELETE FROM lineage_edge WHERE downstream = ?", (node,))
    connection.executemany(
        "INSERT INTO lineage_edge VALUES (?, ?, ?, ?)"
        " ON CONFLICT (upstream, downstream) DO UPDATE SET kind = excluded.kind, seen_at = excluded.seen_at",
        [(edge.upstream, edge.downstream, edge.kind, now) for edge in edges],
    )


def list_edges(database: Database) -> list[EdgeRow]:
    """Return all edges in a stable order."""
    with database.read() as connection:
        # Ordered by the index's own columns, so that pages and tests see the same graph each time without
        # sorting it.
        rows = connection.execute(
            "SELECT upstream, downstream, kind FROM lineage_edge ORDER BY downstream, upstream"
        ).fetchall()
    return [EdgeRow(**dict(row)) for row in rows]
