"""What a check found in words: failing rows, ages, numbers, and how many rows are usual."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ropewalk.dataops.contracts.values import Check, Expectation
from ropewalk.dataops.contracts.volume import Usual, judge_volume, usual_rows
from ropewalk.dataops.contracts.words import (
    FAILING_ROWS,
    describe_age,
    describe_rows,
    describe_value,
    share_of,
)
from ropewalk.errors import Place

HERE = Place("contracts/mart.a.odcs.yaml", 3, 5)
DAY = 86_400
NOON = 1_388_491_200  # 2013-12-31 12:00 UTC


def check(kind, *values, **more):
    return Check(kind, ("x",), HERE, values, **more)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (check("required"), "3 of 8 rows are NULL"),
        (check("minimum", "0"), "3 of 8 rows are below 0"),
        (check("exclusiveMaximum", "10"), "3 of 8 rows are not below 10"),
        (check("enum", "a", "b"), "3 of 8 rows are none of a, b"),
        (check("pattern", pattern="^a$"), "3 of 8 rows do not match '^a$'"),
        (check("format", "email", pattern="@"), "3 of 8 rows are no email"),
        (check("foreignKey", "id", target="raw.b"), "3 of 8 rows lead to no row of raw.b"),
        (check("maxItems", "2"), "3 of 8 rows have more than 2 items"),
        (check("nullValues", unit="percent"), "3 of 8 rows (37.5 %) are NULL"),
        (
            check("nullValues", expect=Expectation("mustBeLessThan", (2,))),
            "3 of 8 rows are NULL, must be less than 2",
        ),
    ],
)
def test_failing_rows_in_words(asked, words):
    """How many of how many, what they do wrong, and what decided where that is not 'none may'."""
    assert describe_rows(asked, 3, 8) == words


@pytest.mark.parametrize("kind", sorted(FAILING_ROWS))
def test_every_kind_has_a_whole_sentence(kind):
    """No kind of check leaves a place in its sentence open, or prints what only programs read."""
    words = describe_rows(check(kind, "5"), 1, 2)

    assert words.startswith("1 of 2 rows ")
    assert not {"{", "}", "None", "Expectation"} & set(words.replace(",", " ").split())
    assert "{}" not in words


@pytest.mark.parametrize(("failing", "rows", "share"), [(0, 0, 0.0), (1, 4, 25.0), (4, 4, 100.0)])
def test_shares(failing, rows, share):
    """Of no rows none fail."""
    assert share_of(failing, rows) == share


@pytest.mark.parametrize(
    ("later", "words"),
    [
        (3 * DAY, "3 days old"),
        (1057 * DAY, "1,060 days old"),
        (3600, "1 hours old"),
        (90, "1.5 minutes old"),
        (0, "0 seconds old"),
        (-2 * DAY, "2 days ahead"),
    ],
)
def test_ages_in_words(later, words):
    """An age has the largest unit that it fills; what lies in the future is ahead, and not old."""
    found = describe_age(check("freshness", str(2 * DAY)), NOON, NOON + later)

    assert found == f"the newest x is 2013-12-31 12:00 UTC, {words}; at most 2 days are promised"


def test_age_of_nothing():
    """Without any value there is no age; what was promised is said all the same."""
    found = describe_age(check("retention", "3600"), None, NOON)

    assert found == "no row has a value of x; at most 1 hours are promised"


@pytest.mark.parametrize("moment", [math.inf, -math.inf, 9_224_318_015_999, -9_000_000_000_000])
def test_ages_beyond_the_calendar(moment):
    """The engine's times reach further than Python's: what it answers is told, and nothing crashes."""
    found = describe_age(check("retention", str(DAY)), moment, NOON)

    assert found.startswith("the oldest x is outside the years 1 to 9999, ")


def test_numbers_in_words():
    """A count is of rows; what a query counts is known to its author alone."""
    least = Expectation("mustBeGreaterOrEqualTo", (100,))

    assert describe_value(check("rowCount", expect=least), 12) == "12 rows, must be at least 100"
    assert describe_value(check("sql", expect=least), 1.5) == "1.5 by its query, must be at least 100"


@pytest.mark.parametrize(
    ("past", "usual"),
    [
        ([], None),
        ([10, 10], None),
        ([100, 100, 100], Usual(3, 100.0, 80.0, 120.0)),
        ([0, 0, 0], Usual(3, 0.0, 0.0, 4.0)),
        ([100, 100, 1], Usual(3, 100.0, 80.0, 120.0)),
    ],
)
def test_usual_rows(past, usual):
    """Two builds say nothing; an equal past leaves a twentieth of room; one broken build does not move the middle."""
    assert usual_rows(past, 4.0) == usual


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 10**9), min_size=3, max_size=9), st.floats(0.1, 10))
def test_what_was_in_the_middle_is_usual(past, tolerance):
    """Whatever the past, its middle is usual, nothing below zero is, and more tolerance takes no room away."""
    found, wider = usual_rows(past, tolerance), usual_rows(past, tolerance * 2)

    assert found is not None
    assert wider is not None
    assert 0 <= found.low <= found.middle <= found.high
    assert wider.low <= found.low
    assert found.high <= wider.high


def test_volume_in_words():
    """Large tables have their rows written out, as people count them."""
    passes, words = judge_volume(check("volume", "3", "4"), 10, [1_234_567] * 5)

    assert not passes
    assert words == (
        "10 rows; the last 3 builds had a median of 1,234,567, and 987,654 to 1,481,480 are usual (tolerance 4)"
    )
