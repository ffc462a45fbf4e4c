"""Environments as people look at them: listed, shown, compared, dropped."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ropewalk.errors import Place
from ropewalk.pipeline import (
    EnvironmentKept,
    UnknownEnvironment,
    compare_environments,
    environment_history,
    environment_lines,
    environment_pointers,
    remove_environment,
)
from ropewalk.pipeline.declared import EnvironmentEntry
from ropewalk.project import Entry
from ropewalk.store.environments import get_environment

from .conftest import Bench, node

A, B = node("a", sql="1"), node("b", "a", sql="2")


def declare(bench: Bench, **entries: EnvironmentEntry) -> None:
    """Let the project declare environments."""
    section = {name: Entry(name, value, Place("ropewalk.yaml", 1)) for name, value in entries.items()}
    bench.workspace.project = replace(bench.workspace.project, sections={"environments": section})


def test_used_and_declared_environments_are_listed(bench: Bench) -> None:
    """Each with its base, its version, what it has and whether only a release moves it."""
    declare(bench, production=EnvironmentEntry(protected=True), staging=EnvironmentEntry(expires="2d"))
    bench.run(A, B)
    bench.switch("staging")
    bench.run(A)

    dev, production, staging = environment_lines(bench.workspace)

    assert (dev.name, dev.base, dev.version, dev.pointers, dev.expires_at) == ("dev", None, 2, 2, None)
    assert (production.version, production.base, production.is_protected) == (0, None, True)
    assert (staging.base, staging.pointers) == ("dev", 2)
    assert staging.expires_at == (staging.used_at or 0) + 2 * 86_400_000


def test_pointers_say_what_brought_them(bench: Bench) -> None:
    """The run of a node that was executed, and the base of one that was there from the start."""
    bench.run(A, B)
    bench.switch("mr-7")
    result = bench.run(A, node("b", "a", sql="22"))

    a, b = environment_pointers(bench.workspace, "mr-7")

    assert (a.node, a.cause) == ("file:a", "base:dev")
    assert (b.node, b.cause) == ("file:b", f"run:{result.run_id}")
    assert b.reference.startswith("snapshot:")
    assert (b.moved_at or 0) >= (a.moved_at or 0)


def test_history_tells_what_moved_together(bench: Bench) -> None:
    """Newest first, each node with what it had before and after; no more than asked for."""
    bench.run(A)
    bench.run(node("a", sql="11"))

    newest, first = environment_history(bench.workspace, "dev")

    assert (newest.version, first.version) == (2, 1)
    ((name, before, after),) = newest.moves
    assert (name, first.moves[0][1], first.moves[0][2]) == ("file:a", None, before)
    assert after != before
    assert environment_history(bench.workspace, "dev", limit=1) == [newest]


def test_two_environments_are_compared_by_node(bench: Bench) -> None:
    """What differs, with the reasons; what only one has, without."""
    bench.run(A, B)
    bench.switch("mr-7")
    bench.run(A, node("b", "a", sql="22"), node("c", sql="3"))

    b, c = compare_environments(bench.workspace, "dev", "mr-7")

    assert (b.node, [str(reason) for reason in b.reasons]) == ("file:b", ["sql: 2 -> 22"])
    assert (c.node, c.one, c.reasons) == ("file:c", None, ())
    assert compare_environments(bench.workspace, "dev", "dev") == []


def test_an_input_that_differs_is_a_reason(bench: Bench) -> None:
    """Told by where the content is."""
    bench.run(A, B)
    bench.switch("mr-7")
    bench.run(node("a", sql="11"), B)

    found = {
        item.node: [str(reason) for reason in item.reasons]
        for item in compare_environments(bench.workspace, "dev", "mr-7")
    }

    assert found["file:a"] == ["sql: 1 -> 11"]
    assert found["file:b"][0].startswith("input a: snapshot ")


@pytest.mark.parametrize("look", [environment_pointers, environment_history, remove_environment])
def test_an_unknown_environment_is_told_with_the_nearest(bench: Bench, look) -> None:
    """Whatever was asked of it."""
    bench.run(A)

    with pytest.raises(UnknownEnvironment) as caught:
        look(bench.workspace, "deb")

    assert caught.value.nearest == "dev"


def test_an_environment_that_has_nothing_of_its_own_is_dropped(bench: Bench) -> None:
    """Its pointers and its history go; the executions stay, and are restored when they are wanted again."""
    bench.run(A, B)
    bench.switch("mr-7")
    bench.run(A, B)

    remove_environment(bench.workspace, "mr-7")

    assert get_environment(bench.workspace.database, "mr-7") is None
    assert [line.name for line in environment_lines(bench.workspace)] == ["dev"]
    bench.run(A, B)
    assert bench.kind.executed == []


def test_work_that_nobody_else_has_is_not_dropped_by_the_way(bench: Bench) -> None:
    """Only when it is said that it may go."""
    bench.run(A)
    bench.switch("mr-7")
    bench.run(A, B)

    with pytest.raises(EnvironmentKept, match="1 of its nodes") as caught:
        remove_environment(bench.workspace, "mr-7")

    assert "--yes" in (caught.value.hint or "")
    remove_environment(bench.workspace, "mr-7", is_sure=True)
    assert get_environment(bench.workspace.database, "mr-7") is None


@pytest.mark.parametrize("name", ["dev", "production"])
def test_the_default_and_protected_environments_stay(bench: Bench, name: str) -> None:
    """No word drops them."""
    declare(bench, production=EnvironmentEntry(protected=True))
    bench.run(A)

    with pytest.raises(EnvironmentKept, match="and stays"):
        remove_environment(bench.workspace, name, is_sure=True)
