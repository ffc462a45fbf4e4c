"""Figures by window: the SQL agrees with sklearn, and odd rows are counted, never lost."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from ropewalk.devops.monitoring.errors import UnusableLabel, UnusablePrediction
from ropewalk.devops.monitoring.figures import compute_windows
from ropewalk.store.monitoring import WindowRow


def _joined(served) -> pd.DataFrame:
    joined = served.predictions.merge(served.outcomes, on="flight_id")
    return joined.assign(month=joined["scheduled_at"].str[:7])


def _windows(served, by="month", min_rows=200, **sources) -> list[WindowRow]:
    return compute_windows(served.connection, served.sources(by, **sources), "late", min_rows)[0]


METRICS: dict[str, Callable[[pd.Series, pd.Series], float]] = {
    "auc": roc_auc_score,
    "brier": brier_score_loss,
    "log_loss": log_loss,
    "positive_rate": lambda label, _: label.mean(),
    "mean_prediction": lambda _, predicted: predicted.mean(),
    "labelled": lambda label, _: len(label),
}


@pytest.mark.parametrize("figure", METRICS)
def test_figure_equals_sklearn(served, figure):
    """Every figure of every month is what sklearn and pandas find, ties in the predictions included."""
    months = _joined(served).groupby("month")
    expected = {
        month: METRICS[figure](rows["late"].astype(int), rows["prediction"]) for month, rows in months
    }

    found = {window.name: getattr(window, figure) for window in _windows(served)}

    assert found == pytest.approx(expected, rel=1e-12)


def test_certain_predictions_cost_what_sklearn_says(served):
    """Predictions of exactly 0 and 1 have a finite logarithmic loss, clipped as sklearn clips it."""
    served.predictions["prediction"] = np.where(np.arange(3000) % 3 == 0, 0.0, 1.0)
    served.reload()
    july = _joined(served).query("month == '2013-07'")

    found = _windows(served)[0].log_loss

    assert found == pytest.approx(log_loss(july["late"].astype(int), july["prediction"]), rel=1e-9)


def test_score_outside_probabilities_has_auc_and_no_log_loss(served):
    """A model whose scores are no probabilities is still ranked."""
    served.predictions["prediction"] *= 10
    served.reload()

    july = _windows(served)[0]

    assert july.log_loss is None
    assert july.auc is not None


@pytest.mark.parametrize(
    ("by", "first", "count"),
    [("day", "2013-07-01", 92), ("week", "2013-W27", 14), ("month", "2013-07", 3)],
)
def test_window_lengths(served, by, first, count):
    """Days, ISO weeks and months are named as people write them, earliest first."""
    windows = _windows(served, by)

    assert windows[0].name == first
    assert len(windows) == count
    assert [window.starts_at for window in windows] == sorted(window.starts_at for window in windows)


@pytest.mark.parametrize(
    ("text", "month"),
    [
        ("2013-08-01T00:30:00+02:00", "2013-07"),
        ("2013-07-31 22:00:00-04", "2013-08"),
        ("2013-08-01", "2013-08"),
        ("2013-07-31T23:59:59Z", "2013-07"),
        ("2013-07-31 23:59", "2013-07"),
    ],
)
def test_windows_are_cut_in_utc(served, text, month):
    """An offset in the text counts, a text without one is UTC, whatever the session's time zone."""
    served.connection.execute("SET TimeZone = 'America/New_York'")
    served.predictions = served.predictions.head(1).assign(scheduled_at=text)
    served.reload()

    assert [window.name for window in _windows(served)] == [month]


def test_column_with_time_zone_is_cut_in_utc(served):
    """A TIMESTAMP WITH TIME ZONE falls into the window of its moment in UTC."""
    served.connection.execute("SET TimeZone = 'America/New_York'")
    served.predictions = served.predictions.head(1)
    served.predictions["scheduled_at"] = pd.Timestamp("2013-08-01T01:00:00Z")
    served.reload()

    windows = _windows(served, time_type="TIMESTAMP WITH TIME ZONE")

    assert [window.name for window in windows] == ["2013-08"]


