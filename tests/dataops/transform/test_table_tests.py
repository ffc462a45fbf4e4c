"""Files of unit tests as they are read: forms of rows, their places, and what cannot be meant."""

from __future__ import annotations

from datetime import datetime
from textwrap import indent

import pytest

from ropewalk.dataops.transform import InvalidTableTest, TestWithoutTable, read_table_tests
from ropewalk.project import InvalidProjectFile, UnknownKey

SHOWN = "tables/mart/a.test.yaml"


@pytest.fixture
def read(tmp_path):
    """Return a function that reads the tests of mart.a from a file's text."""
    folder = tmp_path / "tables/mart"
    folder.mkdir(parents=True)
    (folder / "a.sql").write_text("SELECT 1 AS x")

    def read_file(text, name="a.test.yaml", **asked):
        (folder / name).write_text(text)
        return read_table_tests(tmp_path, **asked)

    return read_file


@pytest.fixture
def read_rows(read):
    """Return a function that reads what one test expects."""

    def read_expected(text):
        (test,) = read(f"unit_tests:\n  - name: t\n    expect:\n{indent(text, '      ')}\n")
        return test.expect

    return read_expected


def cells(rows):
    return [dict(row.cells) for row in rows.rows]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rows: [{A: 1, b: x}, {A: 2}]", [{"a": 1, "b": "x"}, {"a": 2}]),
        ("rows: []", []),
        ("{}", []),
        ("format: csv\nrows: |\n  A, b\n  1,\n  2, x y", [{"a": "1", "b": None}, {"a": "2", "b": "x y"}]),
        ('format: csv\nrows: |\n  a\n  "1,5"', [{"a": "1,5"}]),
        ("format: csv\nrows: a", []),
        ("format: csv\nrows: ''", []),
    ],
)
def test_rows_of_a_test(read_rows, text, expected):
    """Names lose their case, an empty cell of CSV is NULL, and a header alone is a table without rows."""
    assert cells(read_rows(text)) == expected


def test_query_of_a_test(read_rows):
    """A SELECT is kept for the engine; types that the test gives are known without case."""
    found = read_rows("format: sql\nrows: SELECT 1 AS x\ntypes: {X: BIGINT}")

    assert (found.rows, found.query, found.types) == ((), "SELECT 1 AS x", {"x": "BIGINT"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("format: csv\nrows: [{a: 1}]", "rows of the format csv are a text"),
        ("format: sql\nrows: [{a: 1}]", "rows of the format sql are a text"),
        ("rows: SELECT 1", "rows of the format dict are a list"),
        ("format: csv\nrows: |\n  a,b\n  1", "line 2 of the rows has 1 cells, and the header 2"),
        ("format: csv\nrows: |\n  a\n  1,2", "line 2 of the rows has 2 cells, and the header 1"),
        ("format: csv\nrows: |\n  a,b,A\n  1,2,3", "the header of the rows names 'a' twice"),
    ],
)
def test_rows_in_another_form(read_rows, text, message):
    """Rows that are not what their form says are refused where they stand."""
    with pytest.raises(InvalidTableTest) as caught:
        read_rows(text)

    assert caught.value.message == message
    assert str(caught.value.place).startswith(f"{SHOWN}:")


def test_cells_know_their_place(read):
    """Each row and each cell is found again in the file, for the error that speaks of it."""
    (test,) = read("unit_tests:\n- name: t\n  given:\n  - {input: ' Raw.B ', rows: [{A: 1}]}\n  expect: {}\n")
    (row,) = test.given["raw.b"].rows

    assert str(test.place) == f"{SHOWN}:2:3"
    assert (row.place.line, row.places["a"].line) == (4, 4)


@pytest.mark.parametrize(
    ("now", "moment"),
    [("2026-01-05", datetime(2026, 1, 5)), ("2026-01-05T06:30:00", datetime(2026, 1, 5, 6, 30))],  # noqa: DTZ001  # as the lake's
)
def test_a_time_to_take_for_now(read, now, moment):
    """A day begins at midnight."""
    (test,) = read(f"unit_tests: [{{name: t, overrides: {{now: {now}}}, expect: {{}}}}]")

    assert test.now == moment


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("unit_tests: [{name: t}]", InvalidProjectFile),
        ("unit_tests: [{expect: {}}]", InvalidProjectFile),
        ("unit_tests: {}", InvalidProjectFile),
        ("tests: []", UnknownKey),
        ("unit_tests: [{name: t, expects: {}, expect: {}}]", UnknownKey),
        ("unit_tests: [{name: t, expect: {format: xml}}]", InvalidProjectFile),
        ("unit_tests: [{name: t, overrides: {now: soon}, expect: {}}]", InvalidProjectFile),
        ("unit_tests: [{name: t, given: [{rows: []}], expect: {}}]", InvalidProjectFile),
        ("unit_tests: [", InvalidProjectFile),
    ],
)
def test_files_that_are_wrong(read, text, error):
    """What is missing, misspelt or of another type is told with the file."""
    with pytest.raises(error) as caught:
        read(text)

    assert str(caught.value.place).startswith(SHOWN)


def test_an_input_given_twice(read):
    """Names of inputs have no case, so the second one would take the place of the first."""
    with pytest.raises(InvalidTableTest, match=r"the rows of RAW\.B are given twice"):
        read("unit_tests: [{name: t, given: [{input: raw.b}, {input: RAW.B}], expect: {}}]")


def test_tests_of_no_table(read):
    """A file beside no table is told of, with the nearest one, even if it is empty."""
    with pytest.raises(TestWithoutTable) as caught:
        read("", name="aa.test.yaml")

    assert (caught.value.nearest, caught.value.place.path) == ("mart.a", "tables/mart/aa.test.yaml")


def test_tests_of_some_tables(read):
    """Only the tests that are asked for are read, and an empty file has none."""
    text = "unit_tests: [{name: t, expect: {}}]"

    assert [test.name for test in read(text, tables=["mart.a"])] == ["t"]
    assert read(text, tables=["mart.b"]) == []
    assert read("") == []


@pytest.mark.parametrize("test", ["given: {mart.b: [{x: 1}]}", "given: [], expect: [{x: 1}]", "expect: 7"])
def test_another_shape_is_told_the_right_one(read, test):
    """Who guessed how rows are written sees how."""
    with pytest.raises(InvalidProjectFile) as caught:
        read(f"unit_tests: [{{name: t, {test}}}]")

    assert "given: [{input: SCHEMA.TABLE, rows:" in caught.value.hint
