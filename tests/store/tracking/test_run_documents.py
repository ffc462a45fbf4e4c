"""Runs as documents: the JSON that the database writes says what the values say."""

from __future__ import annotations

import json
import math
from collections.abc import Callable

import pytest

from ropewalk.store import Database
from ropewalk.store.search import Condition, Ordering, Page
from ropewalk.store.tracking.inputs import add_datasets, add_models
from ropewalk.store.tracking.metrics import append_metrics
from ropewalk.store.tracking.run_documents import find_run_document, search_run_documents
from ropewalk.store.tracking.runs import RunChange, add_params, change_run, set_run_tags
from ropewalk.store.tracking.values import Dataset, Metric, ModelUse

AddRun = Callable[..., int]


def test_bare_run(database: Database, add_run: AddRun) -> None:
    """A run that has logged nothing has its own fields, no end, and empty data."""
    add_run("first", started_at=7)
    with database.read() as connection:
        found = find_run_document(connection, "id-1")

    assert found
    assert json.loads(found.info) == {
        "run_id": "id-1",
        "run_uuid": "id-1",
        "run_name": "first",
        "experiment_id": "0",
        "user_id": "ada",
        "status": "RUNNING",
        "start_time": 7,
        "artifact_uri": "mlflow-artifacts:/0/id-1/artifacts",
        "lifecycle_stage": "active",
    }
    assert found.data == "{}"
    assert (found.datasets, found.models) == ((), ())


def test_unknown_run(database: Database) -> None:
    """A run that does not exist is None."""
    with database.read() as connection:
        assert find_run_document(connection, "nowhere") is None


def test_end(database: Database, add_run: AddRun) -> None:
    """A run that ended says when."""
    run = add_run()
    with database.write() as connection:
        change_run(connection, run, RunChange(status="FINISHED", ended_at=99))
        found = find_run_document(connection, "id-1")

    assert found
    assert json.loads(found.info)["end_time"] == 99


@pytest.mark.parametrize(
    "text", ['say "so"', "back\\slash", "line\nbreak\ttab\x01", "naïve 漢字 😀", "', '}", "$.a ? %s", ""]
)
def test_texts(database: Database, add_run: AddRun, text: str) -> None:
    """Names and values come back as they were, whatever JSON or SQL makes of their signs."""
    run = add_run(text)
    with database.write() as connection:
        add_params(connection, run, {f"p{text}": text})
        set_run_tags(connection, run, {f"t{text}": text})
        found = find_run_document(connection, "id-1")

    assert found
    assert json.loads(found.info)["run_name"] == text
    assert json.loads(found.data) == {
        "params": [{"key": f"p{text}", "value": text}],
        "tags": [{"key": f"t{text}", "value": text}],
    }


@pytest.mark.parametrize(
    "value", [0.1, 1 / 3, -0.5, 1.0, 5e-324, 1.7976931348623157e308, 123456789012345680.0, 2**53 + 2.0]
)
def test_numbers(database: Database, add_run: AddRun, value: float) -> None:
    """A number keeps all its digits."""
    run = add_run()
    with database.write() as connection:
        append_metrics(connection, run, [Metric("m", value, 3, 1_760_000_000_000)])
        found = find_run_document(connection, "id-1")

    assert found
    point = {"key": "m", "value": value, "timestamp": 1_760_000_000_000, "step": 3}
    assert json.loads(found.data) == {"metrics": [point]}


@pytest.mark.parametrize(
    ("value", "word"), [(math.nan, "NaN"), (math.inf, "Infinity"), (-math.inf, "-Infinity")]
)
def test_no_numbers(database: Database, add_run: AddRun, value: float, word: str) -> None:
    """What JSON has no number for is the text that MLflow's clients read."""
    run = add_run()
    with database.write() as connection:
        append_metrics(connection, run, [Metric("m", value, 0, 0)])
        found = find_run_document(connection, "id-1")

    assert found
    assert json.loads(found.data)["metrics"][0]["value"] == word


def test_uses(database: Database, add_run: AddRun) -> None:
    """A run that read data and made a model names both; its neighbour names neither."""
    run, _ = add_run(started_at=2), add_run(started_at=1)
    data, model = Dataset("flights", "d1", "local", "{}", tags={"a": "b"}), ModelUse("output", "m-1", 4)
    with database.write() as connection:
        add_datasets(connection, run, "0", [data])
        add_models(connection, run, [model])
        one, other = search_run_documents(connection, [], [], Page(10))

    assert (one.datasets, one.models) == ((data,), (model,))
    assert (other.datasets, other.models) == ((), ())


def test_order_of_a_page(database: Database, add_run: AddRun) -> None:
    """Documents come in the order of the search, and a page notes where the next begins."""
    for number, value in enumerate((0.2, 0.9, 0.4, 0.1)):
        run = add_run(f"run {number}")
        with database.write() as connection:
            append_metrics(connection, run, [Metric("auc", value, 0, 0)])
    page = Page(2)
    with database.read() as connection:
        found = search_run_documents(
            connection, [Condition("metric", "auc", ">", 0.15)], [Ordering("metric", "auc", False)], page
        )

    assert [json.loads(one.info)["run_name"] for one in found] == ["run 1", "run 2"]
    assert len(page.ends) == 2