def test_rows_without_readable_time_are_counted(served):
    """A prediction whose time cannot be read belongs to no window and is told of."""
    served.predictions.loc[:4, "scheduled_at"] = "soon"
    served.predictions.loc[5:6, "scheduled_at"] = None
    served.reload()

    windows, unplaced = compute_windows(served.connection, served.sources(), "late", 200)

    assert unplaced == 7
    assert sum(window.predictions for window in windows) == 2993


def test_window_without_outcomes_is_pending(served):
    """Where no label has arrived there are no figures of quality, only predictions."""
    september = served.predictions["scheduled_at"].str.startswith("2013-09")
    served.outcomes = served.outcomes[~september.to_numpy()]
    served.reload()

    window = _windows(served)[-1]

    assert (window.quality, window.labelled, window.auc, window.brier) == ("pending", 0, None, None)
    assert window.mean_prediction == pytest.approx(served.predictions[september]["prediction"].mean())


def test_few_outcomes_are_thin(served):
    """Fewer labelled rows than the least to judge by are shown as thin."""
    served.outcomes = served.outcomes.head(500)
    served.reload()

    qualities = {window.quality for window in _windows(served, min_rows=200)}

    assert qualities == {"thin"}


def test_unknown_outcome_is_no_outcome(served):
    """A label of NULL counts as not known yet."""
    served.outcomes["late"] = served.outcomes["late"].astype(object).where(served.outcomes.index >= 100, None)
    served.reload()

    assert sum(window.labelled for window in _windows(served)) == 2900


def test_one_kind_of_outcome_has_no_auc(served):
    """A window in which everything was on time has no ranking to measure."""
    served.outcomes["late"] = False
    served.reload()

    assert {window.auc for window in _windows(served)} == {None}


def test_repeated_outcome_does_not_multiply_predictions(served):
    """A key that the labels have twice is one outcome, positive when one of the rows is."""
    served.outcomes = pd.concat([served.outcomes, served.outcomes.assign(late=True)])
    served.reload()

    windows = _windows(served)

    assert sum(window.predictions for window in windows) == 3000
    assert {window.positive_rate for window in windows} == {1.0}


def test_keys_of_different_types_are_compared_as_text(served):
    """A flight that requests call 7 and the labels '7' is the same flight."""
    served.outcomes["flight_id"] = served.outcomes["flight_id"].astype(str)
    served.reload()

    assert sum(window.labelled for window in _windows(served, key_as_text=True)) == 3000


def test_version_of_a_window_is_the_one_that_answered_most(served):
    """A window is compared with what its main model version was trained on."""
    served.predictions.loc[:600, "model_version"] = 2
    july = served.predictions["scheduled_at"].str.startswith("2013-07")
    served.predictions.loc[july, "model_version"] = 2
    served.reload()

    assert [window.model_version for window in _windows(served)] == ["late/2", "late/1", "late/1"]


@pytest.mark.parametrize("value", ["late", None, "nan", "inf"])
def test_prediction_that_is_no_number_is_an_error(served, value):
    """A class name or a missing value cannot be measured, and the error says in which window."""
    served.predictions = served.predictions.assign(prediction=served.predictions["prediction"].astype(str))
    served.predictions.loc[0, "prediction"] = value
    served.reload()

    with pytest.raises(UnusablePrediction, match=r"1 predictions of .*window 2013-0") as caught:
        _windows(served)
    assert "probability" in caught.value.hint


@pytest.mark.parametrize("value", [2, -1, 0.5])
def test_label_that_is_not_binary_is_an_error(served, value):
    """A label other than 0 and 1 is refused with the number of rows, never rounded."""
    served.outcomes = served.outcomes.assign(late=served.outcomes["late"].astype(float))
    served.outcomes.loc[0, "late"] = value
    served.reload()

    with pytest.raises(UnusableLabel, match="1 labels in column 'late'"):
        _windows(served)


def test_no_predictions_make_no_windows(served):
    """An empty table of predictions is fine."""
    served.predictions = served.predictions.head(0)
    served.reload()

    assert _windows(served) == []
