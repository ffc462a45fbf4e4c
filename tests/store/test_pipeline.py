"""What the engine remembers survives as it was written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ropewalk.store import Database, RowRefused
from ropewalk.store.lineage import EdgeRow, list_edges, replace_edges
from ropewalk.store.pipeline import (
    ActionRow,
    NodeRunRow,
    RunRow,
    current_actions,
    find_actions,
    finish_run,
    get_action,
    list_node_runs,
    list_pipeline_runs,
    record_action,
    record_node_run,
    running_runs,
    start_run,
    wall_times,
)

RUN = RunRow("r1", "dev", "running", "abc", "main", False, 1000, None)
ACTION = ActionRow("k1", "t1", "table:a.b", {"sql": "x"}, {}, {"raw.a": "d"}, "{}", "r1", 5, 7, 2000)


@pytest.fixture
def database(where: Path | str):
    opened = Database.open(where)
    start_run(opened, RUN)
    yield opened
    opened.close()


def _record_all(connection, *actions):
    for action in actions:
        record_action(connection, action, "dev")


def _record(database, action, environment="dev"):
    with database.write() as connection:
        record_action(connection, action, environment)


def test_run_reads_back(database):
    """A run is listed as it was started."""
    assert list_pipeline_runs(database) == [RUN]


def test_finished_run_has_its_state(database):
    """A run that ended says how and when."""
    finish_run(database, "r1", "succeeded")

    (run,) = list_pipeline_runs(database)

    assert run.state == "succeeded"
    assert run.finished_at >= run.started_at


def test_run_that_never_ended_stays_running(database):
    """The store cannot know who was killed; the engine asks the leases."""
    start_run(database, replace(RUN, id="r2", started_at=2000))

    assert sorted(running_runs(database)) == ["r1", "r2"]


def test_actions_are_found_by_either_key(database):
    """What was started under a key and observed more is found under both."""
    _record(database, ACTION)

    assert find_actions(database, "k1") == find_actions(database, "t1") == [ACTION]
    assert find_actions(database, "k9") == []
    assert get_action(database, "t1") is None


def test_wall_time_of_the_newest_execution(database):
    """A node's cost is that of its newest execution."""
    _record(database, ACTION)
    _record(database, replace(ACTION, key="k2", finished_at=3000, wall_ms=90))

    assert wall_times(database) == {"table:a.b": 90}


def test_action_without_environment_moves_no_pointer(database):
    """What is only tried out is recorded and current nowhere."""
    with database.write() as connection:
        record_action(connection, ACTION, None)

    assert current_actions(database, "dev") == {}
    assert get_action(database, "k1") == ACTION


def test_action_is_current_in_its_environment_only(database):
    """An environment has pointers of its own."""
    _record(database, ACTION)

    assert current_actions(database, "dev") == {"table:a.b": ACTION}
    assert current_actions(database, "production") == {}


def test_newer_action_takes_the_pointer(database):
    """The newest action of a node is the current one."""
    newer = replace(ACTION, key="k2", finished_at=3000)
    _record(database, ACTION)
    _record(database, newer)

    assert current_actions(database, "dev")["table:a.b"] == newer


def test_same_key_again_replaces_its_output(database):
    """Executing one key twice leaves one action, the later."""
    again = replace(ACTION, output='{"rows":1}', task_key="t2", finished_at=3000)
    _record(database, ACTION)
    _record(database, again)

    assert current_actions(database, "dev")["table:a.b"] == again


def test_node_runs_read_back(database):
    """What a run did with a node reads back, reasons as a list."""
    row = NodeRunRow("r1", "table:a.b", "failed", ["sql: changed"], "broke", 1, 2)
    with database.write() as connection:
        record_node_run(connection, row)

    assert list_node_runs(database, "r1") == [row]


def test_edges_into_a_node_are_replaced(database):
    """A table that no longer reads a source loses that edge; what it made stays."""
    with database.write() as connection:
        replace_edges(connection, "b", [EdgeRow("a", "b", "input"), EdgeRow("b", "v1", "product")])
        replace_edges(connection, "b", [EdgeRow("x", "b", "input"), EdgeRow("b", "v2", "product")])

    edges = [(edge.upstream, edge.downstream) for edge in list_edges(database)]

    assert edges == [("x", "b"), ("b", "v1"), ("b", "v2")]


