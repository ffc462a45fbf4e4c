"""Data sets and logged models that runs used, in the store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from ropewalk.store import Database
from ropewalk.store.tracking.experiments import create_experiment
from ropewalk.store.tracking.inputs import add_datasets, add_models, search_datasets
from ropewalk.store.tracking.runs import read_runs, set_run_stage
from ropewalk.store.tracking.values import Dataset, ModelUse

AddRun = Callable[..., int]
FLIGHTS = Dataset("flights", "d1", "local", "{}", "schema", "profile", {"mlflow.data.context": "training"})


def _use(database: Database, run: int, *datasets: Dataset) -> None:
    with database.write() as connection:
        add_datasets(connection, run, "0", datasets)


def _used(database: Database, run: int) -> tuple[Dataset, ...]:
    with database.read() as connection:
        return read_runs(connection, [run])[0].datasets


def _found(database: Database, *experiments: str, limit: int = 10) -> list[tuple[str, str]]:
    with database.read() as connection:
        return [(used.name, used.digest) for _, used in search_datasets(connection, experiments, limit)]


def test_a_data_set_comes_back(database: Database, add_run: AddRun) -> None:
    """What a client said of a data set is what is read of it."""
    run = add_run()
    _use(database, run, FLIGHTS)

    assert _used(database, run) == (FLIGHTS,)


def test_the_first_description_stands(database: Database, add_run: AddRun) -> None:
    """A data set of the same name and digest is the same one, whatever a second run says of it."""
    first, second = add_run(), add_run()
    _use(database, first, FLIGHTS)
    _use(database, second, replace(FLIGHTS, source="other", tags={}))

    assert _used(database, second) == (replace(FLIGHTS, tags={}),)
    assert _used(database, first) == (FLIGHTS,)


def test_the_context_of_a_use_changes(database: Database, add_run: AddRun) -> None:
    """A run that logs its input again gives it other tags and has it once."""
    run = add_run()
    _use(database, run, FLIGHTS)
    _use(database, run, replace(FLIGHTS, tags={"mlflow.data.context": "test"}))

    assert [used.tags for used in _used(database, run)] == [{"mlflow.data.context": "test"}]


def test_other_content_is_another_data_set(database: Database, add_run: AddRun) -> None:
    """One name with two digests is two data sets, in the order in which they came."""
    run = add_run()
    _use(database, run, FLIGHTS, replace(FLIGHTS, digest="d2"))

    assert [used.digest for used in _used(database, run)] == ["d1", "d2"]


def test_data_sets_of_an_experiment(database: Database, add_run: AddRun) -> None:
    """An experiment lists what its runs read, each use once, by name."""
    for _ in range(3):
        _use(database, add_run(), FLIGHTS, replace(FLIGHTS, name="airports"))

    assert _found(database, "0") == [("airports", "d1"), ("flights", "d1")]
    assert _found(database, "0", limit=1) == [("airports", "d1")]


@pytest.mark.parametrize("experiments", [(), ("1",), ("00",), ("0 OR 1=1",), ("",)])
def test_data_sets_of_no_experiment(
    database: Database, add_run: AddRun, experiments: tuple[str, ...]
) -> None:
    """An id that is not exactly an experiment's finds nothing."""
    _use(database, add_run(), FLIGHTS)

    assert _found(database, *experiments) == []


def test_data_sets_of_deleted_runs(database: Database, add_run: AddRun) -> None:
    """What only deleted runs read is not listed."""
    run = add_run()
    _use(database, run, FLIGHTS)
    with database.write() as connection:
        set_run_stage(connection, run, "deleted")

    assert _found(database, "0") == []


def test_experiments_share_no_data_sets(database: Database, add_run: AddRun) -> None:
    """The same data set in two experiments is described in each."""
    run = add_run()
    with database.write() as connection:
        other = create_experiment(connection, "other", None, {})
        add_datasets(connection, run, "0", [FLIGHTS])
        add_datasets(connection, run, other, [replace(FLIGHTS, source="elsewhere")])

    assert {used.source for used in _used(database, run)} == {"{}", "elsewhere"}


def test_models_by_role(database: Database, add_run: AddRun) -> None:
    """A model that a run read and one that it made are told apart; a step that is sent again counts."""
    run = add_run()
    with database.write() as connection:
        add_models(connection, run, [ModelUse("input", "m-1"), ModelUse("output", "m-1", 5)])
        add_models(connection, run, [ModelUse("output", "m-1", 7)])
        found = read_runs(connection, [run])[0].models

    assert found == (ModelUse("input", "m-1"), ModelUse("output", "m-1", 7))
