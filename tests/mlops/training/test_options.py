"""The options of @step are checked while planning, with their place."""

from __future__ import annotations

import pytest

from ropewalk.errors import Place
from ropewalk.mlops.training.errors import InvalidStep
from ropewalk.mlops.training.options import check_options, timeout_seconds
from ropewalk.project import StepDeclaration

PLACE = Place("steps/train.py", 4, 1)


def _step(**options):
    return StepDeclaration("train", "steps/train.py", (), (), "Model", options, PLACE)


def test_known_options_pass():
    """All three options are accepted as texts."""
    options = {"model": "late", "timeout": "5m", "version": "2"}

    assert check_options(_step(**options)) == options


def test_unknown_option_has_nearest():
    """A misspelt option is refused with the nearest one and its place."""
    with pytest.raises(InvalidStep) as caught:
        check_options(_step(time_out="5m"))

    assert caught.value.nearest == "timeout"
    assert caught.value.place == PLACE


def test_option_must_be_text():
    """A number is not a name."""
    with pytest.raises(InvalidStep, match="must be a text"):
        check_options(_step(model=3))


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("30m", 1800), ("2h", 7200)])
def test_durations(text, seconds):
    """Seconds, minutes and hours are understood."""
    assert timeout_seconds(text, _step(), default=1) == seconds


def test_no_timeout_means_the_default():
    """Without the option the setting counts."""
    assert timeout_seconds(None, _step(), default=7) == 7


@pytest.mark.parametrize("text", ["", "5", "m", "1d", "-5m", "5 minutes"])
def test_wrong_duration(text):
    """Anything else is refused while planning."""
    with pytest.raises(InvalidStep, match="not a duration"):
        check_options(_step(timeout=text))
