"""A run executes what is stale, once, in order, and records it."""

from __future__ import annotations

import threading

import pytest

from ropewalk.errors import InternalError
from ropewalk.lineage import Edge, recorded_graph
from ropewalk.pipeline import RunInProgress, State, build_graph, current_records, execute
from ropewalk.pipeline.run_lock import run_lock
from ropewalk.store.pipeline import list_node_runs, list_pipeline_runs


def _states(result):
    return {node.id.partition(":")[2]: node.state.value for node in result.nodes}


def test_first_run_executes_all_second_none(bench, declare):
    """A second run of an unchanged graph executes nothing."""
    nodes = [declare("a", x="1"), declare("b", "a")]

    assert _states(bench.run(*nodes)) == {"a": "executed", "b": "executed"}
    assert _states(bench.run(*nodes)) == {"a": "hit", "b": "hit"}


def test_changed_fact_runs_node_and_descendants(bench, declare):
    """A changed definition runs its node and what depends on it, nothing beside."""
    bench.run(declare("a", x="1"), declare("b", "a"), declare("c"))

    result = bench.run(declare("a", x="2"), declare("b", "a"), declare("c"))

    assert _states(result) == {"a": "executed", "b": "executed", "c": "hit"}


def test_equal_output_stops_the_work(bench, declare):
    """A node that comes out equal leaves its descendants fresh (early cut-off)."""
    bench.run(declare("a", x="12", y="3"), declare("b", "a"))

    result = bench.run(declare("a", x="1", y="23"), declare("b", "a"))

    assert _states(result) == {"a": "executed", "b": "hit"}


def test_changed_outside_runs_again(bench, declare):
    """The outside world counts: a changed file outside runs its node again."""
    bench.outside("a", "one")
    bench.run(declare("a"))
    bench.outside("a", "two")

    result = bench.run(declare("a"))

    assert [str(reason) for reason in result.nodes[0].reasons] == ["outside content: one -> two"]


def test_vanished_content_is_made_again(bench, declare):
    """A record whose content is gone is not fresh."""
    bench.run(declare("a"))
    (bench.kind.folder / "out" / "a").unlink()

    assert _states(bench.run(declare("a"))) == {"a": "executed"}


def test_failure_blocks_only_descendants(bench, declare):
    """What does not need the failed node is still done, and the failure is recorded."""
    bench.kind.failing = {"a"}

    result = bench.run(declare("a"), declare("b", "a"), declare("c", "b"), declare("other"))

    assert _states(result) == {"a": "failed", "b": "blocked", "c": "blocked", "other": "executed"}
    assert list_pipeline_runs(bench.workspace.database)[0].state == "failed"
    rows = {row.node: row for row in list_node_runs(bench.workspace.database, result.run_id)}
    assert rows["file:a"].error == "a broke"
    assert rows["file:c"].reasons == ["needs: file:b"]


def test_run_goes_on_after_a_failure_is_mended(bench, declare):
    """After a failure only the failed node and what it blocked are executed."""
    bench.kind.failing = {"b"}
    nodes = [declare("a"), declare("b", "a"), declare("c", "b")]
    bench.run(*nodes)
    bench.kind.failing = set()

    assert _states(bench.run(*nodes)) == {"a": "hit", "b": "executed", "c": "executed"}


def test_selected_nodes_bring_only_what_they_need(bench, declare):
    """A run of one node leaves the rest alone."""
    result = bench.run(declare("a"), declare("b", "a"), declare("c", "b"), selected=["file:b"])

    assert _states(result) == {"a": "executed", "b": "executed"}


def test_unexpected_error_is_contained(bench, declare):
    """A bug in a kind fails its node with a code, not the whole run."""
    bench.kind.probe = lambda *_: 1 / 0

    result = bench.run(declare("a"))

    assert isinstance(result.nodes[0].error, InternalError)
    assert "ZeroDivisionError" in result.nodes[0].error.message
    assert isinstance(result.nodes[0].error.__cause__, ZeroDivisionError)


def test_unreachable_outside_with_keep_is_a_hit_with_a_warning(bench, declare):
    """A source that may be kept stays fresh while it cannot be reached, and says so."""
    bench.outside("a", "one")
    bench.run(declare("a"))
    bench.kind.unreachable = {"a": True}

    result = bench.run(declare("a"))

    assert result.nodes[0].state is State.HIT
    assert "connection refused" in result.nodes[0].warning


def test_unreachable_outside_without_keep_is_tried(bench, declare):
    """A source that must be reached is executed, so that its failure is seen."""
    bench.run(declare("a"))
    bench.kind.unreachable = {"a": False}

    assert _states(bench.run(declare("a"))) == {"a": "executed"}


def test_second_run_at_once_is_refused(bench, declare):
    """Two runs of one project at once are not possible; the second says whose the first is."""
    with run_lock(bench.workspace.state), pytest.raises(RunInProgress, match=r"process \d+"):
        bench.run(declare("a"))


def test_independent_nodes_run_at_once(bench, declare):
    """Two nodes that do not need each other are at work at the same time."""
    meeting = threading.Barrier(2, timeout=10)
    real = bench.kind.execute

    def execute_together(task):
        meeting.wait()
        return real(task)

    bench.kind.execute = execute_together

    assert _states(bench.run(declare("a"), declare("b"))) == {"a": "executed", "b": "executed"}


def test_interrupt_marks_the_run_failed(bench, declare):
    """Ctrl-C ends the run, asks executions to stop, and leaves no run marked as running."""

    class Interrupting:
        def started(self, *_):
            pass

        def ended(self, _):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        execute(build_graph([declare("a"), declare("b", "a")]), bench.kinds, bench.workspace, Interrupting())

    assert bench.workspace.stopping.is_set()
    assert list_pipeline_runs(bench.workspace.database)[0].state == "failed"


def test_lineage_is_recorded(bench, declare):
    """An execution records what it was made from, inside and outside."""
    bench.run(declare("a"), declare("b", "a"))

    edges = set(recorded_graph(bench.workspace.database).edges)

    assert {Edge("file:a", "file:b", "input"), Edge("disk:a", "file:a", "origin")} <= edges


def test_record_round_trips(bench, declare):
    """What an execution made reads back as it was."""
    result = bench.run(declare("a", x="1"))

    record = current_records(bench.workspace)["file:a"]

    assert record.output == result.nodes[0].output
    assert record.facts == {"x": "1"}
    assert record.run_id == result.run_id


def test_observed_facts_make_the_next_plan_fresh(bench, declare):
    """What an execution observed outside, not what was probed before it, decides freshness."""
    from dataclasses import replace

    bench.outside("a", "before")
    real = bench.kind.execute

    def moves_the_world(task):
        bench.outside("a", "after")
        return replace(real(task), observed={"content": "after"})

    bench.kind.execute = moves_the_world
    bench.run(declare("a"))

    assert _states(bench.run(declare("a"))) == {"a": "hit"}
