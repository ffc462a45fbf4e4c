"""Claims about deployments in the metadata: moved by compare-and-set, with their history."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from ropewalk.store import Database
from ropewalk.store.database import migrations
from ropewalk.store.deployments import (
    Deployment,
    RevisionTaken,
    Target,
    current_deployment,
    current_deployments,
    deployment_history,
    drop_deployments,
    move_deployment,
    was_deployed,
)


def target(version: int) -> Target:
    return Target("late", version, f"digest-{version}", "flight_id")


def test_a_new_deployment_starts_at_revision_one(database: Database) -> None:
    """The first move expects revision 0, and is read back as written."""
    moved = move_deployment(database, "dev", "late", target(3), expected=0, run_id="r1")

    assert moved == Deployment("dev", "late", 1, target(3), "r1", moved.moved_at)
    assert current_deployment(database, "dev", "late") == moved


def test_a_move_keeps_what_was_before(database: Database) -> None:
    """The history holds every state, newest first; only the newest is current."""
    first = move_deployment(database, "dev", "late", target(1), expected=0)
    second = move_deployment(database, "dev", "late", target(2), expected=1)

    assert deployment_history(database, "dev", "late") == [second, first]
    assert current_deployments(database, "dev") == [second]


def test_deployments_are_listed_by_name(database: Database) -> None:
    """Each deployment has its own revisions."""
    for name in ("late", "early"):
        move_deployment(database, "dev", name, target(1), expected=0)
    move_deployment(database, "dev", "late", target(2), expected=1)

    assert [(found.name, found.target.version) for found in current_deployments(database, "dev")] == [
        ("early", 1),
        ("late", 2),
    ]


def test_environments_have_revisions_of_their_own(database: Database) -> None:
    """One name in two environments is two deployments, and each is forgotten alone."""
    move_deployment(database, "dev", "late", target(1), expected=0)
    moved = move_deployment(database, "production", "late", target(2), expected=0)

    assert [(d.environment, d.target.version) for d in current_deployments(database)] == [
        ("dev", 1),
        ("production", 2),
    ]
    drop_deployments(database, "dev")
    assert current_deployments(database) == [moved]
    assert deployment_history(database, "dev", "late") == []


def test_what_was_deployed_anywhere_is_known(database: Database) -> None:
    """A version that another environment served before counts, one with other content does not."""
    move_deployment(database, "dev", "late", target(1), expected=0)
    move_deployment(database, "dev", "late", target(2), expected=1)

    assert was_deployed(database, target(1))
    assert not was_deployed(database, target(3))
    assert not was_deployed(database, Target("late", 1, "other", "flight_id"))


def test_deployments_from_before_environments_are_those_of_dev(tmp_path: Path) -> None:
    """A database of the release before keeps what it served, in the default environment."""
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for step in migrations()[:8]:
            connection.executescript(f"{step.sql};PRAGMA user_version = {step.number}")
        row = ("late", 1, "late", 3, "digest", "flight_id", None, 5)
        connection.execute("INSERT INTO deployment_revision VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)

    opened = Database.open(path)

    found = current_deployment(opened, "dev", "late")
    opened.close()
    assert found == Deployment("dev", "late", 1, Target("late", 3, "digest", "flight_id"), None, 5)


def test_a_deployment_that_never_served_is_none(database: Database) -> None:
    """What was never deployed has neither state nor history."""
    assert current_deployment(database, "dev", "late") is None
    assert deployment_history(database, "dev", "late") == []


@pytest.mark.parametrize("expected", [0, 2])
def test_a_move_from_another_revision_is_refused(database: Database, expected: int) -> None:
    """Who did not see the last move does not undo it."""
    move_deployment(database, "dev", "late", target(1), expected=0)

    with pytest.raises(RevisionTaken, match=f"at revision 1, not {expected}"):
        move_deployment(database, "dev", "late", target(2), expected=expected)

    assert [found.target.version for found in deployment_history(database, "dev", "late")] == [1]


def test_of_two_that_move_at_once_one_wins(database: Database) -> None:
    """Eight threads move from the same revision: one does, seven are told."""

    def move(version: int) -> bool:
        try:
            move_deployment(database, "dev", "late", target(version), expected=0)
        except RevisionTaken:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(move, range(8)))

    assert outcomes.count(True) == 1
    assert [found.target.version for found in deployment_history(database, "dev", "late")] == [
        outcomes.index(True)
    ]
