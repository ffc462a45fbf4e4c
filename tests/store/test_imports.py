"""Rows that keep what they had on another server: ids, times and numbers that are never given again."""

from __future__ import annotations

import pytest

from ropewalk.store import Database, RowRefused
from ropewalk.store.imports import (
    PastTimes,
    find_run_number,
    insert_experiment_as,
    insert_run_as,
    list_run_ids,
    metric_names,
    time_experiment,
)
from ropewalk.store.tracking.runs import NewRun

THEN = PastTimes(1_500_000_000_000, 1_500_000_000_001)


def _times(database: Database, identifier: int) -> tuple[int, int]:
    with database.read() as connection:
        row = connection.execute(
            "SELECT created_at, updated_at FROM experiment WHERE id = ?", (identifier,)
        ).fetchone()
    return row["created_at"], row["updated_at"]


def test_an_experiment_keeps_id_and_times(database: Database) -> None:
    """Whatever numbers were given here before."""
    with database.write() as connection:
        insert_experiment_as(connection, 4711, "late", THEN)

    assert _times(database, 4711) == (THEN.created_at, THEN.updated_at)


@pytest.mark.parametrize(("identifier", "name"), [(4711, "other"), (4712, "late")])
def test_an_id_or_name_that_is_taken(database: Database, identifier: int, name: str) -> None:
    """Nothing that is here is written over, and nothing of what is refused stays."""
    with database.write() as connection:
        insert_experiment_as(connection, 4711, "late", THEN)

    with pytest.raises(RowRefused), database.write() as connection:
        insert_experiment_as(connection, identifier, name, PastTimes(1, 1))

    assert _times(database, 4711) == (THEN.created_at, THEN.updated_at)


def test_times_are_set_afterwards(database: Database) -> None:
    """What an import wrote into an experiment is no change of it."""
    with database.write() as connection:
        insert_experiment_as(connection, 4711, "late", PastTimes(1, 1))
        time_experiment(connection, "4711", THEN)

    assert _times(database, 4711) == (THEN.created_at, THEN.updated_at)


@pytest.mark.parametrize(("status", "ended_at"), [("FINISHED", 9), ("FAILED", 9), ("KILLED", None)])
def test_a_run_keeps_how_it_ended(database: Database, status: str, ended_at: int | None) -> None:
    """Also one that was cut off, and never said when."""
    with database.write() as connection:
        number = insert_run_as(connection, NewRun("abc", "0", "n", "ada", 5), status, ended_at)
        row = connection.execute("SELECT * FROM run WHERE number = ?", (number,)).fetchone()

        assert find_run_number(connection, "abc") == number
        assert (row["status"], row["started_at"], row["ended_at"]) == (status, 5, ended_at)
        assert metric_names(connection, number) == []


def test_runs_in_the_order_they_came(database: Database) -> None:
    """Not in that of their ids or times; those of other experiments are not among them."""
    with database.write() as connection:
        insert_experiment_as(connection, 4711, "late", THEN)
        for identifier, start in (("b", 3), ("c", 1), ("a", 2)):
            insert_run_as(connection, NewRun(identifier, "4711", "n", "ada", start), "FINISHED", 9)

        assert list_run_ids(connection, "4711") == ["b", "c", "a"]
        assert list_run_ids(connection, "0") == []
        assert find_run_number(connection, "nobody") is None
