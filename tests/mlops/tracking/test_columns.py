"""Columns: what of a run is asked for, and how that is read from a text."""

from __future__ import annotations

import pytest

from ropewalk.mlops.tracking import better, parse_column, parse_order
from ropewalk.mlops.tracking.errors import InvalidFilter


@pytest.mark.parametrize(
    ("text", "entity", "key", "aggregate", "step", "written"),
    [
        ("metrics.auc", "metric", "auc", "last", None, "metrics.auc"),
        ("last(metrics.auc)", "metric", "auc", "last", None, "metrics.auc"),
        ("MAX( metrics.auc )", "metric", "auc", "max", None, "max(metrics.auc)"),
        ("best(metrics.val_loss)", "metric", "val_loss", "min", None, "min(metrics.val_loss)"),
        ("best(metrics.auc)", "metric", "auc", "max", None, "max(metrics.auc)"),
        ("at(metrics.loss, -3)", "metric", "loss", "at", -3, "at(metrics.loss, -3)"),
        ("metrics.`a b`", "metric", "a b", "last", None, "metrics.`a b`"),
        ("params.depth", "parameter", "depth", "last", None, "params.depth"),
        ("tags.mlflow.user", "tag", "mlflow.user", "last", None, "tags.mlflow.user"),
        ("start_time", "attribute", "start_time", "last", None, "start_time"),
    ],
)
def test_column(text: str, entity: str, key: str, aggregate: str, step: int | None, written: str) -> None:
    """A column is read, and written so that it is read as the same again."""
    found = parse_column(text)

    assert (found.entity, found.key, found.aggregate, found.step) == (entity, key, aggregate, step)
    assert found.text == written
    assert parse_column(written) == found


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("mean(metrics.auc)", "no aggregation 'mean'"),
        ("max(params.depth)", "only metrics have a history"),
        ("at(metrics.auc)", "needs step"),
        ("max(metrics.auc, 3)", "takes no step"),
        ("metrics.auc extra", "order_by"),
        ("max(max(metrics.auc))", "Invalid"),
        ("nothing", "Invalid attribute key"),
        ("", "expected name"),
    ],
)
def test_no_column(text: str, match: str) -> None:
    """What is no column is refused with the reason."""
    with pytest.raises(InvalidFilter, match=match):
        parse_column(text)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("metrics.auc DESC", "metrics.auc DESC"),
        ("metrics.auc", "metrics.auc ASC"),
        ("max(metrics.auc) desc", "max(metrics.auc) DESC"),
        ("best(metrics.auc)", "max(metrics.auc) DESC"),
        ("best(metrics.loss)", "min(metrics.loss) ASC"),
        ("best(metrics.loss) DESC", "min(metrics.loss) DESC"),
        ("at(metrics.loss, 10)", "at(metrics.loss, 10) ASC"),
    ],
)
def test_order(text: str, written: str) -> None:
    """An order is a column and a direction; the best comes first unless the direction says otherwise."""
    assert parse_order(text).text == written


def test_no_order() -> None:
    """An empty order is refused."""
    with pytest.raises(InvalidFilter, match="empty"):
        parse_order("")


@pytest.mark.parametrize(
    "name", ["loss", "val_loss", "train-RMSE", "log_loss", "error", "wer", "p95_latency", "mae"]
)
def test_less_is_better(name: str) -> None:
    """Names that measure what goes wrong are better when they are less."""
    assert better(name) == "min"


@pytest.mark.parametrize("name", ["auc", "accuracy", "f1", "terrors_found", "power", "reward", "r2"])
def test_more_is_better(name: str) -> None:
    """Whatever else is better when it is more, also where a word of the others is part of another word."""
    assert better(name) == "max"
