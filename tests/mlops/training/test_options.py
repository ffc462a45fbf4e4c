"""The options of @step are checked while planning, with their place."""

from __future__ import annotations

import pytest

from ropewalk.errors import Place
from ropewalk.mlops.training.errors import InvalidStep
from ropewalk.mlops.training.options import OPTIONS, CheckedOptions, check_options
from ropewalk.mlops.training.sdk import StepOptions
from ropewalk.pipeline import Limits
from ropewalk.project import StepDeclaration

PLACE = Place("steps/train.py", 4, 1)


def _step(**options):
    return StepDeclaration("train", "steps/train.py", (), (), "Model", options, PLACE)


def test_no_options():
    """A bare @step takes every default."""
    assert check_options(_step()) == CheckedOptions()


def test_all_options():
    """Every option arrives as what it means."""
    found = check_options(
        _step(
            model="late",
            timeout="5m",
            version="2",
            cpu=4,
            memory="2GB",
            pool="shop",
            retries=3,
            backoff="10s",
            retry_on=("ConnectionError", "requests.Timeout"),
            env="uv:requirements/train.txt",
        ),
        pools=["shop"],
    )

    assert found.limits == Limits(4, 2_000_000_000, "shop", 3, 10.0)
    assert (found.model, found.timeout_s, found.version) == ("late", 300.0, "2")
    assert found.env == "requirements/train.txt"
    assert found.retry_on == ("ConnectionError", "requests.Timeout")


def test_the_decorator_takes_what_planning_reads():
    """A type checker and the planner know the same options."""
    assert set(StepOptions.__annotations__) == set(OPTIONS)


def test_unknown_option_has_nearest():
    """A misspelt option is refused with the nearest one and its place."""
    with pytest.raises(InvalidStep) as caught:
        check_options(_step(time_out="5m"))

    assert caught.value.nearest == "timeout"
    assert caught.value.place == PLACE


def test_unknown_pool_has_nearest():
    """A pool that the project does not declare is refused, with what it declares."""
    with pytest.raises(InvalidStep) as caught:
        check_options(_step(pool="shp"), pools=["shop", "mail"])

    assert caught.value.nearest == "shop"
    assert caught.value.hint == "the project declares shop, mail"


def test_pool_where_none_is_declared():
    """Without any pool the hint says where they are declared."""
    with pytest.raises(InvalidStep) as caught:
        check_options(_step(pool="shop"), pools=[])

    assert "`pools:`" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("model", 3),
        ("timeout", 5),
        ("memory", 2),
        ("cpu", "2"),
        ("cpu", 0),
        ("cpu", True),
        ("cpu", 1.5),
        ("retries", -1),
        ("retries", 101),
        ("retry_on", 3),
        ("retry_on", ("not a name",)),
        ("retry_on", {"ValueError": 1}),
        ("env", "requirements/train.txt"),
        ("env", "uv:"),
        ("env", "uv:/etc/passwd"),
        ("env", "uv:../elsewhere.txt"),
        ("backoff", "soon"),
    ],
)
def test_value_that_does_not_fit(name, value):
    """A value of another kind is refused by the option's name, at the step's place."""
    with pytest.raises(InvalidStep) as caught:
        check_options(_step(**{name: value}))

    assert name in caught.value.message
    assert caught.value.place == PLACE


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("30m", 1800), ("2h", 7200)])
def test_durations(text, seconds):
    """Seconds, minutes and hours are understood."""
    assert check_options(_step(timeout=text)).timeout_s == seconds


@pytest.mark.parametrize("text", ["", "5", "m", "1d", "-5m", "5 minutes"])
def test_wrong_duration(text):
    """Anything else is refused while planning."""
    with pytest.raises(InvalidStep, match="not a duration"):
        check_options(_step(timeout=text))


@pytest.mark.parametrize(
    ("text", "size"), [("1KB", 1000), ("512MB", 512_000_000), ("1.5GiB", 1_610_612_736), ("1TB", 10**12)]
)
def test_sizes(text, size):
    """Decimal and binary sizes are understood."""
    assert check_options(_step(memory=text)).limits.memory == size


@pytest.mark.parametrize("text", ["", "2", "2G", "GB", "-1GB", "2 gigabytes"])
def test_wrong_size(text):
    """A size without its unit could mean anything."""
    with pytest.raises(InvalidStep, match="not a size"):
        check_options(_step(memory=text))


def test_single_exception_needs_no_tuple():
    """One name may stand alone."""
    assert check_options(_step(retry_on="OSError")).retry_on == ("OSError",)
