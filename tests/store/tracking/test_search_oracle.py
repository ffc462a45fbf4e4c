"""Searching runs, held against the plainest reading of the language: a loop over values in memory."""

from __future__ import annotations

import fnmatch
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ropewalk.store import Database
from ropewalk.store.search import Condition, Ordering, Page
from ropewalk.store.tracking.metrics import append_metrics
from ropewalk.store.tracking.runs import add_params, search_runs, set_run_tags
from ropewalk.store.tracking.values import Metric

COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
TEXTS = ["a", "A", "ab", "b%", "b_", "*", "?", "[a]", "", "ß"]
KEYS = ["x", "y", "mlflow.z"]
NUMBERS = [-1.0, 0.0, 0.5, 2.0]


@dataclass(frozen=True)
class Logged:
    """What one run logged."""

    metrics: Mapping[str, float]
    params: Mapping[str, str]
    tags: Mapping[str, str]

    def entity(self, name: str) -> Mapping[str, object]:
        """Return what conditions on an entity look into."""
        return {"metric": self.metrics, "parameter": self.params, "tag": self.tags}[name]


def _entries(values: list[str]) -> st.SearchStrategy[dict[str, str]]:
    return st.dictionaries(st.sampled_from(KEYS), st.sampled_from(values))


LOGGED = st.builds(
    Logged,
    st.dictionaries(st.sampled_from(KEYS), st.sampled_from(NUMBERS)),
    _entries(TEXTS),
    _entries(TEXTS),
)
ON_NUMBERS = st.builds(
    Condition,
    st.just("metric"),
    st.sampled_from(KEYS),
    st.sampled_from([*COMPARE]),
    st.sampled_from(NUMBERS),
)
ON_TEXTS = st.builds(
    Condition,
    st.sampled_from(["parameter", "tag"]),
    st.sampled_from(KEYS),
    st.sampled_from(["=", "!=", "LIKE"]),
    st.sampled_from([*TEXTS, "%", "a%", "_", "%b%"]),
)
ON_PRESENCE = st.builds(
    Condition,
    st.sampled_from(["metric", "parameter", "tag"]),
    st.sampled_from(KEYS),
    st.sampled_from(["IS NULL", "IS NOT NULL"]),
)


def _meets(run: Logged, condition: Condition) -> bool:
    """Return whether a run meets a condition, as MLflow's documentation says it."""
    found = run.entity(condition.entity).get(condition.key)
    if condition.operator == "IS NULL":
        return found is None
    if condition.operator == "IS NOT NULL":
        return found is not None
    if found is None:
        return False
    if condition.operator == "LIKE":
        return _like(str(found), str(condition.value))
    return COMPARE[condition.operator](found, condition.value)


def _like(text: str, pattern: str) -> bool:
    """Return whether a text is like a pattern in which only `%` and `_` are wild."""
    wild = {"%": "*", "_": "?"}
    plain = "".join(wild.get(sign, f"[{sign}]") for sign in pattern)
    return fnmatch.fnmatchcase(text, plain)


@pytest.fixture
def fill(database: Database, add_run: Callable[..., int]) -> Callable[[list[Logged]], dict[int, Logged]]:
    """Return a function that leaves exactly these runs in the store and returns them by number."""

    def refill(logged: list[Logged]) -> dict[int, Logged]:
        with database.write() as connection:
            connection.execute("UPDATE run SET stage = 'deleted'")
        found = {add_run(started_at=place): run for place, run in enumerate(logged)}
        with database.write() as connection:
            for number, run in found.items():
                append_metrics(connection, number, [Metric(key, v, 0, 0) for key, v in run.metrics.items()])
                add_params(connection, number, run.params)
                set_run_tags(connection, number, run.tags)
        return found

    return refill


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.lists(LOGGED, max_size=5), st.lists(ON_NUMBERS | ON_TEXTS | ON_PRESENCE, max_size=3))
def test_conditions(
    database: Database,
    fill: Callable[[list[Logged]], dict[int, Logged]],
    logged: list[Logged],
    conditions: list[Condition],
) -> None:
    """Any conditions on any runs find what a loop over them finds, newest first."""
    runs = fill(logged)
    active = Condition("attribute", "stage", "=", "active")

    with database.read() as connection:
        found = search_runs(connection, [active, *conditions], [], Page(100))

    expected = [number for number, run in runs.items() if all(_meets(run, c) for c in conditions)]
    assert [run.number for run in found] == expected[::-1]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(st.lists(LOGGED, max_size=6), st.sampled_from(KEYS), st.booleans(), st.integers(1, 4))
def test_pages_of_an_ordering(
    database: Database,
    fill: Callable[[list[Logged]], dict[int, Logged]],
    logged: list[Logged],
    key: str,
    is_ascending: bool,
    size: int,
) -> None:
    """Pages of any size join to the one ordered list: by the metric, runs without it last, ties newest first."""
    runs = fill(logged)
    active = Condition("attribute", "stage", "=", "active")
    order = [Ordering("metric", key, is_ascending)]

    found = list[int]()
    with database.read() as connection:
        for offset in range(0, len(logged) + size, size):
            page = search_runs(connection, [active], order, Page(size, offset))
            found += [run.number for run in page]

    newest_first = sorted(runs, reverse=True)
    have = [number for number in newest_first if key in runs[number].metrics]
    have.sort(key=lambda number: runs[number].metrics[key] * (1 if is_ascending else -1))
    assert found == [*have, *(number for number in newest_first if key not in runs[number].metrics)]