def test_failed_transaction_records_nothing(database):
    """An error inside the transaction leaves neither action nor pointer."""
    unstorable = replace(ACTION, key="k2", cpu_ms="many")

    with pytest.raises(RowRefused), database.write() as connection:
        _record_all(connection, ACTION, unstorable)

    assert current_actions(database, "dev") == {}


def test_runs_that_ended_are_left_alone(database):
    """Only what was still marked as running becomes failed when another run starts."""
    finish_run(database, "r1", "succeeded")
    start_run(database, replace(RUN, id="r2", started_at=2000))

    assert {run.id: run.state for run in list_pipeline_runs(database)} == {"r1": "succeeded", "r2": "running"}


def test_newest_runs_first(database):
    """Runs of one millisecond come in the order in which they were started, and a list has its limit."""
    for number in range(2, 6):
        start_run(database, replace(RUN, id=f"r{number}"))

    assert [run.id for run in list_pipeline_runs(database, 3)] == ["r5", "r4", "r3"]


@pytest.mark.parametrize("is_dirty", [True, False])
def test_a_run_knows_its_commit(database, is_dirty):
    """A run says from which commit it was, and whether files differed from it."""
    run = replace(RUN, id="r2", git_commit=None, git_branch=None, is_dirty=is_dirty, started_at=2000)
    start_run(database, run)

    assert list_pipeline_runs(database, 1) == [run]


def test_environments_move_apart(database):
    """A node that moved on in one environment stays where it is in the other."""
    newer = replace(ACTION, key="k2", finished_at=3000)
    _record(database, ACTION)
    _record(database, ACTION, "production")
    _record(database, newer)

    assert current_actions(database, "dev")["table:a.b"].key == "k2"
    assert current_actions(database, "production")["table:a.b"].key == "k1"


def test_going_back_to_an_earlier_key(database):
    """A key that was executed before can become current again."""
    _record(database, ACTION)
    _record(database, replace(ACTION, key="k2", finished_at=3000))
    _record(database, replace(ACTION, finished_at=4000))

    assert current_actions(database, "dev")["table:a.b"].key == "k1"


def test_nodes_do_not_meet(database):
    """Each node has a pointer of its own."""
    other = replace(ACTION, key="k2", node="table:a.c")
    _record(database, ACTION)
    _record(database, other)

    assert current_actions(database, "dev") == {"table:a.b": ACTION, "table:a.c": other}


def test_action_of_no_run_is_refused(database):
    """The store itself refuses what no run made."""
    with pytest.raises(RowRefused):
        _record(database, replace(ACTION, run_id="r9"))


@pytest.mark.parametrize("state", ["", "started", "SUCCEEDED"])
def test_states_are_known_words(database, state):
    """The store itself refuses a state that no reader knows."""
    with pytest.raises(RowRefused):
        finish_run(database, "r1", state)


def _node_run(node, finished_at, state="executed"):
    return NodeRunRow("r1", node, state, [], None, finished_at - 1, finished_at)


def test_node_runs_in_the_order_of_their_ends(database):
    """A run's nodes come as they ended; of those that ended at once, by name."""
    with database.write() as connection:
        for row in (_node_run("c", 9), _node_run("b", 5), _node_run("a", 9)):
            record_node_run(connection, row)

    assert [row.node for row in list_node_runs(database, "r1")] == ["b", "a", "c"]


def test_the_last_outcome_of_a_node_counts(database):
    """A node has one outcome in a run."""
    with database.write() as connection:
        record_node_run(connection, _node_run("a", 5, "failed"))
        record_node_run(connection, _node_run("a", 7))

    assert list_node_runs(database, "r1") == [_node_run("a", 7)]


def test_a_run_that_is_not_known(database):
    """What never ran did nothing."""
    assert list_node_runs(database, "nowhere") == []
    assert current_actions(database, "nowhere") == {}


def test_documents_of_any_text(database):
    """Facts and inputs come back as they were, whatever signs people put into their files."""
    action = replace(ACTION, facts={"sql": 'SELECT "ß" -- \n'}, inputs={"raw.a": ""}, outside={"é": "'"})
    _record(database, action)

    assert current_actions(database, "dev")["table:a.b"] == action
