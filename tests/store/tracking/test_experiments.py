"""Experiments in the store."""

from __future__ import annotations

import pytest

from ropewalk.store import Database, RowRefused
from ropewalk.store.search import Condition, Ordering, Page
from ropewalk.store.tracking.experiments import (
    create_experiment,
    delete_experiment_tag,
    find_experiment,
    find_experiment_by_name,
    is_experiment_id,
    read_experiments,
    rename_experiment,
    search_experiments,
    set_experiment_stage,
    set_experiment_tag,
)
from ropewalk.store.tracking.runs import NewRun, find_run, insert_run


def test_the_default_experiment(database: Database) -> None:
    """A new database has experiment 0."""
    with database.read() as connection:
        found = find_experiment(connection, "0")

    assert found
    assert (found.name, found.artifact_location) == ("Default", "mlflow-artifacts:/0")


def test_create(database: Database) -> None:
    """An experiment has tags and a location, by default under its own id."""
    with database.write() as connection:
        own = create_experiment(connection, "own", None, {"a": "b"})
        given = create_experiment(connection, "given", "s3://bucket", {})
        found = read_experiments(connection, [given, "77", own])

    assert [experiment.name for experiment in found] == ["given", "own"]
    assert [experiment.artifact_location for experiment in found] == [
        "s3://bucket",
        f"mlflow-artifacts:/{own}",
    ]
    assert found[1].tags == {"a": "b"}


def test_ids_are_not_given_twice(database: Database) -> None:
    """An id that was once used stays used, so that no old artifact appears in a new experiment."""
    with database.write() as connection:
        first = create_experiment(connection, "a", None, {})
        connection.execute("DELETE FROM experiment WHERE id = ?", (first,))
        second = create_experiment(connection, "b", None, {})

    assert second != first


def test_names_are_unique(database: Database) -> None:
    """The store itself refuses a second experiment of one name, new or renamed."""
    with pytest.raises(RowRefused), database.write() as connection:
        create_experiment(connection, "Default", None, {})
    with database.write() as connection:
        other = create_experiment(connection, "other", None, {})
    with pytest.raises(RowRefused), database.write() as connection:
        rename_experiment(connection, other, "Default")


def test_stages(database: Database) -> None:
    """Deleting an experiment deletes its runs, restoring it restores them."""
    with database.write() as connection:
        insert_run(connection, NewRun("r", "0", "r", "", 0))
        set_experiment_stage(connection, "0", "deleted")
        deleted = find_run(connection, "r")
        set_experiment_stage(connection, "0", "active")
        restored = find_run(connection, "r")

    assert deleted
    assert restored
    assert (deleted.stage, restored.stage) == ("deleted", "active")


def test_tags(database: Database) -> None:
    """Tags are set, changed and removed."""
    with database.write() as connection:
        set_experiment_tag(connection, "0", "a", "1")
        set_experiment_tag(connection, "0", "a", "2")
        changed = find_experiment(connection, "0")
        assert delete_experiment_tag(connection, "0", "a")
        assert not delete_experiment_tag(connection, "0", "a")

    assert changed
    assert changed.tags == {"a": "2"}


@pytest.mark.parametrize("text", ["", "x", "01", " 1", "1 ", "-1", "1.0", "٣", "9" * 30, "0x1"])
def test_what_is_no_id(database: Database, text: str) -> None:
    """Only a plain whole number is an experiment's id."""
    assert not is_experiment_id(text)
    with database.read() as connection:
        assert find_experiment(connection, text) is None


def test_search(database: Database) -> None:
    """Experiments are found by name, tag and stage, in order."""
    with database.write() as connection:
        for name in ("alpha", "beta", "gamma"):
            create_experiment(connection, name, None, {"initial": name[0]})
        found = search_experiments(
            connection,
            [Condition("attribute", "name", "LIKE", "%a%"), Condition("tag", "initial", "!=", "a")],
            [Ordering("attribute", "name", is_ascending=False)],
            Page(10),
        )

    assert [experiment.name for experiment in found] == ["gamma", "beta"]


def test_by_name(database: Database) -> None:
    """An experiment is found by its exact name."""
    with database.read() as connection:
        assert find_experiment_by_name(connection, "Default")
        assert find_experiment_by_name(connection, "default") is None
