"""Where recorded actions come from: executed here, or brought in from the shared cache."""

from __future__ import annotations

from ropewalk.store.database import Database


def was_executed_here(database: Database, key: str) -> bool:
    """Return whether a run of this project's own executed the action, rather than took it from elsewhere."""
    with database.read() as connection:
        row = connection.execute(
            # What is brought in is recorded too, but never as executed.
            "SELECT 1 FROM node_run WHERE action_key = ? AND state = 'executed' LIMIT 1",
            (key,),
        ).fetchone()
    return row is not None
