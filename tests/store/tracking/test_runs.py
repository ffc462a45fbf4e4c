"""Runs in the store: written in parts, read in bulk, searched by what they logged."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from ropewalk.store import Database, RowRefused
from ropewalk.store.search import Condition, Ordering, Page
from ropewalk.store.tracking.inputs import add_datasets, add_models, search_datasets
from ropewalk.store.tracking.metrics import append_metrics
from ropewalk.store.tracking.runs import (
    NewRun,
    RunChange,
    add_params,
    change_run,
    delete_run_tag,
    find_run,
    find_run_row,
    insert_run,
    read_runs,
    search_runs,
    set_run_stage,
    set_run_tags,
)
from ropewalk.store.tracking.values import Dataset, Metric, ModelUse

AddRun = Callable[..., int]


def test_new_run(database: Database) -> None:
    """A new run runs, is active, and knows where its artifacts lie."""
    with database.write() as connection:
        insert_run(connection, NewRun("abc", "0", "first", "ada", 5))
        run = find_run(connection, "abc")

    assert run
    assert (run.status, run.stage, run.ended_at) == ("RUNNING", "active", None)
    assert run.artifact_uri == "mlflow-artifacts:/0/abc/artifacts"


def test_unknown_ids(database: Database) -> None:
    """What does not exist is None."""
    with database.read() as connection:
        assert find_run(connection, "nowhere") is None
        assert find_run_row(connection, "nowhere") is None


def test_a_run_needs_its_experiment(database: Database) -> None:
    """The store itself refuses a run of no experiment."""
    with pytest.raises(RowRefused), database.write() as connection:
        insert_run(connection, NewRun("abc", "77", "first", "ada", 5))


def test_params_are_kept(database: Database, add_run: AddRun) -> None:
    """Parameters keep their first value, and the call says which were asked to change."""
    run = add_run()
    with database.write() as connection:
        assert add_params(connection, run, {"a": "1", "b": "2"}) == {}
        assert add_params(connection, run, {"a": "1", "b": "3", "c": "4"}) == {"b": "2"}
        assert read_runs(connection, [run])[0].params == {"a": "1", "b": "2", "c": "4"}


def test_tags_change(database: Database, add_run: AddRun) -> None:
    """Tags take new values and go."""
    run = add_run()
    with database.write() as connection:
        set_run_tags(connection, run, {"a": "1", "b": "1"})
        set_run_tags(connection, run, {"a": "2"})
        assert delete_run_tag(connection, run, "b")
        assert not delete_run_tag(connection, run, "b")
        assert read_runs(connection, [run])[0].tags == {"a": "2"}


def test_changes_of_the_row(database: Database, add_run: AddRun) -> None:
    """A change leaves alone what it does not name."""
    run = add_run("before")
    with database.write() as connection:
        change_run(connection, run, RunChange(status="FAILED", ended_at=9))
        failed = read_runs(connection, [run])[0]
        change_run(connection, run, RunChange(name="after"))
        named = read_runs(connection, [run])[0]
        change_run(connection, run, RunChange(status="RUNNING"))
        again = read_runs(connection, [run])[0]

    assert (failed.name, failed.status, failed.ended_at) == ("before", "FAILED", 9)
    assert (named.name, named.status, named.ended_at) == ("after", "FAILED", 9)
    assert (again.name, again.status, again.ended_at) == ("after", "RUNNING", None)


def test_inputs_and_outputs(database: Database, add_run: AddRun) -> None:
    """Data sets are kept once per experiment, their uses per run; models by role."""
    first, second = add_run(), add_run()
    flights = Dataset("flights", "1", "lake", "{}", schema="s", tags={"mlflow.data.context": "training"})
    with database.write() as connection:
        for run in (first, first, second):
            add_datasets(connection, run, "0", [flights])
        add_models(connection, first, [ModelUse("input", "m-1"), ModelUse("output", "m-2", 3)])
        runs = read_runs(connection, [first, second])
        kept = connection.execute("SELECT count(*) FROM dataset").fetchone()[0]
        found = search_datasets(connection, ["0"], 10)

    assert [run.datasets for run in runs] == [(flights,), (flights,)]
    assert runs[0].models == (ModelUse("input", "m-1"), ModelUse("output", "m-2", 3))
    assert kept == 1
    assert [(experiment, used.name) for experiment, used in found] == [("0", "flights")]


@pytest.fixture
def searched(database: Database, add_run: AddRun) -> Database:
    """Return a store with five runs: a metric's values are 1, 3, 2, NaN and none."""
    for number, value in enumerate((1.0, 3.0, 2.0, math.nan, None)):
        run = add_run(f"Run {number}", started_at=number)
        with database.write() as connection:
            if value is not None:
                append_metrics(connection, run, [Metric("m", value, 0, 0)])
            add_params(connection, run, {"p": f"v{number % 2}", f"only{number}": "x"})
            set_run_tags(connection, run, {"t": "Abc" if number < 2 else "abc"})
            if number == 4:
                set_run_stage(connection, run, "deleted")
                add_datasets(
                    connection,
                    run,
                    "0",
                    [Dataset("d", "1", "lake", "{}", tags={"mlflow.data.context": "eval"})],
                )
    return database


