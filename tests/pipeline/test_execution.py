"""A run executes what is stale, once, in order, and records it."""

from __future__ import annotations

import shutil
import threading
import time
from dataclasses import replace

import pytest

from ropewalk.errors import InternalError, Place
from ropewalk.lineage import Edge, recorded_graph
from ropewalk.pipeline import (
    Limits,
    PlanMoved,
    ProtectedEnvironment,
    State,
    UnknownPool,
    build_graph,
    current_records,
    execute,
)
from ropewalk.pipeline.declared import EnvironmentEntry
from ropewalk.project import Entry
from ropewalk.store.environments import pointers
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
    shutil.rmtree(bench.kind.folder / "out" / "a")

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


def test_independent_nodes_run_at_once(bench, declare):
    """Two nodes that do not need each other are at work at the same time."""
    meeting = threading.Barrier(2, timeout=60)
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
    assert list_pipeline_runs(bench.workspace.database)[0].state == "cancelled"


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


def test_taken_back_edit_is_restored(bench, declare):
    """Going back to what was executed before executes nothing: its content is still there."""
    bench.run(declare("a", x="1"), declare("b", "a"))
    bench.run(declare("a", x="2"), declare("b", "a"))

    result = bench.run(declare("a", x="1"), declare("b", "a"))

    assert _states(result) == {"a": "restored", "b": "restored"}
    assert bench.kind.adopted == ["file:a", "file:b"]
    assert _states(bench.run(declare("a", x="1"), declare("b", "a"))) == {"a": "hit", "b": "hit"}


def test_what_was_made_in_one_environment_is_restored_in_another(bench, declare):
    """A branch reuses what production made, and moves its own pointers alone."""
    bench.switch("production")
    bench.run(declare("a", x="1"))
    made = pointers(bench.workspace.database, "production")
    bench.switch("branch-x")
    bench.run(declare("a", x="2"))

    assert pointers(bench.workspace.database, "production") == made
    assert _states(bench.run(declare("a", x="1"))) == {"a": "restored"}
    assert pointers(bench.workspace.database, "branch-x") == made


def test_first_run_of_a_branch_shares_its_base(bench, declare):
    """A new environment begins with the pointers of production."""
    bench.switch("production")
    bench.run(declare("a", x="1"))
    bench.switch("branch-x")

    assert _states(bench.run(declare("a", x="1"), declare("b", "a"))) == {"a": "hit", "b": "executed"}


def test_restoring_looks_at_what_the_execution_saw(bench, declare):
    """An action that observed more than its probe stands only while all of that is as it was."""
    real = bench.kind.execute

    def see_more(task):
        return replace(real(task), observed={"content": "one", "extra": "seen"})

    bench.kind.execute = see_more
    bench.outside("a", "one")
    bench.run(declare("a", x="1"))
    bench.run(declare("a", x="2"))

    # The probe of this kind never tells of `extra`, so the outside is not what the first execution saw.
    assert _states(bench.run(declare("a", x="1"))) == {"a": "executed"}


def test_protected_environment_is_not_run_in(bench, declare):
    """Only a release moves it."""
    entry = Entry("production", EnvironmentEntry(protected=True), Place("ropewalk.yaml", 3))
    bench.workspace.project = replace(
        bench.workspace.project, sections={"environments": {"production": entry}}
    )
    bench.switch("production")

    with pytest.raises(ProtectedEnvironment, match="protected"):
        bench.run(declare("a"))


def test_error_that_may_pass_is_tried_again(bench, declare):
    """As often as the node's limits say, and no longer."""
    bench.kind.passing = ["busy", "busy"]
    patient = Limits(retries=2, backoff_s=0.01)

    assert _states(bench.run(declare("a", limits=patient))) == {"a": "executed"}
    assert (
        list_node_runs(bench.workspace.database, list_pipeline_runs(bench.workspace.database)[0].id)[
            0
        ].attempts
        == 3
    )


def test_error_that_will_not_pass_is_not_tried_again(bench, declare):
    """A broken step stays broken, whatever its limits say."""
    bench.kind.failing = {"a"}

    bench.run(declare("a", limits=Limits(retries=5, backoff_s=0.01)))

    assert bench.kind.executed == ["file:a"]


def test_retries_end(bench, declare):
    """After the last retry the error is told."""
    bench.kind.passing = ["third", "second", "first"]

    result = bench.run(declare("a", limits=Limits(retries=1, backoff_s=0.01)))

    assert result.nodes[0].error.message == "second"


def test_pool_bounds_how_many_run_at_once(bench, declare):
    """Nodes of a pool of one place never meet, while others go on."""
    place = Entry("db", 1, Place("ropewalk.yaml", 3))
    bench.workspace.project = replace(bench.workspace.project, sections={"pools": {"db": place}})
    inside, most, lock = [0], [0], threading.Lock()
    real = bench.kind.execute

    def count(task):
        with lock:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        try:
            return real(task)
        finally:
            with lock:
                inside[0] -= 1

    bench.kind.execute, bench.kind.slow = count, 0.02
    result = bench.run(*(declare(name, limits=Limits(pool="db")) for name in "abcd"))

    assert result.count(State.EXECUTED) == 4
    assert most == [1]


def test_unknown_pool_is_refused_before_anything_runs(bench, declare):
    """A pool that is not declared cannot bound anything."""
    with pytest.raises(UnknownPool, match="'db', which is not declared"):
        bench.run(declare("a", limits=Limits(pool="db")))


def test_plan_that_moved_is_refused(bench, declare):
    """A reviewed plan executes just the keys it names."""
    result = bench.run(declare("a"), expected={"file:a": "another"})

    assert isinstance(result.nodes[0].error, PlanMoved)
    assert bench.kind.executed == []


def test_pinned_output_stands_for_a_node(bench, declare):
    """What is pinned is not looked at, and counts for what needs it."""
    made = bench.run(declare("a", x="1")).nodes[0].output

    result = bench.run(declare("a", x="2"), declare("b", "a"), pinned={"file:a": made})

    assert _states(result) == {"a": "hit", "b": "executed"}


def test_trying_out_leaves_no_trace(bench, declare):
    """A run that neither reuses nor records executes again and changes nothing."""
    bench.run(declare("a"))
    before = pointers(bench.workspace.database, "dev")

    result = bench.run(declare("a"), reuses=False, records=False, moves_pointers=False)

    assert _states(result) == {"a": "executed"}
    assert pointers(bench.workspace.database, "dev") == before


def test_input_reason_names_the_snapshots(bench, declare):
    """A changed input is told by where it was and is."""
    bench.run(declare("a", x="1"), declare("b", "a"))
    result = bench.run(declare("a", x="2"), declare("b", "a"))

    (reason,) = result.nodes[1].reasons
    assert str(reason).startswith("input a: snapshot ")
    assert " -> " in reason.change


def test_failure_is_recorded_with_its_time(bench, declare):
    """How long a node worked before it failed is known as well."""
    real = bench.kind.execute

    def fail_late(task):
        time.sleep(0.02)
        return real(task)

    bench.kind.execute, bench.kind.failing = fail_late, {"a"}
    result = bench.run(declare("a"))

    (row,) = list_node_runs(bench.workspace.database, result.run_id)
    assert row.finished_at - row.started_at >= 20
