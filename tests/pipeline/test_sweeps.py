"""The points of a sweep, and the numbers of each."""

from __future__ import annotations

import pytest

from ropewalk.pipeline import NodeResult, Output, RunResult, State
from ropewalk.pipeline.sweeps import SweepPoint, grid


def point(*summaries):
    nodes = [
        NodeResult(
            f"step:s{n}",
            State.EXECUTED,
            output=Output("d", "run:x", summary) if summary is not None else None,
        )
        for n, summary in enumerate(summaries)
    ]
    return SweepPoint({}, RunResult("r", "default", tuple(nodes)))


@pytest.mark.parametrize(
    ("axes", "points"),
    [
        ({}, [{}]),
        ({"a": []}, []),
        ({"a": ["1", "2"]}, [{"a": "1"}, {"a": "2"}]),
        ({"a": ["1"], "b": ["x", "y"]}, [{"a": "1", "b": "x"}, {"a": "1", "b": "y"}]),
        ({"b": ["1", "1"]}, [{"b": "1"}, {"b": "1"}]),
    ],
)
def test_grid(axes, points):
    """Every combination comes once, the last axis turning fastest."""
    assert grid(axes) == points


def test_metrics_are_named_by_step():
    """Steps may return metrics of the same name, and they are kept apart."""
    metrics = point({"metrics": {"auc": 0.5}}, {"metrics": {"auc": 1}}).metrics()

    assert metrics == {"s0.auc": 0.5, "s1.auc": 1.0}


@pytest.mark.parametrize("summary", [None, {}, {"metrics": None}, {"metrics": "auc"}, {"metrics": {}}])
def test_steps_without_numbers(summary):
    """A step that failed, or returned something else, has none."""
    assert point(summary).metrics() == {}


def test_metric_without_a_value():
    """What is no number is left out, and the others are told."""
    assert point({"metrics": {"auc": None, "name": "x", "rows": 3}}).metrics() == {"s0.rows": 3.0}
