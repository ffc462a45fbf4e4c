"""Promotion as values: what a release names, what applying it checks and moves, and what a kill leaves."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from threading import Thread

import pytest

from ropewalk.pipeline import (
    ContentMissing,
    ExecutionMissing,
    InvalidRelease,
    ReleasePlan,
    UnknownEnvironment,
    apply_release,
    plan_release,
    propose_release,
)
from ropewalk.project import Release, ReleasedNode, write_release
from ropewalk.store.environments import get_environment, list_changes, pointers
from ropewalk.store.errors import EnvironmentMoved
from ropewalk.store.run_history import list_past_nodes, list_past_runs

from .conftest import Bench, Node, StepFailedHere, node

Declare = Callable[..., Node]
A, B, C = node("a", sql="1"), node("b", "a", sql="2"), node("c", "b", sql="3")


def propose(bench: Bench, *nodes: Node, source: str = "dev", selected: list[str] | None = None):
    graph = bench.graph(*nodes)
    return propose_release(bench.workspace, graph, bench.kinds, "production", source, selected)


def plan(bench: Bench, release: Release, *nodes: Node) -> ReleasePlan:
    bench.switch(release.environment)
    return plan_release(bench.workspace, bench.graph(*nodes), bench.kinds, release)


def apply(bench: Bench, release: Release, *nodes: Node) -> int:
    found = plan(bench, release, *nodes)
    version = apply_release(bench.workspace, bench.graph(*nodes), bench.kinds, found)
    bench.switch("dev")
    return version


def promoted(bench: Bench, *nodes: Node) -> Release:
    """Run the nodes in dev, apply all of them to production and return that release."""
    bench.run(*nodes)
    release = propose(bench, *nodes).release
    apply(bench, release, *nodes)
    return release


def production(bench: Bench) -> dict[str, str]:
    return pointers(bench.workspace.database, "production")


def test_a_release_names_what_the_source_has(bench: Bench) -> None:
    """Every node with its reference, key and digest; all of it is new to an environment that has nothing."""
    bench.run(A, B)

    proposal = propose(bench, A, B)

    assert {name: made.key for name, made in proposal.release.nodes.items()} == pointers(
        bench.workspace.database, "dev"
    )
    assert proposal.release.nodes["file:a"].made.startswith("snapshot:")
    assert [(shift.node, shift.before) for shift in proposal.shifts] == [("file:a", None), ("file:b", None)]
    assert proposal.warnings == ()


def test_applying_moves_all_pointers_and_executes_nothing(bench: Bench) -> None:
    """In one version of the environment, with the release as its cause."""
    bench.run(A, B)
    release = propose(bench, A, B).release
    bench.kind.executed.clear()

    version = apply(bench, release, A, B)

    assert (version, bench.kind.executed, bench.kind.adopted) == (1, [], ["file:a", "file:b"])
    assert production(bench) == pointers(bench.workspace.database, "dev")
    row = get_environment(bench.workspace.database, "production")
    assert row
    assert row.release == release.digest
    causes = {change.cause for change in list_changes(bench.workspace.database, "production")}
    assert causes == {f"release:{release.digest}"}


def test_applying_is_a_run(bench: Bench) -> None:
    """What was done last is found in one list, whether it was executed or applied; applying again adds nothing."""
    release = promoted(bench, A, B)
    apply(bench, release, A, B)

    newest, *_ = list_past_runs(bench.workspace.database, 5, environment="production")
    nodes = list_past_nodes(bench.workspace.database, newest.id)

    assert (newest.cause, newest.state, newest.restored) == (f"release:{release.digest}", "succeeded", 2)
    assert [(node.node, node.state) for node in nodes] == [("file:a", "restored"), ("file:b", "restored")]
    assert len(list_past_runs(bench.workspace.database, 5, environment="production")) == 1


def test_applying_again_does_nothing(bench: Bench) -> None:
    """No version, no adoption, no line of history."""
    release = promoted(bench, A, B)
    bench.kind.adopted.clear()

    assert apply(bench, release, A, B) == 1
    assert bench.kind.adopted == []
    assert len(list_changes(bench.workspace.database, "production")) == 2


def test_only_what_differs_moves(bench: Bench) -> None:
    """What a change did not touch is neither adopted nor moved."""
    promoted(bench, A, B, C)
    changed = node("b", "a", sql="22")
    bench.run(A, changed, C)
    bench.kind.adopted.clear()

    proposal = propose(bench, A, changed, C)
    apply(bench, proposal.release, A, changed, C)

    assert [shift.node for shift in proposal.shifts] == ["file:b", "file:c"]
    assert bench.kind.adopted == ["file:b", "file:c"]
    assert len(list_changes(bench.workspace.database, "production")) == 5


def test_applying_an_earlier_release_is_the_way_back(bench: Bench) -> None:
    """The pointers are those of before, and the history has both moves."""
    first = promoted(bench, A, B)
    before = production(bench)
    promoted(bench, A, node("b", "a", sql="22"))

    version = apply(bench, first, A, B)

    assert (version, production(bench)) == (3, before)


def test_what_a_release_does_not_name_is_taken_away(bench: Bench) -> None:
    """A release says all of it: a node that went is not pointed at any more."""
    promoted(bench, A, B)
    bench.run(A)

    proposal = propose(bench, A)
    apply(bench, proposal.release, A)

    assert [(shift.node, shift.after) for shift in proposal.shifts] == [("file:b", None)]
    assert list(production(bench)) == ["file:a"]


def test_selected_nodes_bring_what_they_need(bench: Bench) -> None:
    """The rest stays as it was decided, also by a release that is not applied yet."""
    first = promoted(bench, A, B, C)
    new = [node(name, *needs, sql="new") for name, needs in (("a", ()), ("b", ("a",)), ("c", ("b",)))]
    bench.run(*new)
    write_release(bench.workspace.root, first)

    proposal = propose(bench, *new, selected=["file:b"])

    assert [shift.node for shift in proposal.shifts] == ["file:a", "file:b"]
    assert proposal.release.nodes["file:c"] == first.nodes["file:c"]


def test_a_merged_release_that_is_not_applied_yet_is_not_taken_back(bench: Bench) -> None:
    """The file in the working tree counts before the pointers."""
    promoted(bench, A, B)
    decided = ReleasedNode(made="file:b", key="f" * 32, digest="decided")
    write_release(bench.workspace.root, Release("production", {"file:b": decided}))

    proposal = propose(bench, A, B, selected=["file:a"])

    assert proposal.release.nodes["file:b"] == decided


def test_what_is_behind_is_told(bench: Bench) -> None:
    """A node that was never made, one declared otherwise by now, and one made from something else."""
    bench.run(A, B)
    old = propose(bench, A, B).release.nodes["file:a"].made
    bench.kind.failing = {"b"}
    newer = node("a", sql="11")
    bench.run(newer, B)

    proposal = propose(bench, newer, node("b", "a", sql="changed"), C)

    assert proposal.warnings == (
        "file:c was never made in dev",
        "file:b is declared otherwise by now than it was made",
        f"file:b was made from {old} of file:a, and the release has {proposal.release.nodes['file:a'].made}",
    )


def test_an_environment_where_nothing_was_made_is_told(bench: Bench) -> None:
    """With the nearest one that has something."""
    bench.run(A)

    with pytest.raises(UnknownEnvironment) as caught:
        propose(bench, A, source="deb")

    assert caught.value.nearest == "dev"


def test_kinds_that_observe_are_in_no_release(bench: Bench) -> None:
    """A monitor's findings belong to their own environment: not named, and not taken away either."""
    bench.run(A, B)
    bench.switch("production")
    bench.run(node("c", sql="3"))
    bench.switch("dev")
    type(bench.kind).is_released = False
    try:
        assert propose(bench, A, B).release.nodes == {}
        apply(bench, Release("production", {}), A, B)
    finally:
        type(bench.kind).is_released = True
    # It was forked from dev.
    assert list(production(bench)) == ["file:a", "file:b", "file:c"]


