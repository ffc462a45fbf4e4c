"""Protected environments: what only observes may run in them, on what their release has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from ropewalk.errors import Place
from ropewalk.pipeline import Node, ProtectedEnvironment, State
from ropewalk.pipeline.declared import EnvironmentEntry
from ropewalk.project import Entry
from ropewalk.store.environments import get_environment, move_pointers, pointers

from .conftest import Bench, FileKind, node

TABLE = node("table", sql="1")
WATCH = Node("watch:table", Place("ropewalk.yaml", 2), needs=node("x", "table").needs, facts={"limit": "1"})


class WatchKind(FileKind):
    """Nodes of it are in no release."""

    is_released = False


class WatchedBench(Bench):
    """A bench with that kind beside the other."""

    @property
    def kinds(self) -> Mapping[str, FileKind]:
        return {"file": self.kind, "watch": WatchKind(self.kind.folder, "watch")}


@pytest.fixture
def production(bench: Bench) -> Bench:
    """Return a bench whose production has the table, and which goes on in production."""
    entry = Entry("production", EnvironmentEntry(protected=True), Place("ropewalk.yaml", 1))
    bench.workspace.project = replace(
        bench.workspace.project, sections={"environments": {"production": entry}}
    )
    bench.run(TABLE)
    bench.switch("production")
    return WatchedBench(bench.workspace, bench.kind)


def apply(bench: Bench) -> None:
    keys = pointers(bench.workspace.database, "dev")
    with bench.workspace.database.write() as connection:
        move_pointers(connection, "production", keys, "release:1", release="1")


def test_what_observes_runs_on_what_was_released(production: Bench) -> None:
    """The table is not even looked at, though it is declared otherwise by now."""
    apply(production)

    result = production.run(node("table", sql="changed"), WATCH, selected=["watch:table"])

    assert {found.id: found.state for found in result.nodes} == {
        "file:table": State.HIT,
        "watch:table": State.EXECUTED,
    }
    assert set(pointers(production.workspace.database, "production")) == {"file:table", "watch:table"}


@pytest.mark.parametrize("selected", [None, ["file:table"], ["watch:table", "file:table"]])
def test_what_is_released_does_not_run(production: Bench, selected: list[str] | None) -> None:
    """Neither all of it, nor a table, nor both together."""
    apply(production)

    with pytest.raises(ProtectedEnvironment):
        production.run(TABLE, WATCH, selected=selected)


def test_a_protected_environment_begins_empty(production: Bench) -> None:
    """Also when a run that moves no pointers comes before the first release."""
    result = production.run(TABLE, moves_pointers=False)

    assert result.count(State.FAILED) == 0
    assert pointers(production.workspace.database, "production") == {}


def test_nothing_is_observed_before_the_first_release(production: Bench) -> None:
    """An environment that has nothing is not filled by the way."""
    with pytest.raises(ProtectedEnvironment):
        production.run(TABLE, WATCH, selected=["watch:table"])

    assert get_environment(production.workspace.database, "production") is None
