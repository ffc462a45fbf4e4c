"""Columns that metrics name, against those that tables' SQL names, and errors of the engine at their place."""

from __future__ import annotations

import pytest

from ropewalk.dataops.lake import QueryResult
from ropewalk.dataops.metrics import InvalidMetric, RowsCountedTwice, read_metrics
from ropewalk.dataops.metrics.answer import ask_placed, refuse_doubles
from ropewalk.dataops.metrics.columns import check_columns
from ropewalk.dataops.metrics.kind import _plain
from ropewalk.dataops.transform import TableSpec, parse_sql
from ropewalk.errors import InvalidInput, NotFound

FILE = """\
table: mart.flights
grain: [id]
dimensions:
  city: airports.city
joins:
  airports: {table: raw.airports, on: {origin: code}}
measures:
  late: {kind: sum, sql: "delay + wait", where: "delay > 15"}
"""


@pytest.fixture
def subject(tmp_path):
    """Return what one file measures."""
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics/flights.yaml").write_text(FILE)
    return read_metrics(tmp_path).subjects[0]


def specs(**tables):
    """Return tables by their names with the SELECTs that make them."""
    names = {name: name.replace("_", ".", 1) for name in tables}
    return {
        names[name]: TableSpec(names[name], "a.sql", parse_sql(sql, "a.sql")) for name, sql in tables.items()
    }


WHOLE = "SELECT id, origin, delay, wait FROM x"


@pytest.mark.parametrize(
    ("tables", "said", "line"),
    [
        ({"mart_flights": WHOLE.replace("id", "ID_")}, "mart.flights has no column 'id'", 2),
        ({"mart_flights": WHOLE.replace("origin", "origins")}, "mart.flights has no column 'origin'", 6),
        ({"mart_flights": WHOLE.replace("wait", "waits")}, "mart.flights has no column 'wait'", 8),
        ({"raw_airports": "SELECT city FROM x"}, "raw.airports has no column 'code'", 6),
        ({"raw_airports": "SELECT code, cities FROM x"}, "raw.airports has no column 'city'", 4),
    ],
)
def test_column_that_is_not_there(subject, tables, said, line):
    """Each is told at the line that names it, of the table that lacks it."""
    with pytest.raises(InvalidMetric) as caught:
        check_columns(subject, specs(**tables))

    assert (caught.value.message, caught.value.place.line) == (said, line)


@pytest.mark.parametrize(
    "sql",
    [
        WHOLE,
        WHOLE.upper(),
        "SELECT * FROM x",
        "SELECT 1 + 1, id FROM x",
        "SELECT x.* FROM x",
        "FROM x",
    ],
)
def test_columns_that_may_be_there(subject, sql):
    """The case of a name is no matter, and what only running would tell is left to the run."""
    check_columns(subject, specs(mart_flights=sql))


def test_error_of_the_engine_at_its_place(subject):
    """What the engine's message quotes is looked for in the file."""

    def ask():
        raise InvalidInput('no column "wait"', nearest="waits")

    with pytest.raises(InvalidMetric) as caught:
        ask_placed(subject, ask)

    assert caught.value.message == 'flights.yaml does not fit mart.flights: no column "wait"'
    assert (caught.value.place.line, caught.value.nearest) == (8, "waits")


def test_error_of_the_engine_about_nothing_in_the_file(subject):
    """It is told of the file as a whole; a table that is missing stays what it is."""

    def ask(error):
        raise error

    with pytest.raises(InvalidMetric) as caught:
        ask_placed(subject, lambda: ask(InvalidInput("the values are of two types")))
    assert caught.value.place.path == "metrics/flights.yaml"
    with pytest.raises(NotFound, match="no table"):
        ask_placed(subject, lambda: ask(NotFound("no table")))


@pytest.mark.parametrize(
    ("counts", "said", "line"),
    [((2, 0), "2 rows of mart.flights are there more than once", 2), ((0, 1), "by the join 'airports'", 6)],
)
def test_rows_that_would_count_twice(subject, counts, said, line):
    """The grain is told at its line, a join at its own."""
    left = list(counts)

    with pytest.raises(RowsCountedTwice) as caught:
        refuse_doubles(subject, lambda sql: QueryResult((), ((left.pop(0),),), is_complete=True))

    assert said in caught.value.message
    assert caught.value.place.line == line


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (None, None),
        (True, True),
        (3, 3),
        ("a", "a"),
        (0.1 + 0.2, 0.3),
        (1e300, 1e300),
        (1 / 3, 0.333333333333),
    ],
)
def test_figures_as_they_are_recorded(value, plain):
    """Digits that depend on the order of the rows are no part of a figure."""
    assert _plain(value) == plain
