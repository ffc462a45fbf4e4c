"""Environments: pointers, their history, and moves that nobody else may have come before."""

from __future__ import annotations

import pytest

from ropewalk.store.environments import (
    drop_environment,
    ensure_environment,
    get_environment,
    list_changes,
    list_environments,
    move_pointers,
    pointers,
    pointers_at,
)
from ropewalk.store.errors import EnvironmentMoved
from ropewalk.store.pipeline import ActionRow, RunRow, record_action, start_run


@pytest.fixture(name="actions")
def _actions(database):
    """Return a database with two actions that pointers may name."""
    start_run(database, RunRow("r1", "dev", "running", None, None, False, 1, None))
    with database.write() as connection:
        for key in ("k1", "k2"):
            record_action(connection, ActionRow(key, key, "table:a.b", {}, {}, {}, "{}", "r1", 1, 1, 1), None)
    return database


def move(database, name, moves, **options):
    """Move pointers in a transaction of their own."""
    with database.write() as connection:
        return move_pointers(connection, name, moves, "run:r1", **options)


def test_nothing_was_ever_run(actions):
    """An environment exists from its first use on."""
    assert get_environment(actions, "dev") is None
    assert list_environments(actions) == []
    assert pointers(actions, "dev") == {}


def test_new_environment_starts_with_the_pointers_of_its_base(actions):
    """A branch shares everything with its base until it runs."""
    move(actions, "production", {"table:a.b": "k1"})

    made = ensure_environment(actions, "branch-x", "production")

    assert (made.base, made.version) == ("production", 1)
    assert pointers(actions, "branch-x") == {"table:a.b": "k1"}


def test_existing_environment_is_left_as_it_is(actions):
    """Only the first use copies."""
    move(actions, "production", {"table:a.b": "k1"})
    ensure_environment(actions, "dev", None)

    assert ensure_environment(actions, "dev", "production").base is None
    assert pointers(actions, "dev") == {}


def test_pointers_move_apart(actions):
    """What one environment does is not seen in the other."""
    move(actions, "production", {"table:a.b": "k1"})
    ensure_environment(actions, "dev", "production")

    move(actions, "dev", {"table:a.b": "k2"})

    assert pointers(actions, "production") == {"table:a.b": "k1"}
    assert pointers(actions, "dev") == {"table:a.b": "k2"}


def test_every_version_can_be_seen_again(actions):
    """History replays to any version, also over a removed pointer."""
    move(actions, "dev", {"table:a.b": "k1"})
    move(actions, "dev", {"table:a.b": "k2"}, release="abc")
    move(actions, "dev", {"table:a.b": None})

    found = [pointers_at(actions, "dev", version).get("table:a.b") for version in range(4)]

    assert found == [None, "k1", "k2", None]
    assert [change.action_key for change in list_changes(actions, "dev")] == [None, "k2", "k1"]
    assert get_environment(actions, "dev").release == "abc"


def test_move_against_another_version_is_refused(actions):
    """Compare and set: what was planned against has to be there still, and nothing moves otherwise."""
    version = move(actions, "dev", {"table:a.b": "k1"})
    move(actions, "dev", {"table:a.b": "k2"})

    with pytest.raises(EnvironmentMoved, match="from version 1 to 2"):
        move(actions, "dev", {"table:a.b": "k1"}, expected=version)

    assert pointers(actions, "dev") == {"table:a.b": "k2"}


def test_dropped_environment_leaves_nothing(actions):
    """Its pointers and its history go; other environments stay."""
    move(actions, "dev", {"table:a.b": "k1"})
    move(actions, "production", {"table:a.b": "k1"})

    drop_environment(actions, "dev")

    assert [row.name for row in list_environments(actions)] == ["production"]
    assert list_changes(actions, "dev") == []
    assert pointers(actions, "dev") == {}
