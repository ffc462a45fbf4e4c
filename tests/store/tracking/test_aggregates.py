"""Extremes of metrics: kept with every batch, and read once for what was logged before they were kept."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from ropewalk.store import Database
from ropewalk.store.tracking import aggregates
from ropewalk.store.tracking.aggregates import Extremes, fill_extremes, read_extremes
from ropewalk.store.tracking.metrics import append_metrics
from ropewalk.store.tracking.values import Metric


def log(database: Database, run: int, *values: float, key: str = "loss") -> None:
    """Log each value in a batch of its own."""
    with database.write() as connection:
        for step, value in enumerate(values):
            append_metrics(connection, run, [Metric(key, value, step, step)])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((1.0, -2.0, 0.5), Extremes(-2.0, 1.0)),
        ((math.nan, 3.0, math.nan), Extremes(3.0, 3.0)),
        ((math.nan,), Extremes(None, None)),
        ((math.inf, 0.0), Extremes(0.0, math.inf)),
    ],
)
def test_extremes(
    database: Database, add_run: Callable[..., int], values: tuple[float, ...], expected: Extremes
) -> None:
    """The least and greatest of all batches are known, and the same when they were logged before that."""
    run = add_run()
    log(database, run, *values)
    with database.read() as connection:
        assert read_extremes(connection, [run]) == {run: {"loss": expected}}
    forget(database)

    assert fill_extremes(database) == 1

    with database.read() as connection:
        assert read_extremes(connection, [run]) == {run: {"loss": expected}}


def forget(database: Database) -> None:
    """Let all metrics be as they were before extremes were kept."""
    with database.write() as connection:
        connection.execute("UPDATE latest_metric SET least = NULL, greatest = NULL, has_extremes = 0")


def test_filled_in_small_transactions(
    database: Database, add_run: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many there are, each is filled in once."""
    monkeypatch.setattr(aggregates, "FILLED", 2)
    run = add_run()
    for key in "abcde":
        log(database, run, 1.0, 2.0, key=key)
    forget(database)

    assert fill_extremes(database) == 5
    assert fill_extremes(database) == 0
