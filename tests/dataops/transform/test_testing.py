"""Unit tests of tables: given rows go through the real SQL, and what comes out is held against what is expected."""

from __future__ import annotations

import shutil

import pytest

from ropewalk.dataops.transform import (
    InvalidTableTest,
    TableFailed,
    TableKind,
    TestWithoutTable,
    read_table_tests,
    run_table_tests,
)
from ropewalk.pipeline import declare_graph
from ropewalk.project import InvalidProjectFile, UnknownKey

FILES = {
    "tables/staging/flights.sql": "SELECT 1 AS id, 10 AS delay, DATE '2013-01-01' AS day, ['a'] AS tags, 1.5::DOUBLE AS share",
    "tables/mart/daily.sql": "-- kind: incremental\n-- partition: day(day)\n"
    "SELECT day, count(*) AS late, sum(share) AS share, current_date AS today FROM flights\n"
    "WHERE delay > 60 GROUP BY ALL",
}
TEST = """
  - name: late ones are counted
    overrides: {now: 2013-01-05}
    given:
      - input: staging.flights
        rows:
          - {delay: 70, day: 2013-01-01, share: 0.1}
          - {delay: 5, day: 2013-01-01}
          - {delay: 61, day: 2013-01-01, share: 0.2}
    expect:
      rows:
        - {day: 2013-01-01, late: 2, today: 2013-01-05, share: 0.3}
"""


@pytest.fixture
def tested(write_project, open_tables):
    """Return a function that writes a file of tests, runs them, and returns the results."""

    def test(text, **files):
        root = write_project({**FILES, **files, "tables/mart/daily.test.yaml": f"unit_tests:{text}"})
        workspace = open_tables(root)
        graph = declare_graph(workspace.project, {"table": TableKind()})
        return run_table_tests(read_table_tests(root), graph, workspace)

    return test


def test_a_test_that_passes(tested):
    """Columns that a row leaves out are NULL, those that are not expected are not compared, and now is what it says."""
    (result,) = tested(TEST)

    assert (result.passed, result.differences, result.error) == (True, (), None)


def test_no_lake_is_needed(write_project, open_tables):
    """Tests run before anything was built, and build nothing."""
    root = write_project({**FILES, "tables/mart/daily.test.yaml": f"unit_tests:{TEST}"})
    workspace = open_tables(root)
    lake = root / ".ropewalk/lake"
    shutil.rmtree(lake)
    graph = declare_graph(workspace.project, {"table": TableKind()})

    (result,) = run_table_tests(read_table_tests(root), graph, workspace)

    assert result.passed
    assert not lake.exists()


def test_the_diff(tested):
    """Rows are compared whatever their order; each that is wrong says how."""
    text = (
        TEST.replace("late: 2", "late: 3")
        + "        - {day: 2013-02-01, late: 1, today: 2013-01-04, share: 9}\n"
    )

    (result,) = tested(text)

    assert [str(difference) for difference in result.differences] == [
        "differs     day = 2013-01-01  share = 0.3  today = 2013-01-05   late: expected 3, got 2",
        "missing     day = 2013-02-01  late = 1  share = 9.0  today = 2013-01-04",
    ]


def test_no_rows(tested):
    """An input that is not given is empty, and no rows can be what is expected."""
    (right, wrong) = tested(
        "\n  - {name: none, expect: {rows: []}}\n  - name: some\n    given: [{input: flights, rows: [{delay: 90}]}]\n"
        "    expect: {rows: []}\n"
    )

    assert right.passed
    assert [difference.kind for difference in wrong.differences] == ["unexpected"]


@pytest.mark.parametrize(
    ("given", "expect"),
    [
        (
            "{format: csv, rows: 'delay,day\n\n      90,2013-01-01\n\n      ,', input: flights}",
            "{rows: [{late: 1}]}",
        ),
        (
            "{format: sql, rows: 'SELECT 90 AS delay, DATE ''2013-01-01'' AS day, 1 AS share', input: flights}",
            "{rows: [{late: 1}]}",
        ),
        ("{input: flights, rows: [{delay: 90, tags: [x, y]}]}", "{format: csv, rows: 'late\n\n      1'}"),
        ("{input: flights, rows: [{delay: 90}]}", "{format: sql, rows: 'SELECT 1 AS late'}"),
    ],
)
def test_forms_of_rows(tested, given, expect):
    """Rows are mappings, CSV or a SELECT, as in dbt."""
    (result,) = tested(f"\n  - name: form\n    given:\n    - {given}\n    expect: {expect}\n")

    assert (result.error, result.passed) == (None, True)


@pytest.mark.parametrize(
    ("was", "now", "message", "place", "nearest"),
    [
        ("delay: 70", "delayy: 70", "staging.flights has no column 'delayy'", "7:14", "delay"),
        ("delay: 70", "delay: much", "'much' is no INTEGER, which delay of staging.flights is", "7:14", None),
        ("late: 2", "lat: 2", "mart.daily has no column 'lat'", "12:29", "late"),
        ("late: 2", "late: few", "'few' is no BIGINT", "12:29", None),
        ("staging.flights", "staging.flight", "does not read 'staging.flight'", "6:9", "staging.flights"),
    ],
)
def test_what_does_not_fit(tested, was, now, message, place, nearest):
    """The error names the value, its place and the nearest column."""
    (result,) = tested(TEST.replace(was, now))

    assert isinstance(result.error, InvalidTableTest)
    assert message in result.error.message
    assert (str(result.error.place), result.error.nearest) == (
        f"tables/mart/daily.test.yaml:{place}",
        nearest,
    )


def test_rows_that_name_different_columns(tested):
    """What is compared is the same in each row."""
    (result,) = tested(TEST + "        - {late: 1}\n")

    assert "name different columns: day, share, today" in result.error.message


def test_two_tests_of_one_name(tested):
    """Names tell the tests of a file apart."""
    with pytest.raises(InvalidTableTest, match="there are two tests"):
        tested(TEST + TEST)


def test_misspelt_key(tested):
    """Keys are strict."""
    with pytest.raises(UnknownKey) as caught:
        tested(TEST.replace("expect:", "expects:"))

    assert (str(caught.value.place), caught.value.nearest) == ("tables/mart/daily.test.yaml:10:5", "expect")


def test_no_table_for_a_test(write_project):
    """A file beside no table is told of, with the nearest table."""
    root = write_project({**FILES, "tables/mart/dayly.test.yaml": "unit_tests: []"})

    with pytest.raises(TestWithoutTable) as caught:
        read_table_tests(root)

    assert caught.value.nearest == "mart.daily"


@pytest.mark.parametrize(
    "rows", ["{format: csv, rows: [{a: 1}]}", "{rows: 'a,b'}", "{format: csv, rows: 'a,b\n\n      1'}"]
)
def test_rows_in_another_form(tested, rows):
    """Rows are written as their format says."""
    with pytest.raises(InvalidProjectFile):
        tested(f"\n  - name: form\n    expect: {rows}\n")


def test_sql_that_cannot_be_computed(tested):
    """A test whose rows the SQL cannot take leaves the others to be run."""
    sql = FILES["tables/mart/daily.sql"].replace("count(*)", "count(*) + sum(tags[1]::INT)")
    bad = TEST.replace("late ones are", "bad").replace("delay: 70", "tags: [x], delay: 70")

    failed, other = tested(bad + TEST, **{"tables/mart/daily.sql": sql})

    assert isinstance(failed.error, TableFailed)
    assert "Could not convert string 'x'" in failed.error.message
    assert other.error is None
