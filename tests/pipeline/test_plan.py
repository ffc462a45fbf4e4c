"""A plan says what would happen and changes nothing."""

from __future__ import annotations

from ropewalk.pipeline import Status, current_records, make_plan


def _plan(bench, *nodes, selected=None):
    return make_plan(
        bench.graph(*nodes), bench.kinds, bench.workspace, current_records(bench.workspace), selected
    )


def _statuses(plan):
    return {node.id.partition(":")[2]: node.status.value for node in plan.nodes}


def test_new_nodes_are_stale(bench, declare):
    """What never ran is stale, and planning does not run it."""
    plan = _plan(bench, declare("a"), declare("b", "a"))

    assert _statuses(plan) == {"a": "stale", "b": "stale"}
    assert bench.kind.executed == []
    assert current_records(bench.workspace) == {}


def test_after_a_run_all_is_fresh(bench, declare):
    """What was just executed is fresh."""
    nodes = [declare("a"), declare("b", "a")]
    bench.run(*nodes)

    assert _plan(bench, *nodes).count(Status.FRESH) == 2


def test_behind_a_stale_node_others_wait(bench, declare):
    """Whether a descendant runs is known only when its input came out; it says what it waits for."""
    bench.run(declare("a", x="1"), declare("b", "a"))

    plan = _plan(bench, declare("a", x="2"), declare("b", "a"))

    assert _statuses(plan) == {"a": "stale", "b": "waits"}
    assert [str(r) for r in plan.nodes[1].reasons] == ["input: waits for file:a"]


def test_changed_node_behind_a_stale_one_is_stale(bench, declare):
    """A node with a change of its own runs whatever its input does."""
    bench.run(declare("a", x="1"), declare("b", "a", y="1"))

    plan = _plan(bench, declare("a", x="2"), declare("b", "a", y="2"))

    assert _statuses(plan) == {"a": "stale", "b": "stale"}


def test_removed_input_is_a_reason(bench, declare):
    """A need that is gone is named."""
    bench.run(declare("a"), declare("b", "a"))

    plan = _plan(bench, declare("a"), declare("b"))

    assert [str(r) for r in plan.nodes[1].reasons] == ["input a: removed"]


def test_selected_plan_covers_ancestors_only(bench, declare):
    """A plan of one node has that node and what it needs."""
    plan = _plan(bench, declare("a"), declare("b", "a"), declare("c"), selected=["file:b"])

    assert _statuses(plan) == {"a": "stale", "b": "stale"}


def test_unreachable_without_a_record_is_stale(bench, declare):
    """Nothing stands in for a source that was never loaded."""
    bench.kind.unreachable = {"a": True}

    (planned,) = _plan(bench, declare("a")).nodes

    assert planned.status is Status.STALE
