"""Claims about an environment's history: the newest change of each node is found."""

from __future__ import annotations

from ropewalk.store import Database
from ropewalk.store.changes import last_changes
from ropewalk.store.environments import move_pointers
from ropewalk.store.pipeline import ActionRow, RunRow, record_action, start_run


def record(database: Database, *keys: str) -> None:
    """Record an action of node `n` for each key, current nowhere."""
    start_run(database, RunRow("r", "dev", "running", None, None, False, 0, None))
    with database.write() as connection:
        for key in keys:
            record_action(connection, ActionRow(key, key, "n", {}, {}, {}, "{}", "r", 0, 0, 0), None)


def test_the_newest_change_of_each_node_counts(database: Database) -> None:
    """Changes of other environments and earlier ones do not, and a removal is a change."""
    record(database, "k1", "k2")
    with database.write() as connection:
        move_pointers(connection, "dev", {"a": "k1", "b": "k1"}, "run:1")
        move_pointers(connection, "dev", {"a": "k2"}, "run:2")
        move_pointers(connection, "dev", {"b": None}, "release:3")
        move_pointers(connection, "mr-7", {"a": "k1"}, "run:4")

    found = last_changes(database, "dev")

    assert {node: (change.action_key, change.cause) for node, change in found.items()} == {
        "a": ("k2", "run:2"),
        "b": (None, "release:3"),
    }
    assert last_changes(database, "nobody") == {}
