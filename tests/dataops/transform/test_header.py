"""The header of a table's file: its description, and how it says that the table is partitioned."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from ropewalk.dataops.lake import Column
from ropewalk.dataops.transform import Header, InvalidHeader, InvalidSQL, Partition
from ropewalk.dataops.transform.header import read_description
from ropewalk.dataops.transform.intervals import Cut, batches, describe, find_cut, is_inside, variables
from ropewalk.dataops.transform.parse import parse_sql

DAY, MONTH, HOUR, KEY = (Partition(by, "t") for by in ("day", "month", "hour", "key"))


@pytest.mark.parametrize(
    ("text", "partition", "description"),
    [
        ("-- Flights.\n-- partition: day(t)\nSELECT 1 AS t", "day(t)", "Flights."),
        ("--partition :  Month( scheduled_at )  \r\nSELECT 1 AS t", "month(scheduled_at)", None),
        ("-- partition: key(carrier)\n-- By carrier.\nSELECT 1 AS t", "key(carrier)", "By carrier."),
        ("-- About partition: a word.\nSELECT 1 AS t", None, "About partition: a word."),
        ("/* One. */\n-- partition: hour(t)\nSELECT 1 AS t", "hour(t)", "One."),
        ("SELECT 1 AS t", None, None),
    ],
)
def test_header(text: str, partition: str | None, description: str | None) -> None:
    """A line of its own among the comments says it, and is no part of the description."""
    found = parse_sql(text, "t.sql")

    assert (str(found.partition) if found.partition else None, found.description) == (partition, description)


@pytest.mark.parametrize(
    ("text", "message", "place", "nearest"),
    [
        ("-- partition: dya(t)\nSELECT 1", "not partitioned by 'dya'", "t.sql:1:15", "day"),
        ("-- partition: week(t)\nSELECT 1", "not partitioned by 'week'", "t.sql:1:15", None),
        ("-- partition: day\nSELECT 1", "'day' is no way to partition", "t.sql:1:15", None),
        ("-- partition: day(a, b)\nSELECT 1", "'day(a, b)' is no way", "t.sql:1:15", None),
        ("-- partition:\nSELECT 1", "'' is no way", "t.sql:1:14", None),
        ("-- partition: day(t)\n-- partition: hour(t)\nSELECT 1", "in one way", "t.sql:2:1", None),
        ("SELECT 1\n-- partition: day(t)", "behind the start", "t.sql:2:1", None),
    ],
)
def test_header_that_is_wrong(text: str, message: str, place: str, nearest: str | None) -> None:
    """The error stands at the words that are wrong, with the nearest that are right."""
    with pytest.raises(InvalidSQL) as caught:
        parse_sql(text, "t.sql")

    assert message in caught.value.message
    assert (str(caught.value.place), caught.value.nearest) == (place, nearest)


@pytest.mark.parametrize(
    ("partition", "kind", "can"),
    [
        (DAY, "TIMESTAMP", True),
        (DAY, "DATE", True),
        (HOUR, "TIMESTAMP WITH TIME ZONE", True),
        (DAY, "VARCHAR", False),
        (MONTH, "INTEGER", False),
        (KEY, "INTEGER", True),
    ],
)
def test_columns_that_can_be_cut(partition: Partition, kind: str, can: bool) -> None:
    """Times have intervals, any value is a key; names have no case."""
    assert (find_cut(partition, [Column("x", "DATE"), Column("T", kind)]) is not None) is can


def test_neighbours_are_computed_together() -> None:
    """Only where another interval lies between them is there another statement; rows without one come last."""
    every = ["2013-01-01", "2013-01-02", "2013-01-05", "2013-01-06", None]

    found = list(batches(DAY, {"2013-01-01", "2013-01-05", "2013-01-06", None}, every))

    assert found == [["2013-01-01"], ["2013-01-05", "2013-01-06"], [None]]


def test_many_intervals_are_several_statements() -> None:
    """A statement takes no more than a year of days."""
    every = [
        f"{year}-{month:02}-{day:02}"
        for year in (2013, 2014)
        for month in range(1, 13)
        for day in range(1, 29)
    ]

    assert [len(group) for group in batches(DAY, set(every), every)] == [400, 272]


@pytest.mark.parametrize(
    ("partition", "labels", "limits"),
    [
        (DAY, ["2013-01-31"], ("2013-01-31 00:00:00", "2013-02-01 00:00:00")),
        (DAY, ["2013-01-01", "2013-01-05"], ("2013-01-01 00:00:00", "2013-01-06 00:00:00")),
        (MONTH, ["2012-12"], ("2012-12-01 00:00:00", "2013-01-01 00:00:00")),
        (MONTH, ["2012-02"], ("2012-02-01 00:00:00", "2012-03-01 00:00:00")),
        (HOUR, ["2013-01-01T23"], ("2013-01-01 23:00:00", "2013-01-02 00:00:00")),
    ],
)
def test_limits_of_intervals(partition: Partition, labels: list[str], limits: tuple[str, str]) -> None:
    """From the start of the first to the end of the last, which is not part of it."""
    sql = variables(partition, labels)

    assert f"ropewalk_from = TIMESTAMP '{limits[0]}'" in sql
    assert f"ropewalk_until = TIMESTAMP '{limits[1]}'" in sql


@pytest.mark.parametrize(
    ("partition", "label", "inside"),
    [
        (DAY, "2013-01-01", True),
        (DAY, "2013-02-01", False),
        (MONTH, "2013-01", True),
        (HOUR, "2012-12-31T23", False),
        (DAY, None, False),
        (KEY, "UA", True),
    ],
)
def test_inside_a_span(partition: Partition, label: str | None, inside: bool) -> None:
    """An interval is where it starts, and the end of a span is no part of it."""
    assert is_inside(partition, label, (datetime(2013, 1, 1), datetime(2013, 2, 1))) is inside  # noqa: DTZ001  # as the lake's


def test_intervals_in_words() -> None:
    """Rows of intervals without a gap are named by their ends."""
    every = ["a", "b", "c", "d", None]

    assert describe({"a", "b", "d"}, every) == "a..b, d"
    assert describe({None}, every) == "None"


def test_key_with_a_quote_is_a_value() -> None:
    """What is in the data is never SQL."""
    sql = Cut(KEY, Column("t", "VARCHAR")).among({"O'Hare", None})

    assert sql == """((CAST("t" AS VARCHAR)) IN ('O''Hare') OR (CAST("t" AS VARCHAR)) IS NULL)"""


@pytest.mark.parametrize(
    ("text", "message", "place", "nearest"),
    [
        ("-- kind: veiw\nSELECT 1", "'veiw' is no kind of table", "t.sql:1:10", "view"),
        ("-- kind:\nSELECT 1", "`kind:` says nothing", "t.sql:1:9", None),
        ("-- knid: view\nSELECT 1", "a table's header has no `knid:`", "t.sql:1:1", "kind"),
        ("-- Kind: view\nSELECT 1", "no `Kind:`", "t.sql:1:1", "kind"),
        ("-- materialized: view\nSELECT 1", "no `materialized:`", "t.sql:1:1", "kind"),
        ("-- unique_key: id\nSELECT 1", "no `unique_key:`", "t.sql:1:1", "key"),
        ("-- kind: view\n-- kind: view\nSELECT 1", "one `kind:`", "t.sql:2:1", None),
        ("-- key: id\nSELECT 1", "kind table takes no `key:`", "t.sql:1:1", None),
        ("-- kind: view\n-- time: t\nSELECT 1", "kind view takes no `time:`", "t.sql:2:1", None),
        ("-- kind: table\n-- partition: day(t)\nSELECT 1", "takes no `partition:`", "t.sql:2:1", None),
        ("-- kind: incremental\nSELECT 1", "this one says neither", "t.sql:1:1", None),
        ("-- partition: day(t)\n-- key: t\nSELECT 1", "this one says both", "t.sql:2:1", None),
        ("-- kind: history\nSELECT 1", "needs a key", "t.sql:1:1", None),
        ("-- kind: history\n-- key: a b\nSELECT 1", "'a b' is not the name", "t.sql:2:9", None),
        ("-- kind: history\n-- key: a, A\nSELECT 1", "names a column twice", "t.sql:2:9", None),
        ("-- kind: history\n-- key: a,\nSELECT 1", "lacks a column", "t.sql:2:9", None),
        ("-- kind: history\n-- key: a\n-- time: 5\nSELECT 1", "'5' is not the name", "t.sql:3:10", None),
        ("SELECT 1\n-- kind: view\n", "behind the start", "t.sql:2:1", None),
        ("/* kind: view */\nSELECT 1", "of the other form", "t.sql:1:4", None),
        ("/*\n * kind: view\n */\nSELECT 1", "of the other form", "t.sql:2:4", None),
    ],
)
def test_settings_that_are_wrong(text: str, message: str, place: str, nearest: str | None) -> None:
    """Settings are strict: each mistake has its place, and the right word where one is near."""
    with pytest.raises(InvalidHeader) as caught:
        parse_sql(text, "t.sql")

    assert message in caught.value.message
    assert (str(caught.value.place), caught.value.nearest) == (place, nearest)


@pytest.mark.parametrize(
    ("text", "header", "description"),
    [
        ("-- kind: view\nSELECT 1", Header("view"), None),
        ("-- kind: incremental\n-- key: a, b\nSELECT 1", Header("incremental", key=("a", "b")), None),
        ("-- kind: history\n-- key: a\n-- time: t\nSELECT 1", Header("history", key=("a",), time="t"), None),
        (
            "-- Times: all in UTC.\n-- note: see key: a\nSELECT 1",
            Header(),
            "Times: all in UTC. note: see key: a",
        ),
        (
            "-- Key: tells one from another, always.\nSELECT 1",
            Header(),
            "Key: tells one from another, always.",
        ),
        ("SELECT 1 -- key: of the join", Header(), None),
    ],
)
def test_settings(text: str, header: Header, description: str | None) -> None:
    """A setting is a line of its own; a sentence with a colon is a description."""
    found = parse_sql(text, "t.sql")

    assert (replace(found.header, lines={}), found.description) == (header, description)


@pytest.mark.parametrize("text", ["-- What is sold.\nSELECT 1", "-- description: What is sold.\nSELECT 1"])
def test_a_description_may_be_called_one(text):
    """As saved questions do; the word is no part of it."""
    assert read_description(text) == "What is sold."
