"""Types of the lake for what requests hold: the narrowest that holds all, whatever the order, and times in UTC."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropewalk.devops.serving.column_types import as_utc, signature_type, values_type, wider

TYPES = [None, "BOOLEAN", "BIGINT", "DOUBLE", "VARCHAR", "TIMESTAMP", "DOUBLE[]"]
types = st.sampled_from(TYPES)
values = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5))


@pytest.mark.parametrize(
    ("mlflow", "lake"),
    [
        ("double", "DOUBLE"),
        ("float", "DOUBLE"),
        ("long", "BIGINT"),
        ("integer", "BIGINT"),
        ("boolean", "BOOLEAN"),
        ("string", "VARCHAR"),
        ("datetime", "TIMESTAMP"),
        ("binary", "VARCHAR"),
        ("", "VARCHAR"),
    ],
)
def test_types_of_a_signature(mlflow: str, lake: str) -> None:
    """Each of MLflow's has one; what is not known is kept as text, which holds anything."""
    assert signature_type(mlflow) == lake


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ([], None),
        ([None, None], None),
        ([True, None], "BOOLEAN"),
        ([1, 2], "BIGINT"),
        ([1, 2.5], "DOUBLE"),
        ([math.nan, math.inf], "DOUBLE"),
        ([1, True], "VARCHAR"),
        ([1, "1"], "VARCHAR"),
        ([2**63 - 1, -(2**63)], "BIGINT"),
        ([2**63], "VARCHAR"),
        ([-(2**63) - 1], "VARCHAR"),
        ([[0.1, 0.9], [1, None]], "DOUBLE[]"),
        ([[]], "DOUBLE[]"),
        ([["a"]], "VARCHAR"),
        ([[True]], "VARCHAR"),
        ([{"a": 1}], "VARCHAR"),
        ([[1.0], 1.0], "VARCHAR"),
    ],
)
def test_types_of_values(given: list[object], found: str | None) -> None:
    """The narrowest that holds them all, and nothing that would round or overflow."""
    assert values_type(given) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2013-07-01", "TIMESTAMP"),
        ("2013-07-01 10:30", "TIMESTAMP"),
        ("2013-07-01T10:30:59.123456", "TIMESTAMP"),
        ("2013-07-01T10:30:59+02:00", "TIMESTAMP"),
        ("2013-07-01T10:30:59Z", "TIMESTAMP"),
        ("20130701", "VARCHAR"),
        ("2013-02-30", "VARCHAR"),
        ("2013-07-01T25:00", "VARCHAR"),
        ("2013-07-01 evening", "VARCHAR"),
        ("0001-01-01T00:00+01:00", "VARCHAR"),
        ("2013-07-01\n", "VARCHAR"),
        (" 2013-07-01", "VARCHAR"),
        ("", "VARCHAR"),
    ],
)
def test_texts_that_are_times(text: str, found: str) -> None:
    """Only what names a day that there is; a number of eight digits is more often an identifier."""
    assert values_type([text]) == found


@given(types, types, types)
def test_order_does_not_decide(one: str | None, other: str | None, third: str | None) -> None:
    """Which request came first changes no column's type, and a type holds itself."""
    assert wider(one, other) == wider(other, one)
    assert wider(wider(one, other), third) == wider(one, wider(other, third))
    assert wider(one, one) == one


@given(st.lists(values, max_size=4))
def test_any_order_of_values(given: list[object]) -> None:
    """A column has one type, in whatever order its values come."""
    assert len({values_type(order) for order in permutations(given)}) == 1


@given(st.lists(values, max_size=6), st.integers(0, 6))
def test_parts_make_the_whole(given: list[object], cut: int) -> None:
    """Two requests widen a column to what one request with both would have given it."""
    assert wider(values_type(given[:cut]), values_type(given[cut:])) == values_type(given)


@given(
    st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)),  # noqa: DTZ001  # an offset is given below
    st.integers(-14 * 60, 14 * 60),
)
def test_offsets_are_brought_to_utc(moment: datetime, minutes: int) -> None:
    """The text that is kept names the same moment, without an offset that the engine would drop."""
    sent = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))

    kept = str(as_utc(sent.isoformat()))

    assert datetime.fromisoformat(kept).replace(tzinfo=UTC) == sent
    assert datetime.fromisoformat(kept).tzinfo is None


@pytest.mark.parametrize(
    "value", [None, 1, 1.5, True, [1], "", "late", "2013-07-01", "2013-07-01 10:30", "2013-99-99T00:00+01:00"]
)
def test_what_is_no_time_elsewhere_stays(value: object) -> None:
    """A text without an offset is kept letter by letter, in case its column turns out to be no time."""
    assert as_utc(value) is value
