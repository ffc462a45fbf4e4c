"""Claims about deployments in the metadata: moved by compare-and-set, with their history."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ropewalk.store import Database
from ropewalk.store.deployments import (
    Deployment,
    RevisionTaken,
    Target,
    current_deployment,
    current_deployments,
    deployment_history,
    move_deployment,
)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    found = Database.open(tmp_path / "ropewalk.db")
    yield found
    found.close()


def target(version: int) -> Target:
    return Target("late", version, f"digest-{version}", "flight_id")


def test_a_new_deployment_starts_at_revision_one(database: Database) -> None:
    """The first move expects revision 0, and is read back as written."""
    moved = move_deployment(database, "late", target(3), expected=0, run_id="r1")

    assert moved == Deployment("late", 1, target(3), "r1", moved.moved_at)
    assert current_deployment(database, "late") == moved


def test_a_move_keeps_what_was_before(database: Database) -> None:
    """The history holds every state, newest first; only the newest is current."""
    first = move_deployment(database, "late", target(1), expected=0)
    second = move_deployment(database, "late", target(2), expected=1)

    assert deployment_history(database, "late") == [second, first]
    assert current_deployments(database) == [second]


def test_deployments_are_listed_by_name(database: Database) -> None:
    """Each deployment has its own revisions."""
    for name in ("late", "early"):
        move_deployment(database, name, target(1), expected=0)
    move_deployment(database, "late", target(2), expected=1)

    assert [(found.name, found.target.version) for found in current_deployments(database)] == [
        ("early", 1),
        ("late", 2),
    ]


def test_a_deployment_that_never_served_is_none(database: Database) -> None:
    """What was never deployed has neither state nor history."""
    assert current_deployment(database, "late") is None
    assert deployment_history(database, "late") == []


@pytest.mark.parametrize("expected", [0, 2])
def test_a_move_from_another_revision_is_refused(database: Database, expected: int) -> None:
    """Who did not see the last move does not undo it."""
    move_deployment(database, "late", target(1), expected=0)

    with pytest.raises(RevisionTaken, match=f"at revision 1, not {expected}"):
        move_deployment(database, "late", target(2), expected=expected)

    assert [found.target.version for found in deployment_history(database, "late")] == [1]


def test_of_two_that_move_at_once_one_wins(database: Database) -> None:
    """Eight threads move from the same revision: one does, seven are told."""

    def move(version: int) -> bool:
        try:
            move_deployment(database, "late", target(version), expected=0)
        except RevisionTaken:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(move, range(8)))

    assert outcomes.count(True) == 1
    assert [found.target.version for found in deployment_history(database, "late")] == [outcomes.index(True)]
