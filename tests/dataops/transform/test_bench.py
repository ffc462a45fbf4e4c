"""The bench of a table's test: columns that nobody declared, values that do not fit, and a present that stands still."""

from __future__ import annotations

from datetime import date, datetime
from itertools import count

import pytest

from ropewalk.dataops.lake import Column
from ropewalk.dataops.transform import InvalidTableTest
from ropewalk.dataops.transform.bench import NOW, Bench, row_values
from ropewalk.dataops.transform.table_tests import Row, Rows
from ropewalk.errors import Place

PLACE = Place("tables/mart/a.test.yaml", 4, 7)
NAMES = (f"raw.t{number}" for number in count())
MIDNIGHT = datetime(2026, 1, 1)  # noqa: DTZ001  # as YAML reads one


@pytest.fixture(scope="module")
def bench():
    """Yield one bench whose present is a moment of 2013; each test makes tables of its own."""
    with Bench(datetime(2013, 1, 5, 6, 30)) as bench:  # noqa: DTZ001  # without a zone it is UTC
        yield bench


def rows(*cells, types=None):
    return Rows(tuple(Row(row, PLACE, {}) for row in cells), PLACE, types or {})


def made(bench, given, known=None):
    name = next(NAMES)
    bench.make(name, given, known)
    columns = bench.describe(f"FROM {name}")
    return {column.name: column.type for column in columns}, row_values(
        bench.connection, f"FROM {name}", columns
    )


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2], "BIGINT"),
        ([True, None], "BOOLEAN"),
        ([1, 0.5], "DOUBLE"),
        ([None, 1], "BIGINT"),
        ([None, None], "VARCHAR"),
        ([date(2026, 1, 1)], "DATE"),
        ([date(2026, 1, 1), MIDNIGHT], "TIMESTAMP"),
        ([MIDNIGHT, date(2026, 1, 1)], "TIMESTAMP"),
        ([1, "x"], "VARCHAR"),
        ([True, 1], "VARCHAR"),
        ([[1, 2]], "JSON"),
        ([{"a": 1}], "JSON"),
    ],
)
def test_types_of_what_is_written(bench, values, kind):
    """Of columns that nobody knows the type is the narrowest that takes every cell."""
    types, found = made(bench, rows(*({"x": value} for value in values)))

    assert types == {"x": kind}
    assert [row["x"] is None for row in found] == [value is None for value in values]


def test_columns_that_are_known(bench):
    """A known column keeps its type unless the test gives one; those that a row leaves out are NULL."""
    known = [Column("Id", "INTEGER"), Column("share", "DOUBLE"), Column("tags", "VARCHAR[]")]
    types, found = made(bench, rows({"id": 1, "tags": ["a"]}, types={"share": "DECIMAL(4,2)"}), known)

    assert types == {"Id": "INTEGER", "share": "DECIMAL(4,2)", "tags": "VARCHAR[]"}
    assert found == [{"id": 1, "share": None, "tags": ["a"]}]


def test_input_without_rows(bench):
    """An input that is not given is empty, and has its columns all the same."""
    assert made(bench, None, [Column("x", "DATE")]) == ({"x": "DATE"}, [])


@pytest.mark.parametrize(
    ("given", "known", "message"),
    [
        (None, None, "nobody knows the columns"),
        (rows(), None, "nobody knows the columns"),
        (rows({"y": 1}), [Column("x", "DATE")], "has no column 'y'"),
        (rows({"x": "soon"}), [Column("x", "DATE")], "'soon' is no DATE, which x of"),
        (rows({"x": 300}), [Column("x", "TINYINT")], "300 is no TINYINT"),
        (rows({"x": 2**70}), None, "is no BIGINT"),
        (rows({"x": 1}, types={"x": "NUMBERS"}), None, "the rows cannot be made"),
        (Rows((), PLACE, {}, "SELECT"), None, "the rows cannot be made"),
        (Rows((), PLACE, {}, "SELECT 1; SELECT 2"), None, "one SELECT"),
        (Rows((), PLACE, {}, "DROP TABLE x"), None, "one SELECT"),
        (Rows((), PLACE, {}, "FROM 'x.csv'"), None, "the rows cannot be made"),
    ],
)
def test_rows_that_cannot_be_made(bench, given, known, message):
    """What is wrong is told of the test's own words, and nothing outside is read."""
    with pytest.raises(InvalidTableTest) as caught:
        bench.make(next(NAMES), given, known)

    assert message in caught.value.message


@pytest.mark.parametrize("name", sorted(NOW))
def test_the_present_stands_still(bench, name):
    """Whatever a table asks for the present by, it is the test's."""
    call = f"CAST({name}() AS VARCHAR)"
    (shown,) = bench.connection.execute(f"SELECT {call}").fetchone()

    assert "2013-01-05" in shown or "06:30:00" in shown
