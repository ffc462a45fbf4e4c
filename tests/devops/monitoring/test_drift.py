"""Drift: the index agrees with numpy on real samples, whatever the column holds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp

from ropewalk.devops.monitoring.drift import LEAST_SHARE, drift_by_window, stability_index
from ropewalk.devops.monitoring.profile import column_types, take_profile


@pytest.fixture
def training(served):
    """Return 5,000 rows a model was trained on, as a table beside the predictions."""
    random = np.random.default_rng(7)
    frame = pd.DataFrame(
        {
            "wind": np.where(random.random(5000) < 0.02, None, random.gamma(2, 5, 5000)),
            "carrier": random.choice(["UA", "DL", "AA", "B6"], 5000, p=[0.4, 0.3, 0.2, 0.1]),
            "late": random.random(5000) < 0.2,
        }
    )
    served.connection.register("frame", frame)
    served.connection.execute("CREATE TABLE training.flights AS FROM frame")
    served.connection.unregister("frame")
    return frame


def _profile(served, wanted=("wind", "carrier")):
    return take_profile(served.connection, "training.flights", "late", wanted)


def _drift(served, column):
    columns = column_types(served.connection, "predictions.late")
    found = drift_by_window(served.connection, served.sources(), _profile(served), columns)
    return {window: drift[column] for window, drift in found.items()}


def _index(expected, actual) -> float:
    before = np.maximum(np.asarray(expected) / sum(expected), LEAST_SHARE)
    after = np.maximum(np.asarray(actual) / sum(actual), LEAST_SHARE)
    return float(((after - before) * np.log(after / before)).sum())


def _bins(values: pd.Series, edges: np.ndarray) -> np.ndarray:
    present = values.dropna().astype(float)
    counts = np.bincount(np.searchsorted(edges, present, side="left"), minlength=len(edges) + 1)
    return np.append(counts, values.isna().sum())


def test_numbers_equal_numpy(served, training):
    """The index of a column of numbers is numpy's over the deciles of the training data."""
    edges = np.unique(np.quantile(training["wind"].dropna().astype(float), np.arange(1, 10) / 10))
    months = served.predictions.groupby(served.predictions["scheduled_at"].str[:7])
    expected = {
        month: _index(_bins(training["wind"], edges), _bins(rows["wind"], edges)) for month, rows in months
    }

    assert _drift(served, "wind") == pytest.approx(expected, rel=1e-9)


def test_text_equals_pandas(served, training):
    """The index of a column of text is pandas' over the values of the training data, new ones as one."""
    values = ["UA", "DL", "AA", "B6"]
    months = served.predictions.groupby(served.predictions["scheduled_at"].str[:7])

    def counts(column):
        known = column.value_counts().reindex(values, fill_value=0).tolist()
        return [*known, (~column.isin(values)).sum(), 0]

    expected = {month: _index(counts(training["carrier"]), counts(rows["carrier"])) for month, rows in months}

    assert _drift(served, "carrier") == pytest.approx(expected, rel=1e-9)


def test_index_grows_with_the_distance_of_distributions(served, training):
    """A wind that doubled is further away than one that did not, as the Kolmogorov-Smirnov distance says."""
    calm = _drift(served, "wind")["2013-07"]
    served.predictions["wind"] = served.predictions["wind"].astype(float) * 2
    served.reload()

    stormy = _drift(served, "wind")["2013-07"]

    winds = served.predictions["wind"].dropna(), training["wind"].dropna().astype(float)
    assert ks_2samp(*winds).statistic > 0.25
    assert stormy > 0.25 > calm


def test_equal_counts_have_no_drift():
    """The same shares have an index of 0, also at another size."""
    assert stability_index([10, 20, 0, 70], [100, 200, 0, 700]) == pytest.approx(0)


def test_index_is_symmetric_and_finite():
    """Empty bins count as one row in ten thousand, on either side."""
    forth, back = stability_index([50, 50, 0], [0, 50, 50]), stability_index([0, 50, 50], [50, 50, 0])

    assert forth == pytest.approx(back)
    assert 0 < forth < 10


@pytest.mark.parametrize(("expected", "actual"), [([0, 0], [1, 2]), ([1, 2], [0, 0]), ([], [])])
def test_no_rows_have_no_drift(expected, actual):
    """Without rows on one side there is nothing to compare."""
    assert stability_index(expected, actual) == 0


def test_missing_values_are_a_bin(served, training):
    """A column that stops arriving drifts."""
    served.predictions["wind"] = None
    served.reload()

    assert _drift(served, "wind")["2013-08"] > 1


def test_numbers_sent_as_text_are_numbers(served, training):
    """A column the lake keeps as text is compared by the numbers in it."""
    before = _drift(served, "wind")
    served.predictions["wind"] = [None if wind is None else str(wind) for wind in served.predictions["wind"]]
    served.reload()

    assert _drift(served, "wind") == pytest.approx(before)


def test_columns_the_requests_do_not_have_are_left_out(served, training):
    """Only columns that predictions recorded are compared."""
    served.predictions = served.predictions.drop(columns=["wind"])
    served.reload()
    columns = column_types(served.connection, "predictions.late")

    found = drift_by_window(served.connection, served.sources(), _profile(served), columns)

    assert set(found["2013-07"]) == {"carrier"}


def test_profile_without_columns_finds_nothing(served, training):
    """A model that reads no column of its training table has no drift to show."""
    assert drift_by_window(served.connection, served.sources(), _profile(served, []), {}) == {}
