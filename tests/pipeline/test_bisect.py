"""Halving finds the first that is bad."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropewalk.pipeline import NothingToBisect, Output
from ropewalk.pipeline.bisect import Bisector, _metric, first_bad


@given(goods=st.integers(0, 60), bads=st.integers(1, 60))
def test_first_bad(goods, bads):
    """Wherever the sequence turns, the turn is found, with few questions."""
    asked = []

    def is_good(number):
        asked.append(number)
        return number < goods

    assert first_bad(range(goods + bads), is_good) == goods
    assert len(asked) <= (goods + bads).bit_length()


def test_nothing_between():
    """Two ends without anything between them have no culprit."""
    with pytest.raises(NothingToBisect, match="nothing lies between"):
        first_bad([], bool)


def test_only_one_candidate_is_not_asked():
    """What alone lies between a good and a bad end is the culprit without a replay."""

    def refuse(_candidate):
        raise AssertionError

    assert first_bad(["only"], refuse) == "only"


@pytest.mark.parametrize(
    ("summary", "value"),
    [
        ({"metrics": {"auc": 0.5}}, 0.5),
        ({"metrics": {"auc": 1}}, 1.0),
        ({"metrics": {"auc": None}}, None),
        ({"metrics": {"auc": "0.5"}}, None),
        ({"metrics": {"rows": 3}}, None),
        ({"metrics": [0.5]}, None),
        ({}, None),
    ],
)
def test_metric_of_an_output(summary, value):
    """What is no number of that name cannot be compared, and is none."""
    assert _metric(Output("d", "run:x", summary), "auc") == value
    assert _metric(None, "auc") is None


@pytest.mark.parametrize("metric", ["auc", "evaluate.", ".auc", ""])
def test_metric_without_its_step(metric):
    """A metric that does not say its step is refused before anything is looked at."""
    with pytest.raises(NothingToBisect, match="does not say which step's metric it is") as caught:
        Bisector(metric, {}, None, None).search("a", "b")
    assert "STEP.METRIC" in (caught.value.hint or "")
