"""The section `gates`: what it takes, and how wrong entries are told of."""

from __future__ import annotations

import pytest

from ropewalk import plugins
from ropewalk.project import InvalidProjectFile, UnknownKey, load_project

GOOD = """\
project: test
gates:
  late:
    - metric: evaluate.auc
      min: 0.76
      max_drop: 0.005
"""


def _load(write_project, text):
    return (
        load_project(write_project({"ropewalk.yaml": text}), plugins.sections())
        .entries("gates")["late"]
        .value
    )


def test_condition_is_read(write_project):
    """Step, metric and bounds are what the file says."""
    (condition,) = _load(write_project, GOOD)

    assert (condition.step, condition.figure) == ("evaluate", "auc")
    assert condition.bounds() == [("min", 0.76), ("max_drop", 0.005)]
    assert str(condition) == "evaluate.auc min 0.76 max_drop 0.005"


def test_metric_may_have_dots(write_project):
    """Only the first dot ends the step's name."""
    (condition,) = _load(write_project, GOOD.replace("evaluate.auc", "evaluate.july.auc"))

    assert (condition.step, condition.figure) == ("evaluate", "july.auc")


def test_whole_numbers_are_bounds(write_project):
    """A bound of 0 is a bound."""
    (condition,) = _load(write_project, GOOD.replace("0.76", "0"))

    assert condition.bounds()[0] == ("min", 0.0)


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("evaluate.auc", "auc", 4, "metric"),
        ("evaluate.auc", ".auc", 4, "metric"),
        ("evaluate.auc", "'evaluate. '", 4, "metric"),
        ("metric: evaluate.auc\n      min", "min", 4, "'metric' is missing"),
        ("min: 0.76\n      max_drop: 0.005", "", 4, "at least one of min, max, max_drop, max_rise"),
        ("max_drop: 0.005", "max: 0.5", 4, "min 0.76 is above max 0.5"),
        ("min: 0.76", "min: '0.76'", 5, "min"),
        ("min: 0.76", "min: yes", 5, "min"),
        ("min: 0.76", "min: .nan", 5, "min"),
        ("min: 0.76", "min: .inf", 5, "min"),
        ("max_drop: 0.005", "max_drop: -0.1", 6, "max_drop"),
    ],
)
def test_wrong_value_is_told_with_its_place(write_project, old, new, line, message):
    """Each value that does not fit names its key and line."""
    with pytest.raises(InvalidProjectFile) as caught:
        _load(write_project, GOOD.replace(old, new))

    assert message in caught.value.message
    assert caught.value.place.line == line


@pytest.mark.parametrize("entry", ["[]", "{metric: evaluate.auc, min: 1}", "evaluate.auc > 0.76"])
def test_gate_is_a_list_of_conditions(write_project, entry):
    """An empty list decides nothing, and a single condition is still a list."""
    with pytest.raises(InvalidProjectFile) as caught:
        _load(write_project, f"project: test\ngates:\n  late: {entry}\n")

    assert caught.value.place.line == 3


def test_unknown_bound_names_the_nearest(write_project):
    """A misspelt bound is no silent no-op."""
    with pytest.raises(UnknownKey, match="max_drops") as caught:
        _load(write_project, GOOD.replace("max_drop", "max_drops"))

    assert (caught.value.nearest, caught.value.place.line) == ("max_drop", 6)
