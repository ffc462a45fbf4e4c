"""A plan says what would happen and changes nothing."""

from __future__ import annotations

import dataclasses
import shutil

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


def test_waiting_is_passed_on(bench, declare):
    """A chain behind one stale node waits as a whole, each naming its own input."""
    nodes = [declare("b", "a"), declare("c", "b"), declare("d", "c")]
    bench.run(declare("a", x="1"), *nodes)

    plan = _plan(bench, declare("a", x="2"), *nodes)

    assert _statuses(plan) == {"a": "stale", "b": "waits", "c": "waits", "d": "waits"}
    assert [str(reason) for reason in plan.nodes[3].reasons] == ["input: waits for file:c"]


def test_planning_twice_says_the_same(bench, declare):
    """A plan is a value: nothing about it depends on when it was made, or that it was made before."""
    bench.run(declare("a", x="1"), declare("b", "a"))
    nodes = [declare("a", x="2"), declare("b", "a")]

    assert _plan(bench, *nodes) == _plan(bench, *nodes)


def test_lost_content_is_a_reason(bench, declare):
    """What the record says was made and is gone makes its node stale."""
    bench.run(declare("a"))
    shutil.rmtree(bench.kind.folder / "out" / "a")

    (planned,) = _plan(bench, declare("a")).nodes

    assert planned.status is Status.STALE
    assert str(planned.reasons[0]).startswith("content: no longer there")


def test_key_of_another_version_is_a_reason(bench, declare):
    """A record whose key was computed otherwise is not taken for current, and says why."""
    bench.run(declare("a"))
    record = dataclasses.replace(current_records(bench.workspace)["file:a"], key="of long ago")

    plan = make_plan(bench.graph(declare("a")), bench.kinds, bench.workspace, {"file:a": record})

    assert [str(reason) for reason in plan.nodes[0].reasons] == [
        "key: computed differently by this version of Ropewalk"
    ]


def test_outside_that_changed_is_named(bench, declare):
    """A change of the world outside is told by the name of its part."""
    bench.outside("a", "one")
    bench.run(declare("a"))
    bench.outside("a", "two")

    (planned,) = _plan(bench, declare("a")).nodes

    assert [str(reason) for reason in planned.reasons] == ["outside content: one -> two"]


def test_counts_add_up(bench, declare):
    """Every node of a plan has exactly one status."""
    bench.run(declare("a", x="1"), declare("b", "a"), declare("c"))

    plan = _plan(bench, declare("a", x="2"), declare("b", "a"), declare("c"))

    assert [plan.count(status) for status in (Status.STALE, Status.WAITS, Status.FRESH)] == [1, 1, 1]
    assert plan.environment == "dev"


def test_restored_node_does_not_hold_up_what_needs_it(bench, declare):
    """What would be restored is known, so what needs it is planned with it."""
    bench.run(declare("a", x="1"), declare("b", "a"))
    bench.run(declare("a", x="2"), declare("b", "a"))

    plan = _plan(bench, declare("a", x="1"), declare("b", "a"))

    assert [node.status for node in plan.nodes] == [Status.RESTORED, Status.RESTORED]
    assert [str(reason) for reason in plan.nodes[0].reasons] == ["x: 2 -> 1"]


def test_plan_says_how_long_it_took_before(bench, declare):
    """What would be executed costs about what it cost the last time; what is fresh costs nothing."""
    bench.kind.slow = 0.02
    bench.run(declare("a", x="1"), declare("c"))

    plan = _plan(bench, declare("a", x="2"), declare("c"), declare("d"))

    assert [node.seconds is not None for node in plan.nodes] == [True, False, False]
    assert plan.seconds() >= 0.02


def test_plan_names_the_version_it_was_made_from(bench, declare):
    """Whoever carries a plan out later can tell whether the environment moved meanwhile."""
    before = _plan(bench, declare("a")).version
    bench.run(declare("a"))

    assert (before, _plan(bench, declare("a")).version) == (0, 1)


def test_environment_that_is_not_used_yet_is_planned_from_its_base(bench, declare):
    """A branch's first plan says what its first run does: it begins with what its base has."""
    bench.run(declare("a"), declare("b", "a"))
    bench.switch("branch-new")

    plan = _plan(bench, declare("a"), declare("b", "a", x="1"))

    assert _statuses(plan) == {"a": "fresh", "b": "stale"}
    assert plan.version == 0


def test_restored_node_that_is_new_here_was_executed(bench, declare):
    """What another environment made is not called never executed."""
    bench.switch("early")
    bench.run(declare("b"))
    bench.switch("dev")
    bench.run(declare("a"))
    bench.switch("early")

    assert [str(reason) for reason in _plan(bench, declare("a")).nodes[0].reasons] == [
        "new: not in this environment yet"
    ]
