"""Judging a metric: every bound, at it and beyond it, with and without a version in production."""

from __future__ import annotations

import math

import pytest

from ropewalk.mlops.evaluation import Baseline, Condition, judge

BEFORE = Baseline(3, {"evaluate.auc": 0.77})


def _verdict(value, baseline=BEFORE, **bounds):
    (result,) = judge(Condition(metric="evaluate.auc", **bounds), value, baseline)
    return result.verdict


@pytest.mark.parametrize(
    ("bounds", "value", "verdict"),
    [
        ({"min": 0.76}, 0.76, "passed"),
        ({"min": 0.76}, 0.7599, "failed"),
        ({"max": 0.9}, 0.9, "passed"),
        ({"max": 0.9}, 0.9001, "failed"),
        ({"max_drop": 0.005}, 0.766, "passed"),
        ({"max_drop": 0.005}, 0.764, "failed"),
        ({"max_drop": 0.0}, 0.77, "passed"),
        ({"max_drop": 0.005}, 0.9, "passed"),
        ({"max_rise": 0.01}, 0.78, "passed"),
        ({"max_rise": 0.01}, 0.79, "failed"),
        ({"max_rise": 0.01}, 0.1, "passed"),
    ],
)
def test_each_bound(bounds, value, verdict):
    """A figure at its bound passes, one beyond fails; better than before always passes."""
    assert _verdict(value, **bounds) == verdict


def test_distance_at_its_bound_passes_despite_binary_fractions():
    """A drop of exactly 0.005 as people write it passes, though in binary it is a trace more."""
    assert 0.77 - 0.765 > 0.005
    assert _verdict(0.765, max_drop=0.005) == "passed"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(
    "bounds", [{"min": -1.0}, {"max": 2.0}, {"max_drop": 1.0}, {"max_rise": 1.0}], ids=str
)
@pytest.mark.parametrize("baseline", [BEFORE, None], ids=["before", "none"])
def test_value_that_is_no_finite_number_fails_every_bound(value, bounds, baseline):
    """NaN compares as neither above nor below; it must not pass by that."""
    assert _verdict(value, baseline, **bounds) == "failed"


def test_no_version_in_production_is_said_plainly():
    """The first candidate is not compared, which is no failure."""
    (result,) = judge(Condition(metric="evaluate.auc", max_drop=0.1), 0.5, None)

    assert result.verdict == "not compared"
    assert result.reason == "no version in production: not compared"
    assert (result.baseline, result.baseline_version) == (None, None)


def test_version_in_production_without_the_metric_is_said_plainly():
    """A metric that is newer than the version in production cannot be compared."""
    (result,) = judge(Condition(metric="evaluate.auc", max_rise=0.1), 0.5, Baseline(3, {}))

    assert result.reason == "version 3 in production has no evaluate.auc: not compared"


def test_every_bound_has_its_result():
    """A condition with all bounds has four results, in the documented order, with what they compare."""
    condition = Condition(metric="evaluate.auc", min=0.7, max=0.9, max_drop=0.005, max_rise=0.1)

    results = judge(condition, 0.75, BEFORE)

    assert [(r.bound, r.bound_value, r.verdict) for r in results] == [
        ("min", 0.7, "passed"),
        ("max", 0.9, "passed"),
        ("max_drop", 0.005, "failed"),
        ("max_rise", 0.1, "passed"),
    ]
    assert {(r.value, r.baseline, r.baseline_version) for r in results} == {(0.75, 0.77, 3)}
    assert results[2].reason == "evaluate.auc dropped by 0.02 to 0.75: more than max_drop 0.005"


@pytest.mark.parametrize(("before", "value"), [(-0.5, -0.504), (0.0, -0.005)])
def test_distance_below_zero_counts_like_any_other(before, value):
    """Figures such as a log-likelihood are negative; a drop is the distance all the same."""
    baseline = Baseline(3, {"evaluate.auc": before})

    assert _verdict(value, baseline, max_drop=0.005) == "passed"
    assert _verdict(value - 0.01, baseline, max_drop=0.005) == "failed"
