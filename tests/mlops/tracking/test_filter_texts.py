"""Filters as texts: written from conditions, and read back as the same conditions."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ropewalk.mlops.tracking.errors import InvalidFilter
from ropewalk.mlops.tracking.filter import RUNS, parse_filter, parse_ordering
from ropewalk.store.search import Condition, Ordering

# What may stand between backticks or quotes; a key ends where its quote does.
KEYS = st.text(min_size=1, max_size=8).filter(lambda key: "`" not in key and '"' not in key)
TEXTS = st.text(max_size=12)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
ENTITIES = st.sampled_from(["tag", "parameter"])


def _text(value: str, quote: str = "'") -> str:
    return quote + value.replace(quote, quote * 2) + quote


def _written(condition: Condition, quote: str) -> str:
    """Return a condition as a person writes it."""
    name = f"{condition.entity}.`{condition.key}`"
    if condition.value is None:
        return f"{name} {condition.operator}"
    if isinstance(condition.value, tuple):
        return f"{condition.key} {condition.operator} ({', '.join(map(_text, condition.value))})"
    value = _text(condition.value, quote) if isinstance(condition.value, str) else repr(condition.value)
    return f"{name} {condition.operator} {value}"


ON_TEXTS = st.builds(Condition, ENTITIES, KEYS, st.sampled_from(["=", "!=", "LIKE", "ILIKE"]), TEXTS)
ON_NUMBERS = st.builds(
    Condition, st.just("metric"), KEYS, st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), NUMBERS
)
ON_PRESENCE = st.builds(Condition, ENTITIES, KEYS, st.sampled_from(["IS NULL", "IS NOT NULL"]))
ON_LISTS = st.builds(
    Condition,
    st.just("attribute"),
    st.sampled_from(["run_id", "status"]),
    st.sampled_from(["IN", "NOT IN"]),
    st.lists(TEXTS, min_size=1, max_size=3).map(tuple),
)
CONDITIONS = st.lists(ON_TEXTS | ON_NUMBERS | ON_PRESENCE | ON_LISTS, max_size=4)


@settings(max_examples=40, deadline=None)
@given(CONDITIONS, st.sampled_from(["'", '"']), st.sampled_from([" AND ", " and ", "\nAnd\t"]))
def test_any_conditions(conditions: list[Condition], quote: str, joint: str) -> None:
    """Any keys and values, quotes and line breaks in them too, come back as they were written."""
    text = joint.join(_written(condition, quote) for condition in conditions)

    assert parse_filter(text, RUNS) == conditions


@given(KEYS, st.booleans())
def test_any_ordering(key: str, is_ascending: bool) -> None:
    """Any key can be sorted by."""
    text = f"metrics.`{key}` {'ASC' if is_ascending else 'desc'}"

    assert parse_ordering(text, RUNS) == Ordering("metric", key, is_ascending)


@settings(max_examples=40, deadline=None)
@given(CONDITIONS.filter(bool), st.integers(0, 60))
def test_a_filter_that_was_cut(conditions: list[Condition], place: int) -> None:
    """A filter that was cut short is refused or states its first conditions, never others."""
    text = " AND ".join(_written(condition, "'") for condition in conditions)

    try:
        found = parse_filter(text[:place], RUNS)
    except InvalidFilter:
        return

    assert len(found) <= len(conditions)
    assert found[:-1] == conditions[: max(len(found) - 1, 0)]


@pytest.mark.parametrize("count", [1, 100])
def test_as_many_clauses_as_allowed(count: int) -> None:
    """A filter may have a hundred clauses."""
    assert len(parse_filter(" AND ".join(["metrics.a > 1"] * count), RUNS)) == count


@pytest.mark.parametrize("text", ["1e400", "-1e400", "9" * 400])
def test_numbers_beyond_doubles(text: str) -> None:
    """A number that no double holds is compared as an infinity, which no finite metric exceeds."""
    (condition,) = parse_filter(f"metrics.a < {text}", RUNS)

    assert abs(float(str(condition.value))) == float("inf")
