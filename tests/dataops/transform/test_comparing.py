"""Rows beside the rows that were expected: which are alike, and how each other one is told."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ropewalk.dataops.transform.comparing import compare_rows, show

ROWS = st.lists(st.fixed_dictionaries({"a": st.integers(0, 2), "b": st.sampled_from(["x", "y"])}), max_size=5)


def told(expected, actual):
    return [str(item) for item in compare_rows(expected, actual)]


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ([], []),
        ([{"a": 1}, {"a": 2}], [{"a": 2}, {"a": 1}]),
        ([{"a": 0.3}], [{"a": 0.1 + 0.2}]),
        ([{"a": math.nan}], [{"a": math.nan}]),
        ([{"a": math.inf}], [{"a": math.inf}]),
        ([{"a": None}], [{"a": None}]),
        ([{"a": [1, {"b": 2}]}], [{"a": [1, {"b": 2}]}]),
    ],
)
def test_equal_rows(expected, actual):
    """Their order does not count, nor does the last digit of a sum; nothing equals nothing."""
    assert compare_rows(expected, actual) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, True),
        (1, 1.0),
        ("1", 1),
        (None, ""),
        (0.0, None),
        (math.nan, 0.0),
        (math.inf, -math.inf),
        (Decimal("1.0"), 1.0),
        (dt.date(2026, 1, 1), "2026-01-01"),
    ],
)
def test_values_of_other_types_differ(one, other):
    """What looks alike and is of another type would behave otherwise for whoever reads it."""
    assert [item.kind for item in compare_rows([{"x": one}], [{"x": other}])] == ["missing", "unexpected"]


def test_the_likest_row_is_the_other_side():
    """A row is held against the one it shares most with, and only the cells that differ are told twice."""
    expected = [{"id": 1, "name": "a", "n": 5}]
    actual = [{"id": 2, "name": "a", "n": 6}, {"id": 1, "name": "a", "n": 6}]

    assert told(expected, actual) == [
        "differs     id = 1  name = 'a'   n: expected 5, got 6",
        "unexpected  id = 2  name = 'a'  n = 6",
    ]


def test_repeated_rows_count():
    """Twice the same row is not once."""
    assert told([{"a": 1}, {"a": 1}], [{"a": 1}]) == ["missing     a = 1"]
    assert told([{"a": 1}], [{"a": 1}, {"a": 1}]) == ["unexpected  a = 1"]


@pytest.mark.parametrize(
    ("value", "shown"), [(None, "null"), ("null", "'null'"), ("", "''"), (1, "1"), (True, "True")]
)
def test_shown_values(value, shown):
    """A text that says null is not nothing."""
    assert show(value) == shown


@settings(max_examples=40, deadline=None)
@given(ROWS, ROWS)
def test_every_row_is_told_once(expected, actual):
    """What is missing and what is too many make up the difference in number, and equal rows are never told."""
    found = compare_rows(expected, actual)
    kinds = [item.kind for item in found]

    assert kinds.count("unexpected") - kinds.count("missing") == len(actual) - len(expected)
    assert compare_rows(expected, list(reversed(expected))) == []
    assert all(item.cells for item in found if item.kind == "differs")
