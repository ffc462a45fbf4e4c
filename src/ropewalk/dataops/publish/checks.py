"""What no target of a kind could hold, found in the lake before anything is sent."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from ropewalk.dataops.lake import quote
from ropewalk.dataops.publish.dialects import Sent
from ropewalk.dataops.publish.errors import PublishFailed
from ropewalk.dataops.publish.values import Order


def refuse_obstacles(connection: duckdb.DuckDBPyConnection, order: Order, sent: Sequence[Sent]) -> None:
    """Return when every value can be held by the target, and the key, if there is one, tells rows apart.

    Raises:
        PublishFailed: some cannot; the error counts them.
    """
    obstacles = [(column.name, *column.obstacle) for column in sent if column.obstacle]
    obstacles += [(name, f"{quote(name)} IS NULL", "are missing from the key") for name in order.key]
    if obstacles:
        # All in one pass over the rows, however many columns there are.
        counts = ", ".join(f"count(*) FILTER (WHERE {condition})" for _, condition, _ in obstacles)
        found = connection.execute(f"SELECT {counts} FROM {order.content.relation}").fetchone() or ()
        for (name, _, said), count in zip(obstacles, found, strict=True):
            if count:
                raise _refused(order, f"{count} values of column {name!r} {said}")
    if order.key:
        _refuse_same_keys(connection, order)


def _refuse_same_keys(connection: duckdb.DuckDBPyConnection, order: Order) -> None:
    names = ", ".join(map(quote, order.key))
    query = f"SELECT count(*) - count(DISTINCT ({names})) FROM {order.content.relation}"
    found = connection.execute(query).fetchone() or (0,)
    if found[0]:
        raise _refused(order, f"{found[0]} rows have the key ({', '.join(order.key)}) of another row")


def _refused(order: Order, why: str) -> PublishFailed:
    return PublishFailed(
        f"{order.content.table} cannot be published as {order.spec.name!r}: {why}",
        place=order.spec.place,
        hint="mend it in the table's SQL; the target keeps what it has",
    )