def test_an_execution_that_is_not_here_is_told(bench: Bench) -> None:
    """By node and place, with the command that may bring it; nothing moves."""
    bench.run(A)
    nodes = {"file:a": ReleasedNode(made="file:a", key="0" * 32, digest="d")}

    with pytest.raises(ExecutionMissing, match="file:a") as caught:
        plan(bench, Release("production", nodes), A)

    assert "ropewalk cache push" in (caught.value.hint or "")
    assert production(bench) == {}


@pytest.mark.parametrize("changed", [{"digest": "d"}, {"key": "of another"}])
def test_a_release_that_was_written_by_hand_is_refused(bench: Bench, changed: dict[str, str]) -> None:
    """What an execution made is known, and so is which node it was of."""
    bench.run(A, B)
    nodes = dict(propose(bench, A, B).release.nodes)
    update = changed if "digest" in changed else {"key": nodes["file:b"].key}
    nodes["file:a"] = nodes["file:a"].model_copy(update=update)

    with pytest.raises(InvalidRelease, match="file:a: the execution"):
        plan(bench, Release("production", nodes), A, B)


def test_content_that_is_gone_is_told_before_anything_moves(bench: Bench) -> None:
    """The environment keeps what it has."""
    bench.run(A, B)
    release = propose(bench, A, B).release
    for path in (bench.kind.folder / "out" / "b").iterdir():
        path.unlink()

    with pytest.raises(ContentMissing, match="not there any more: file:b"):
        plan(bench, release, A, B)