def _names(database: Database, *conditions: Condition, order: tuple[Ordering, ...] = ()) -> str:
    """Return the digits of the runs that were found, in order."""
    with database.read() as connection:
        found = search_runs(connection, conditions, order, Page(100))
    return "".join(run.name.removeprefix("Run ") for run in found)


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        (Condition("metric", "m", ">", 1.0), "21"),
        (Condition("metric", "m", ">=", 1.0), "210"),
        (Condition("metric", "m", "<", 3.0), "20"),
        (Condition("metric", "m", "<=", 3.0), "210"),
        (Condition("metric", "m", "=", 2.0), "2"),
        (Condition("metric", "m", "!=", 2.0), "310"),
        (Condition("metric", "none", "!=", 2.0), ""),
        (Condition("parameter", "p", "=", "v1"), "31"),
        (Condition("parameter", "p", "!=", "v1"), "420"),
        (Condition("parameter", "only2", "IS NULL"), "4310"),
        (Condition("parameter", "only2", "IS NOT NULL"), "2"),
        (Condition("tag", "t", "LIKE", "A%"), "10"),
        (Condition("tag", "t", "LIKE", "a%"), "432"),
        (Condition("tag", "t", "LIKE", "_bc"), "43210"),
        (Condition("tag", "t", "LIKE", "*bc"), ""),
        (Condition("tag", "t", "LIKE", "[Aa]bc"), ""),
        (Condition("tag", "t", "LIKE", "?bc"), ""),
        (Condition("tag", "t", "ILIKE", "ABC"), "43210"),
        (Condition("attribute", "run_name", "=", "Run 2"), "2"),
        (Condition("attribute", "run_name", "LIKE", "%3"), "3"),
        (Condition("attribute", "run_id", "IN", ("id-1", "id-3", "none")), "20"),
        (Condition("attribute", "run_id", "NOT IN", ("id-1", "id-3")), "431"),
        (Condition("attribute", "run_id", "IN", ()), ""),
        (Condition("attribute", "experiment_id", "IN", ("0",)), "43210"),
        (Condition("attribute", "experiment_id", "=", "1"), ""),
        (Condition("attribute", "start_time", "<", 2.0), "10"),
        (Condition("attribute", "end_time", "!=", 2.0), "43210"),
        (Condition("attribute", "stage", "=", "deleted"), "4"),
        (Condition("attribute", "artifact_uri", "=", "mlflow-artifacts:/0/id-2/artifacts"), "1"),
        (Condition("dataset", "name", "=", "d"), "4"),
        (Condition("dataset", "digest", "IN", ("1", "2")), "4"),
        (Condition("dataset", "context", "LIKE", "e%"), "4"),
        (Condition("dataset", "context", "=", "train"), ""),
    ],
)
def test_conditions(searched: Database, condition: Condition, names: str) -> None:
    """Each operator on each entity finds the runs it should, newest first."""
    assert _names(searched, condition) == names


def test_conditions_are_joined(searched: Database) -> None:
    """All conditions must hold."""
    conditions = (Condition("metric", "m", ">", 0.0), Condition("parameter", "p", "=", "v0"))

    assert _names(searched, *conditions) == "20"


@pytest.mark.parametrize(
    "text", ["' OR 1=1 --", '"; DROP TABLE run; --', "v1' UNION SELECT 1", "\\", "{}", "$1"]
)
@pytest.mark.parametrize("entity", ["parameter", "tag", "metric"])
def test_hostile_text(searched: Database, entity: str, text: str) -> None:
    """What a person wrote is a value, as a key and as what is compared with."""
    by_key = Condition(entity, text, "=", 1.0 if entity == "metric" else "x")
    by_value = Condition("parameter", "p", "=", text)

    assert _names(searched, by_key) == ""
    assert _names(searched, by_value) == ""
    assert _names(searched, order=(Ordering(entity, text),)) == "43210"


@pytest.mark.parametrize(
    ("order", "names"),
    [
        ((Ordering("metric", "m"),), "02134"),
        ((Ordering("metric", "m", is_ascending=False),), "12034"),
        ((Ordering("parameter", "p"),), "42031"),
        ((Ordering("parameter", "p"), Ordering("metric", "m")), "02413"),
        ((Ordering("tag", "t", is_ascending=False), Ordering("attribute", "start_time")), "23401"),
        ((Ordering("parameter", "only3"),), "34210"),
        ((Ordering("attribute", "run_name"),), "01234"),
        ((Ordering("attribute", "end_time"),), "43210"),
    ],
)
def test_orderings(searched: Database, order: tuple[Ordering, ...], names: str) -> None:
    """Numbers come first, then what is no number, then runs without; ties are newest first."""
    assert _names(searched, order=order) == names


def test_a_long_list(searched: Database) -> None:
    """A list that is longer than a statement's values finds the same."""
    ids = ("id-2", *(f"none-{number}" for number in range(40_000)))

    assert _names(searched, Condition("attribute", "run_id", "IN", ids)) == "1"
    assert _names(searched, Condition("attribute", "experiment_id", "IN", ("0", *ids))) == "43210"


def test_pages(searched: Database) -> None:
    """A page begins where the one before ended."""
    with searched.read() as connection:
        pages = [search_runs(connection, (), (), Page(2, offset)) for offset in (0, 2, 4, 6)]

    assert [[run.number for run in page] for page in pages] == [[5, 4], [3, 2], [1], []]
