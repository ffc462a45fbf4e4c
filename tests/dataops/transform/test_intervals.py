"""Intervals by themselves: what a row's interval is called, which run together, and which span is meant."""

from __future__ import annotations

from datetime import datetime

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ropewalk.dataops.lake import Column
from ropewalk.dataops.transform import InvalidSpan
from ropewalk.dataops.transform.intervals import (
    Cut,
    batches,
    describe,
    is_inside,
    sorted_labels,
    variables,
)
from ropewalk.dataops.transform.parts import read_span
from ropewalk.dataops.transform.values import Partition

HOUR, DAY, MONTH, KEY = (Partition(by, "x") for by in ("hour", "day", "month", "key"))


@pytest.fixture(scope="module")
def engine():
    """Yield one engine that holds nothing."""
    with duckdb.connect() as connection:
        yield connection


@pytest.fixture
def label(engine):
    """Return a function that tells the interval of a value, given in SQL."""

    def label_of(partition, value, kind="TIMESTAMP"):
        sql = f"SELECT {Cut(partition, Column('x', kind)).label} FROM (SELECT {value}::{kind} AS x)"
        return engine.execute(sql).fetchone()[0]

    return label_of


@pytest.mark.parametrize(
    ("partition", "value", "name"),
    [
        (HOUR, "'2013-01-31 23:59:59.999'", "2013-01-31T23"),
        (DAY, "'2013-01-31 23:59:59.999'", "2013-01-31"),
        (MONTH, "'2013-01-31'", "2013-01"),
        (MONTH, "'1000-01-01'", "1000-01"),
        (MONTH, "'9999-11-30 23:59'", "9999-11"),
        (MONTH, "'9999-12-01'", None),
        (DAY, "'0999-12-31'", None),
        (DAY, "'infinity'", None),
        (DAY, "'-infinity'", None),
        (DAY, "NULL", None),
        (KEY, "'2013-01-31'", "2013-01-31 00:00:00"),
    ],
)
def test_names_of_intervals(label, partition, value, name):
    """A moment has the name of its interval; what no calendar holds to its end is in none."""
    assert label(partition, value) == name


@pytest.mark.parametrize(
    ("partition", "name"),
    [(HOUR, "1000-01-01T00"), (DAY, "9999-11-30"), (MONTH, "9999-11"), (DAY, "2012-02-29")],
)
def test_every_interval_has_an_end(engine, partition, name):
    """The first and the last interval that a row can be in can be computed as any other."""
    condition = Cut(partition, Column("x", "TIMESTAMP")).condition
    start = {"hour": "1000-01-01", "day": name, "month": f"{name}-01"}[partition.by]

    engine.execute(variables(partition, [name]))

    sql = f"SELECT count(*) FROM (SELECT unnest([TIMESTAMP '{start}', TIMESTAMP '2020-05-05']) AS x) WHERE {condition}"
    assert engine.execute(sql).fetchone() == (1,)


@pytest.mark.parametrize(
    ("labels", "condition"),
    [
        ([], "(false)"),
        (["a"], "((CAST(\"x\" AS VARCHAR)) IN ('a'))"),
        ([None], '((CAST("x" AS VARCHAR)) IS NULL)'),
        (["b", None, "a'"], "((CAST(\"x\" AS VARCHAR)) IN ('a''', 'b') OR (CAST(\"x\" AS VARCHAR)) IS NULL)"),
    ],
)
def test_rows_among_intervals(labels, condition):
    """No interval is no row, and a quote in a key stays a part of its text."""
    assert Cut(KEY, Column("x", "VARCHAR")).among(labels) == condition


def test_rows_without_an_interval_come_last():
    """Labels stand in order of time, whatever order they came in."""
    assert sorted_labels({None, "2013-02", "2012-12"}) == ["2012-12", "2013-02", None]
    assert sorted_labels([]) == []


@pytest.mark.parametrize(
    ("wanted", "groups"),
    [
        (set(), []),
        ({None}, [[None]]),
        ({"b"}, [["b"]]),
        ({"a", "c"}, [["a"], ["c"]]),
        ({"a", "b", "c", None}, [["a", "b", "c"], [None]]),
        ({"z"}, []),
    ],
)
def test_groups(wanted, groups):
    """What is wanted and not there is in no group; a gap among those that are there parts two groups."""
    assert list(batches(DAY, wanted, ["c", "a", "b", None])) == groups


def test_keys_need_no_neighbours():
    """Keys are listed one by one, so one statement computes them whatever lies between them."""
    assert list(batches(KEY, {"a", "c"}, ["a", "b", "c"])) == [["a", "c"]]


@settings(max_examples=40, deadline=None)
@given(st.sets(st.integers(1, 28)), st.sets(st.integers(1, 28)))
def test_each_wanted_interval_is_computed_once(every, wanted):
    """Groups take each wanted interval once, in order, and none that was not asked for lies within one."""
    names = [f"2013-01-{day:02}" for day in every]
    asked = {f"2013-01-{day:02}" for day in wanted & every}

    groups = list(batches(DAY, asked, names))

    assert [label for group in groups for label in group] == sorted(asked)
    for group in groups:
        assert [name for name in sorted(names) if group[0] <= name <= group[-1]] == group


@pytest.mark.parametrize(
    ("partition", "label", "inside"),
    [(DAY, "2013-01-01", True), (DAY, "2013-02-01", False), (DAY, None, False), (KEY, "any", True)],
)
def test_inside_a_span(partition, label, inside):
    """A span has its beginning and not its end; keys know no time, and rows without a time no span."""
    span = read_span(("2013-01-01", "2013-02-01"))

    assert is_inside(partition, label, span) is inside
    assert is_inside(partition, label, None)


def test_runs_in_words():
    """Neighbours are told by the first and the last of them, and nothing by nothing."""
    assert describe({"a", "c", "d"}, ["a", "b", "c", "d"]) == "a, c..d"
    assert describe([], ["a"]) == ""


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-31", "2026-01-31 00:00:00"),
        ("2026-01-31T06:00", "2026-01-31 06:00:00"),
        ("2026-01-31T00:30+01:00", "2026-01-30 23:30:00"),
        ("2026-01-31T06:00Z", "2026-01-31 06:00:00"),
    ],
)
def test_spans_are_in_utc(text, moment):
    """A time with a zone is the same moment in UTC; one without is UTC already."""
    start, end = read_span((text, "2027-01-01"))

    assert (str(start), end) == (moment, datetime(2027, 1, 1))  # noqa: DTZ001  # as the lake's


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        ("yesterday", "2026-01-01", "'yesterday' is no time"),
        ("2026-01-01", "2026-02-30", "'2026-02-30' is no time"),
        ("", "2026-01-01", "'' is no time"),
        ("0001-01-01T00:00+14:00", "2026-01-01", "'0001-01-01T00:00+14:00' is no time"),
        ("2026-01-01", "9999-12-31T23:59-14:00", "'9999-12-31T23:59-14:00' is no time"),
        ("2026-01-01", "2026-01-01", "there is no time"),
        ("2026-01-02", "2026-01-01", "there is no time"),
    ],
)
def test_spans_that_are_none(start, end, message):
    """What is no time, lies outside the calendar, or ends before it begins is refused with a way on."""
    with pytest.raises(InvalidSpan, match="no time") as caught:
        read_span((start, end))

    assert message in caught.value.message
    assert caught.value.hint
