"""What an execution leaves in the metadata database, and what comes back from there."""

from __future__ import annotations

import dataclasses
import json

import pytest

from ropewalk.lineage import Edge, recorded_graph
from ropewalk.pipeline import Output, Task, current_records
from ropewalk.pipeline.records import Execution, save_success
from ropewalk.store.errors import DatabaseFailed
from ropewalk.store.pipeline import NodeRunRow, RunRow, list_node_runs, start_run

FULL = Output(
    "digest",
    "snapshot:3",
    {"rows": 2, "auc": 0.5, "names": ["a"], "none": None, "ok": True},
    observed={"a.csv": "1"},
    origins=("file:a.csv", "file:a.csv"),
    makes=("run:1",),
)


@pytest.fixture
def save(bench, declare):
    """Return a function that records an execution of one node and returns its record."""
    start_run(bench.workspace.database, RunRow("run", "dev", "running", None, None, False, 1, None))

    def run(output=FULL, key="key", task_key="task-key", finished_at=20, **inputs):
        node = declare("a", x="1")
        ids = {name: f"file:{name}" for name in inputs}
        task = Task(node, task_key, inputs, ids, "run", bench.workspace, lambda *_: None)
        outcome = NodeRunRow("run", node.id, "executed", ["new: never executed"], None, 10, finished_at)
        execution = Execution(key, {"o": "2"}, output, cpu_ms=5, wall_ms=10)
        save_success(task, execution, outcome, environment=bench.workspace.settings.environment)
        return current_records(bench.workspace)[node.id]

    return run


def test_output_comes_back_whole(save):
    """Every field of what was made survives, with the types it had."""
    assert save().output == FULL


def test_both_keys_are_kept(save):
    """The key it was started under and the key of what it observed are told apart."""
    record = save()

    assert (record.key, record.task_key) == ("key", "task-key")


def test_everything_that_decided_is_kept(save):
    """Facts, outside facts and inputs are there for the next plan to compare with."""
    record = save(b=Output("digest of b", "snapshot:1"))

    assert record.facts == {"x": "1"}
    assert record.outside == {"o": "2"}
    assert record.inputs == {"b": "digest of b"}
    assert (record.run_id, record.finished_at) == ("run", 20)


def test_later_execution_is_current(save):
    """Of several executions the last one counts, whether its key is new or not."""
    save(key="one", finished_at=20)
    save(key="two", finished_at=30)

    assert save(key="one", finished_at=40).finished_at == 40


def test_lineage_has_three_kinds_of_edge(save, bench):
    """Inputs, origins and products are joined to the node, each once."""
    save(b=Output("d", "snapshot:1"))

    assert recorded_graph(bench.workspace.database).edges == (
        Edge("file:a", "run:1", "product"),
        Edge("file:a.csv", "file:a", "origin"),
        Edge("file:b", "file:a", "input"),
    )


def test_input_that_is_no_longer_needed_leaves_the_lineage(save, bench):
    """After a change the graph shows what the node is made from now; products stay."""
    save(b=Output("d", "snapshot:1"))
    save(dataclasses.replace(FULL, origins=(), makes=()))

    assert recorded_graph(bench.workspace.database).edges == (Edge("file:a", "run:1", "product"),)


def test_run_has_the_nodes_row(save, bench):
    """The run's own list has the node with its reasons and times."""
    save()

    (row,) = list_node_runs(bench.workspace.database, "run")
    assert (row.node, row.state, row.reasons) == ("file:a", "executed", ["new: never executed"])
    assert (row.started_at, row.finished_at) == (10, 20)


def test_all_or_nothing(save, bench):
    """When the last of the three writes fails, none of them is seen."""
    with bench.workspace.database.write() as connection:
        connection.execute("DROP TABLE node_run")

    with pytest.raises(DatabaseFailed, match="node_run"):
        save()

    assert current_records(bench.workspace) == {}
    assert recorded_graph(bench.workspace.database).edges == ()


def test_environments_do_not_see_each_other(save, bench):
    """What is current in one environment is unknown in another."""
    save()

    assert current_records(bench.workspace, "production") == {}


def test_output_is_plain_json(save, bench):
    """Other programs can read what is stored."""
    save()

    with bench.workspace.database.read() as connection:
        (text,) = connection.execute("SELECT output FROM action").fetchone()

    assert json.loads(text)["summary"]["rows"] == 2
