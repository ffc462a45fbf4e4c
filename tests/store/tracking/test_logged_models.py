"""Logged models in the store."""

from __future__ import annotations

import math

import pytest

from ropewalk.store import Database
from ropewalk.store.search import Condition, Ordering, Page
from ropewalk.store.tracking.logged_models import (
    NewLoggedModel,
    add_logged_model_metrics,
    delete_logged_model,
    delete_logged_model_tag,
    find_logged_model,
    insert_logged_model,
    search_logged_models,
    searched_models,
    set_logged_model_params,
    set_logged_model_status,
    set_logged_model_tags,
)
from ropewalk.store.tracking.values import Metric, ModelMetric


@pytest.fixture
def models(database: Database) -> list[int]:
    """Return the numbers of three logged models."""
    with database.write() as connection:
        return [
            insert_logged_model(connection, NewLoggedModel(f"m-{n}", "0", f"model{n}", "lightgbm", f"run{n}"))
            for n in range(3)
        ]


def test_new_model(database: Database, models: list[int]) -> None:
    """A new logged model waits for its files, at a place of its own."""
    with database.read() as connection:
        found = find_logged_model(connection, "m-1")

    assert found
    assert (found.number, found.name, found.status) == (models[1], "model1", "LOGGED_MODEL_PENDING")
    assert found.artifact_uri == "mlflow-artifacts:/0/models/m-1/artifacts"
    assert found.source_run_id == "run1"


def test_changes(database: Database, models: list[int]) -> None:
    """Status, tags and parameters change, and a deleted model is gone."""
    with database.write() as connection:
        set_logged_model_status(connection, models[0], "LOGGED_MODEL_READY")
        set_logged_model_tags(connection, models[0], {"a": "1", "b": "1"})
        set_logged_model_tags(connection, models[0], {"a": "2"})
        assert delete_logged_model_tag(connection, models[0], "b")
        assert not delete_logged_model_tag(connection, models[0], "b")
        set_logged_model_params(connection, models[0], {"depth": "6"})
        found = find_logged_model(connection, "m-0")
        delete_logged_model(connection, models[0])

        assert find_logged_model(connection, "m-0") is None
    assert found
    assert (found.status, found.tags, found.params) == ("LOGGED_MODEL_READY", {"a": "2"}, {"depth": "6"})


def _log(database: Database, model: int, value: float, step: int = 0, dataset: str = "") -> None:
    point = ModelMetric(Metric("auc", value, step, step), "run", dataset, dataset and "digest")
    with database.write() as connection:
        add_logged_model_metrics(connection, model, [point])


def test_newest_metric(database: Database, models: list[int]) -> None:
    """The newest point of a key is kept, per data set."""
    for value, step, dataset in ((0.5, 2, ""), (0.4, 1, ""), (math.nan, 1, "july")):
        _log(database, models[0], value, step, dataset)

    with database.read() as connection:
        found = find_logged_model(connection, "m-0")
    assert found
    assert [(point.dataset_name, repr(point.metric.value)) for point in found.metrics] == [
        ("", "0.5"),
        ("july", "nan"),
    ]


def _search(
    database: Database, *conditions: Condition, order: tuple[Ordering, ...] = (), dataset: str = ""
) -> list[str]:
    searched = searched_models([(dataset, None)] if dataset else [])
    with database.read() as connection:
        found = search_logged_models(connection, searched, conditions, order, Page(10))
    return [model.id for model in found]


def test_search(database: Database, models: list[int]) -> None:
    """Logged models are found by attribute, metric, parameter and tag, and ordered by a metric."""
    for number, value in zip(models, (0.5, 0.9, math.nan), strict=True):
        _log(database, number, value)
    with database.write() as connection:
        set_logged_model_params(connection, models[2], {"p": "x"})
        set_logged_model_tags(connection, models[2], {"t": "x"})

    best = (Ordering("metric", "auc", is_ascending=False),)
    assert _search(database, order=best) == ["m-1", "m-0", "m-2"]
    assert _search(database, Condition("metric", "auc", ">", 0.6)) == ["m-1"]
    assert _search(database, Condition("parameter", "p", "=", "x")) == ["m-2"]
    assert _search(database, Condition("tag", "t", "LIKE", "x%")) == ["m-2"]
    assert sorted(_search(database, Condition("attribute", "name", "IN", ("model0", "model1")))) == [
        "m-0",
        "m-1",
    ]


def test_search_by_the_metric_on_a_dataset(database: Database, models: list[int]) -> None:
    """A data set narrows the metrics that a search sees; its name is bound, never pasted."""
    _log(database, models[0], 0.9, step=1, dataset="june")
    _log(database, models[0], 0.5, step=2, dataset="july")
    good = Condition("metric", "auc", ">", 0.6)

    assert _search(database, good, dataset="june") == ["m-0"]
    assert _search(database, good, dataset="july") == []
    assert _search(database, good, dataset="' OR 1=1 --") == []


def test_measured_on_a_dataset(database: Database, models: list[int]) -> None:
    """Models with any metric on one of the data sets are told from those without."""
    with database.write() as connection:
        for number, dataset in zip(models[:2], ("train", "test"), strict=True):
            point = ModelMetric(Metric("auc", 0.5, 0, 1), "run", dataset, "digest")
            add_logged_model_metrics(connection, number, [point])

    found = {}
    with database.read() as connection:
        for datasets in ((("train", None),), (("train", "digest"), ("test", None)), (("train", "other"),)):
            rows = search_logged_models(
                connection,
                searched_models(datasets),
                [Condition("measured", "", "IS NOT NULL")],
                [Ordering("attribute", "name")],
                Page(10),
            )
            found[datasets] = [row.name for row in rows]

    assert [*found.values()] == [["model0"], ["model0", "model1"], []]
