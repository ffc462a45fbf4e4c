"""Which actions are reached, on each engine, and where they come from."""

from __future__ import annotations

from ropewalk.store import Database
from ropewalk.store.artifacts import Artifact, put_artifact
from ropewalk.store.environments import move_pointers
from ropewalk.store.garbage import Roots, listed_objects, remove_actions, split_actions
from ropewalk.store.pipeline import (
    ActionRow,
    NodeRunRow,
    RunRow,
    get_action,
    record_action,
    record_node_run,
    start_run,
)
from ropewalk.store.provenance import was_executed_here


def add(database: Database, *keys: str, at: int = 1) -> None:
    """Record actions of one run."""
    start_run(database, RunRow(f"run {keys[0]}", "dev", "succeeded", None, None, False, 1, 1))
    with database.write() as connection:
        for key in keys:
            row = ActionRow(
                key, key, f"n:{key}", {}, {}, {}, "{}", f"run {keys[0]}", 1, 1, at, {"in": "snapshot:1"}
            )
            record_action(connection, row, None)


def point(database: Database, environment: str, node: str, key: str | None, at: int) -> None:
    with database.write() as connection:
        version = move_pointers(connection, environment, {node: key}, "run:x")
        connection.execute(
            "UPDATE environment_change SET changed_at = ? WHERE environment = ? AND version = ?",
            (at, environment, version),
        )


def reached(database: Database, **changes: object) -> list[str]:
    roots = Roots(
        **{"keys": (), "runs": (), "without": (), "history_since": 100, "young_since": 100, **changes}
    )
    with database.read() as connection:
        return [line.key for line in split_actions(connection, roots)[0]]


def test_pointers_and_history(database: Database) -> None:
    """Current ones, those that moved within the history, and those that were current when it began."""
    add(database, *"abcde")
    for key, at in (("a", 10), ("b", 20), ("c", 150), ("d", 160)):
        point(database, "dev", "n:1", key, at)

    assert reached(database) == ["b", "c", "d"]
    assert reached(database, history_since=15) == ["a", "b", "c", "d"]
    assert reached(database, history_since=200) == ["d"]


def test_each_node_has_its_history(database: Database) -> None:
    """What another node or environment did does not count for this one; a removed pointer keeps nothing by itself."""
    add(database, *"abcd")
    point(database, "dev", "n:1", "a", 10)
    point(database, "dev", "n:2", "b", 20)
    point(database, "other", "n:1", "c", 30)
    point(database, "dev", "n:2", None, 40)

    assert reached(database) == ["a", "c"]
    assert reached(database, without=["other"]) == ["a"]


def test_names_runs_and_youth(database: Database) -> None:
    """What is named elsewhere, of a run at work, restored by it, or young."""
    add(database, *"ab")
    add(database, *"cd")
    add(database, "y", at=100)
    start_run(database, RunRow("now", "dev", "running", None, None, False, 1, None))
    with database.write() as connection:
        record_node_run(connection, NodeRunRow("now", "n:b", "restored", [], None, 1, 1, "b"))
        record_node_run(connection, NodeRunRow("now", "n:x", "failed", [], "broke", 1, 1, None))

    assert reached(database) == ["y"]
    assert reached(database, keys=["a"]) == ["a", "y"]
    assert reached(database, runs=["now"]) == ["b", "y"]
    assert reached(database, runs=["run c"]) == ["c", "d", "y"]


def test_what_an_action_line_says(database: Database) -> None:
    """Enough of an action to know what else stays."""
    add(database, "a")

    with database.write() as connection:
        _, (line,) = split_actions(connection, Roots((), (), (), 100, 100))
        remove_actions(connection, [line.key])

    assert (line.node, line.run_id, line.output, line.input_references) == (
        "n:a",
        "run a",
        "{}",
        {"in": "snapshot:1"},
    )
    assert get_action(database, "a") is None


def test_objects_of_artifacts(database: Database) -> None:
    """Every digest once."""
    with database.write() as connection:
        put_artifact(connection, Artifact("1/a", "d1", 1))
        put_artifact(connection, Artifact("1/b", "d1", 1))
        put_artifact(connection, Artifact("2/c", "d2", 1))

    assert listed_objects(database) == {"d1", "d2"}


def test_where_actions_come_from(database: Database) -> None:
    """An action is executed here when a run says so; restored or brought in it is not."""
    add(database, *"abc")
    with database.write() as connection:
        record_node_run(connection, NodeRunRow("run a", "n:a", "executed", [], None, 1, 1, "a"))
        record_node_run(connection, NodeRunRow("run a", "n:b", "restored", [], None, 1, 1, "b"))

    assert [was_executed_here(database, key) for key in "abc"] == [True, False, False]
