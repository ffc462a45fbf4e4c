"""Limits: what breaks them, and what is not judged."""

from __future__ import annotations

import pytest

from ropewalk.devops.monitoring.limits import find_breaches
from ropewalk.devops.monitoring.section import Limits, Range

LIMITS = Limits(psi=0.25, auc=Range(min=0.7, max=0.95), rate_shift=0.08)


def _broken(window, limits=LIMITS, min_rows=200):
    return [breach.limit for breach in find_breaches(window, limits, min_rows)]


@pytest.mark.parametrize(
    ("figures", "broken"),
    [
        ({}, []),
        ({"worst_psi": 0.26}, ["psi"]),
        ({"worst_psi": 0.25}, []),
        ({"auc": 0.69}, ["auc"]),
        ({"auc": 0.96}, ["auc"]),
        ({"auc": 0.7}, []),
        ({"positive_rate": 0.29}, ["rate_shift"]),
        ({"positive_rate": 0.11}, ["rate_shift"]),
        ({"positive_rate": 0.27}, []),
        ({"worst_psi": 0.3, "auc": 0.6, "positive_rate": 0.5}, ["psi", "auc", "rate_shift"]),
    ],
)
def test_limits_are_broken_beyond_not_at(make_window, figures, broken):
    """A figure at its limit keeps it, one beyond breaks it; shifts count both ways."""
    assert _broken(make_window(**figures)) == broken


BAD = {"worst_psi": 9.0, "auc": 0.1, "positive_rate": 0.9}


@pytest.mark.parametrize("quality", ["pending", "thin"])
def test_quality_is_not_judged_without_enough_outcomes(make_window, quality):
    """With few or no labels only drift can break its limit."""
    assert _broken(make_window(**BAD, quality=quality)) == ["psi"]


def test_drift_is_not_judged_on_few_rows(make_window):
    """A window of few predictions is noise."""
    assert _broken(make_window(worst_psi=9.0, predictions=199)) == []


@pytest.mark.parametrize("figure", ["worst_psi", "auc", "positive_rate", "reference_rate"])
def test_absent_figures_break_nothing(make_window, figure):
    """What could not be computed is not judged."""
    assert _broken(make_window(**{figure: None})) == []


def test_without_limits_nothing_is_broken(make_window):
    """A monitor without limits only shows."""
    assert _broken(make_window(**BAD), Limits(psi=None, auc=None, rate_shift=None)) == []


def test_breach_says_figure_and_limit(make_window):
    """The sentence names the column, both rates and the limit."""
    window = make_window(worst_psi=0.311, positive_rate=0.1, reference_rate=0.213, auc=0.65)

    drift, ranking, shift = find_breaches(window, LIMITS, 200)

    assert drift.message == "column wind drifted from the training data: PSI 0.311, limit 0.25"
    assert ranking.message == "AUC 0.650 is below 0.7"
    assert shift.message == (
        "the share of positives is 0.100, 0.213 in the training data: moved by 0.113, limit 0.08"
    )
    assert (shift.value, shift.bound) == (pytest.approx(0.113), 0.08)
