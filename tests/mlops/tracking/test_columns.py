"""Columns: what of a run is asked for, and how that is read from a text."""

from __future__ import annotations

import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ropewalk.mlops.tracking import better, parse_column, parse_order
from ropewalk.mlops.tracking.columns import Aggregate, Column, Order
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


@given(
    st.sampled_from(["metric", "parameter", "tag"]),
    st.text(string.ascii_letters + string.digits + "_-./ :", min_size=1, max_size=12).map(str.strip),
)
def test_a_column_is_read_as_it_is_written(entity: str, key: str) -> None:
    """What a page puts into an address names the same column again, with every key that MLflow takes."""
    assume(key)
    written = Column(entity, key)

    assert parse_column(written.text) == written


@given(
    st.text(string.ascii_letters + string.digits + "_-./ :", min_size=1, max_size=12).map(str.strip),
    st.sampled_from(["min", "max"]),
    st.booleans(),
)
def test_an_order_is_read_as_it_is_written(key: str, aggregate: Aggregate, is_ascending: bool) -> None:
    """Also by what a metric's history has least or most of, in either direction."""
    assume(key)
    written = Order(Column("metric", key, aggregate), is_ascending)

    assert parse_order(written.text) == written


@given(
    st.text(string.ascii_letters + " :/", min_size=1, max_size=9).map(str.strip),
    st.integers(-(10**17), 10**17),
)
def test_a_step_is_read_as_it_is_written(key: str, step: int) -> None:
    """A step may be below zero and as large as any that is logged."""
    assume(key)
    written = Column("metric", key, "at", step)

    assert parse_column(written.text) == written