def test_a_node_that_is_not_declared_is_left_out(bench: Bench) -> None:
    """An earlier release may name what the project has no more; that is told."""
    release = promoted(bench, A, B)

    found = plan(bench, release, A)

    assert [(shift.node, shift.after) for shift in found.shifts] == [("file:b", None)]
    assert found.warnings == ("file:b is in the release and not declared; it is left out",)


def test_a_plan_of_an_environment_that_moved_is_refused(bench: Bench) -> None:
    """Before anything is made current: what was reviewed is not what would happen."""
    first = promoted(bench, A, B)
    bench.run(A, node("b", "a", sql="22"))
    outdated = plan(bench, propose(bench, A, node("b", "a", sql="22")).release, A, B)
    apply(bench, replace(first, nodes={"file:a": first.nodes["file:a"]}), A, B)
    bench.kind.adopted.clear()
    bench.switch("production")

    with pytest.raises(EnvironmentMoved, match="from version 1 to 2"):
        apply_release(bench.workspace, bench.graph(A, B), bench.kinds, outdated)

    assert bench.kind.adopted == []


def test_what_cannot_be_made_current_moves_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The nodes before it go back to what they had."""
    promoted(bench, A, B)
    before = production(bench)
    new = node("a", sql="11"), node("b", "a", sql="22")
    bench.run(*new)
    bench.kind.adopted.clear()
    release = propose(bench, *new).release
    digest = release.nodes["file:b"].digest
    original = bench.kind.adopt

    def adopt(chosen, output, workspace):
        if output.digest == digest:
            raise StepFailedHere("b cannot be current")
        original(chosen, output, workspace)

    monkeypatch.setattr(bench.kind, "adopt", adopt)

    with pytest.raises(StepFailedHere):
        apply(bench, release, *new)

    assert production(bench) == before
    assert bench.kind.adopted == ["file:a", "file:b", "file:a"]


def test_what_is_pointed_at_and_not_current_is_made_so(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a kill between adopting and moving back, applying once more repairs it."""
    release = promoted(bench, A, B)
    bench.kind.adopted.clear()
    broken = {"file:b"}
    original = bench.kind.adopt
    monkeypatch.setattr(bench.kind, "holds", lambda chosen, *_: chosen.id not in broken)
    monkeypatch.setattr(bench.kind, "adopt", lambda n, o, w: (broken.discard(n.id), original(n, o, w)))

    found = plan(bench, release, A, B)
    apply_release(bench.workspace, bench.graph(A, B), bench.kinds, found)

    assert (found.shifts, found.repairs, bench.kind.adopted) == ((), ("file:b",), ["file:b"])


def test_of_two_that_apply_at_once_one_is_told(bench: Bench) -> None:
    """They go one after the other, and the second sees that the environment has moved."""
    bench.run(A, B)
    release = propose(bench, A, B).release
    plans = [plan(bench, release, A, B), plan(bench, release, A, B)]
    told: list[object] = []

    def go(chosen: ReleasePlan) -> None:
        try:
            told.append(apply_release(bench.workspace, bench.graph(A, B), bench.kinds, chosen))
        except EnvironmentMoved as error:
            told.append(error.code)

    threads = [Thread(target=go, args=(chosen,)) for chosen in plans]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(map(str, told)) == ["1", "RW312"]


def test_a_hundred_nodes_are_applied_within_a_second(bench: Bench) -> None:
    """Planning and moving together, at the best of a few tries on a machine that also does other things."""
    nodes = [node(f"n{i}", sql="1") for i in range(100)]
    bench.run(*nodes)
    release = propose(bench, *nodes).release
    spent = []
    for _ in range(4):
        started = time.process_time()
        apply(bench, release, *nodes)
        spent.append(time.process_time() - started)
        assert len(production(bench)) == 100
        # The way back to nothing, so that the next try moves all of them again.
        apply(bench, Release("production", {}), *nodes)

    assert min(spent) < 1
