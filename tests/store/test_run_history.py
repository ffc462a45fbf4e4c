"""Past runs: lists, counts, and one by the beginning of its id."""

from __future__ import annotations

from ropewalk.store import Database
from ropewalk.store.pipeline import CANCELLED, finish_run, list_pipeline_runs
from ropewalk.store.run_history import list_past_nodes, list_past_runs, run_ids, run_of_cause


def add_run(
    database: Database, run_id: str, started_at: int, environment: str = "dev", cause: str = "person"
) -> None:
    with database.write() as connection:
        connection.execute(
            "INSERT INTO pipeline_run (id, environment, state, git_commit, git_branch, is_dirty, started_at,"
            " finished_at, cause) VALUES (?, ?, 'succeeded', 'c0ffee', 'main', 1, ?, ?, ?)",
            (run_id, environment, started_at, started_at + 5, cause),
        )


def add_node(database: Database, run_id: str, node: str, state: str, finished_at: int = 2) -> None:
    with database.write() as connection:
        connection.execute(
            "INSERT INTO node_run (run_id, node, state, reasons, error, started_at, finished_at, attempts)"
            """ VALUES (?, ?, ?, '["new: never executed"]', NULL, 1, ?, 2)""",
            (run_id, node, state, finished_at),
        )


def test_newest_first(database: Database) -> None:
    """Runs come newest first, as many as are asked for."""
    for number in range(3):
        add_run(database, f"run{number}", number)

    assert [run.id for run in list_past_runs(database, 2)] == ["run2", "run1"]
    assert run_ids(database) == ["run2", "run1", "run0"]


def test_counts(database: Database) -> None:
    """Each run has its number of nodes in each end, of its own only."""
    add_run(database, "a", 1)
    add_run(database, "b", 2)
    for number, state in enumerate(["executed", "executed", "restored", "failed", "blocked"]):
        add_node(database, "a", f"table:{number}", state)

    b, a = list_past_runs(database, 9)

    assert (a.executed, a.restored, a.failed, a.blocked) == (2, 1, 1, 1)
    assert (b.executed, b.restored, b.failed, b.blocked) == (0, 0, 0, 0)
    assert (a.git_commit, a.git_branch, a.is_dirty) == ("c0ffee", "main", True)


def test_filters(database: Database) -> None:
    """Runs are found by environment, by cause and by the beginning of their id; what is no column's value is text."""
    add_run(database, "aa1", 1)
    add_run(database, "ab2", 2, environment="mr-4")
    add_run(database, "b%3", 3, cause="schedule:nightly")

    assert [run.id for run in list_past_runs(database, 9, environment="mr-4")] == ["ab2"]
    assert [run.id for run in list_past_runs(database, 9, cause="schedule:nightly")] == ["b%3"]
    assert [run.id for run in list_past_runs(database, 9, prefix="a")] == ["ab2", "aa1"]
    assert list_past_runs(database, 9, prefix="%") == []


def test_run_of_cause(database: Database) -> None:
    """The newest run of a cause since a moment is found with its state."""
    add_run(database, "old", 1, cause="schedule:nightly")
    add_run(database, "new", 5, cause="schedule:nightly")

    assert run_of_cause(database, "schedule:nightly", 2) == ("new", "succeeded")
    assert run_of_cause(database, "schedule:nightly", 6) is None


def test_nodes(database: Database) -> None:
    """What a run did comes in the order in which it ended."""
    add_run(database, "a", 1)
    add_node(database, "a", "step:late", "failed", 9)
    add_node(database, "a", "table:early", "executed", 3)

    found = list_past_nodes(database, "a")

    assert [node.node for node in found] == ["table:early", "step:late"]
    assert (found[0].reasons, found[0].attempts) == (("new: never executed",), 2)


def test_a_cancelled_run(database: Database) -> None:
    """It is told as cancelled wherever runs are listed, and as failed to programs that do not know the word."""
    add_run(database, "c1", 1)

    finish_run(database, "c1", CANCELLED)

    assert list_past_runs(database, 1)[0].state == "cancelled"
    assert list_pipeline_runs(database, 1)[0].state == "cancelled"
    with database.read() as connection:
        rows = connection.execute("SELECT state FROM pipeline_run").fetchall()
    assert [row["state"] for row in rows] == ["failed"]
