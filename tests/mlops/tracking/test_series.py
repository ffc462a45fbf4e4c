"""One metric of several runs: whole, and thinned out to what a chart can show."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropewalk.mlops.tracking.rows.series import sample_steps

Call = Callable[..., dict[str, Any]]
BULK, INTERVAL = "metrics/get-history-bulk", "metrics/get-history-bulk-interval"


@pytest.fixture
def series(call: Call, experiment: str) -> Callable[..., str]:
    """Return a function that makes a run with one metric of so many steps."""

    def make(steps: int, values: Callable[[int], Any] = float) -> str:
        run = call("POST", "runs/create", json={"experiment_id": experiment})["run"]["info"]["run_id"]
        points = [
            {"key": "loss", "value": values(step), "timestamp": 1, "step": step} for step in range(steps)
        ]
        call("POST", "runs/log-batch", json={"run_id": run, "metrics": points})
        return str(run)

    return make


def _steps(answer: dict[str, Any], run: str) -> list[int]:
    return [metric["step"] for metric in answer.get("metrics", []) if metric["run_id"] == run]


def test_whole_series(call: Call, series: Callable[..., str]) -> None:
    """Every point names its run, and those of one run stand together."""
    first, second = sorted((series(3), series(2)))

    answer = call("GET", BULK, params={"run_id": [second, first], "metric_key": "loss"})

    assert [metric["run_id"] for metric in answer["metrics"]] == sorted(
        [first] * len(_steps(answer, first)) + [second] * len(_steps(answer, second))
    )
    assert {key for metric in answer["metrics"] for key in metric} == {
        "key",
        "value",
        "timestamp",
        "step",
        "run_id",
    }


def test_most_points(call: Call, series: Callable[..., str]) -> None:
    """The limit is over all runs."""
    runs = [series(5), series(5)]

    answer = call("GET", BULK, params={"run_id": runs, "metric_key": "loss", "max_results": 7})

    assert len(answer["metrics"]) == 7


def test_numbers_that_json_lacks(call: Call, series: Callable[..., str]) -> None:
    """NaN and infinities are written as MLflow's clients read them."""
    run = series(2, lambda step: ("NaN", "Infinity")[step])

    answer = call("GET", BULK, params={"run_id": [run], "metric_key": "loss"})

    assert [metric["value"] for metric in answer["metrics"]] == ["NaN", "Infinity"]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"metric_key": "loss"}, "at least one run_id"),
        ({"metric_key": "loss", "run_id": [str(n) for n in range(101)]}, "cannot specify more than 100"),
        ({"run_id": ["x"]}, "must specify a metric_key"),
    ],
)
def test_refused_bulk(call: Call, query: dict[str, Any], said: str) -> None:
    """What is missing or too much is named."""
    assert said in call("GET", BULK, 400, params=query)["message"]


def test_thinned_out(call: Call, series: Callable[..., str]) -> None:
    """Steps at equal distances are answered, and the ends of each line."""
    short, long = series(10), series(20)

    answer = call("GET", INTERVAL, params={"run_ids": [short, long], "metric_key": "loss", "max_results": 5})

    assert _steps(answer, long) == [0, 4, 8, 9, 12, 16, 19]
    assert _steps(answer, short) == [0, 4, 8, 9]


def test_between_steps(call: Call, series: Callable[..., str]) -> None:
    """Both ends of the interval are part of it."""
    query = {"run_ids": [run := series(10)], "metric_key": "loss", "start_step": 2, "end_step": 5}

    assert _steps(call("GET", INTERVAL, params=query), run) == [2, 3, 4, 5]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"metric_key": "loss"}, "Missing value for required parameter 'run_ids'"),
        ({"run_ids": ["x"]}, "Missing value for required parameter 'metric_key'"),
        ({"run_ids": ["x"], "metric_key": "a", "max_results": 0}, "between 1 and 2500"),
        ({"run_ids": ["x"], "metric_key": "a", "max_results": 2501}, "between 1 and 2500"),
        ({"run_ids": ["x"], "metric_key": "a", "start_step": 1}, "both must be specified"),
        ({"run_ids": ["x"], "metric_key": "a", "start_step": 1, "end_step": 0}, "end_step must be greater"),
        ({"run_ids": [str(n) for n in range(101)], "metric_key": "a"}, "at most 100 run_ids"),
    ],
)
def test_refused_interval(call: Call, query: dict[str, Any], said: str) -> None:
    """What is missing or out of bounds is named."""
    assert said in call("GET", INTERVAL, 400, params=query)["message"]


def test_unknown_run(call: Call) -> None:
    """A run that is not there is said to be so, and not drawn as an empty line."""
    call("GET", INTERVAL, 404, params={"run_ids": ["nowhere"], "metric_key": "a"})


@given(
    st.lists(st.lists(st.integers(-50, 50), max_size=60), max_size=4),
    st.integers(1, 30),
)
def test_samples(every: list[list[int]], limit: int) -> None:
    """Sampled steps occur, hold the ends of each series, and are not more than the limit and the ends."""
    series = [[(step, 0, math.nan) for step in steps] for steps in every]
    occurring = {step for steps in every for step in steps}
    ends = {end for steps in every if steps for end in (min(steps), max(steps))}

    found = sample_steps(series, limit)

    assert ends <= found <= occurring
    assert found == occurring or len(occurring) > limit
    assert len(found) <= limit + len(ends)
