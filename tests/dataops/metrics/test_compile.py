"""The SELECT that a question about metrics becomes: what stands in it, and what is refused before there is one."""

from __future__ import annotations

import duckdb
import pytest

from ropewalk.dataops.metrics import InvalidMetric, MetricQuestion, read_metrics
from ropewalk.dataops.metrics.compile import compile_question, dimension_columns, join_checks, measure_sql

FILE = """
table: mart.flights
grain: [id, leg]
time: departed
dimensions:
  carrier: carrier
  arrived__at: {column: arrived, kind: time}
  departed: {column: departed, kind: time}
  city: airports.city
joins:
  airports: {table: raw.airports, on: {origin: code}}
measures:
  flights: {kind: count}
  late: {kind: count, where: delay > 15}
  late_share: {kind: ratio, numerator: late, denominator: flights}
  per_hundred: {kind: expression, sql: 100 * late_share}
  carriers: {kind: count_distinct, column: carrier}
  delay: {kind: avg, column: delay}
"""


@pytest.fixture
def metrics(tmp_path):
    """Return the metrics of one file, without any table."""
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics/flights.yaml").write_text(FILE)
    return read_metrics(tmp_path)


@pytest.fixture
def compiled(metrics):
    """Return a function that compiles a question."""
    return lambda *names, **asked: compile_question(
        MetricQuestion(names, **asked), [metrics.find(name) for name in names]
    )


@pytest.mark.parametrize(
    ("name", "sql"),
    [
        ("flights", "count(*)"),
        ("late", "count(*) FILTER (WHERE base.delay > 15)"),
        ("carriers", "count(DISTINCT base.carrier)"),
        ("delay", "avg(base.delay)"),
        (
            "late_share",
            "(CAST(count(*) FILTER (WHERE base.delay > 15) AS DOUBLE) / nullif(count(*), 0))",
        ),
    ],
)
def test_measures_as_sql(metrics, name, sql):
    """Each kind of measure is one aggregate, or a few with signs between them."""
    assert measure_sql(metrics.subjects[0], name) == sql


def test_expression_stands_in_brackets(metrics):
    """What an expression is computed with keeps together, whatever stands around it."""
    made = measure_sql(metrics.subjects[0], "per_hundred")

    rows = "(SELECT unnest([1, 20, 30, 2]) AS delay) AS base"
    assert duckdb.execute(f"SELECT {made} FROM {rows}").fetchone() == (50.0,)


@pytest.mark.parametrize(
    ("by", "grain", "shown"),
    [
        ((), None, []),
        ((), "month", ["month"]),
        (("month",), "year", ["month"]),
        (("carrier",), "year", ["year", "carrier"]),
        (("departed",), "year", ["departed"]),
        (("departed__week",), "year", ["departed__week"]),
        (("carrier", "carrier"), None, ["carrier"]),
        (("arrived__at", "arrived__at__month"), None, ["arrived__at", "arrived__at__month"]),
    ],
)
def test_columns_before_the_measures(metrics, by, grain, shown):
    """A grain stands first unless a time brought its own; what is asked for twice is one column."""
    assert dimension_columns(metrics.subjects[0], MetricQuestion((), by, grain)) == shown


@pytest.mark.parametrize(
    ("by", "part"),
    [
        ("departed", "CAST(date_trunc('day', base.departed) AS DATE)"),
        ("departed__hour", "date_trunc('hour', base.departed) AS"),
        ("arrived__at", "CAST(date_trunc('day', base.arrived) AS DATE)"),
        ("arrived__at__year", "CAST(date_trunc('year', base.arrived) AS DATE)"),
    ],
)
def test_times_at_a_grain(compiled, by, part):
    """The day is what a time is told by when nothing is said; a name with the mark in it is still a name."""
    assert part in compiled("flights", by=(by,))


@pytest.mark.parametrize(
    ("by", "said"),
    [
        ("carrier__month", "dimension 'carrier' of flights has no grain"),
        ("arrived__at__moth", "no grain of time 'moth'"),
        ("nobody__month", "no dimension 'nobody'"),
        ("", "no dimension ''"),
    ],
)
def test_dimensions_that_are_none(compiled, by, said):
    """Each is told in a sentence, also the grain of something that is no time."""
    with pytest.raises(InvalidMetric, match=said):
        compiled("flights", by=(by,))


def test_grain_of_a_category_is_refused_at_its_place(compiled):
    """The error leads to the dimension, and says both ways out."""
    with pytest.raises(InvalidMetric) as caught:
        compiled("flights", by=("carrier__month",))

    assert (caught.value.place.path, caught.value.place.line) == ("metrics/flights.yaml", 6)
    assert caught.value.hint == "ask by carrier, or declare it with `kind: time`"


def test_join_only_where_it_is_asked_for(compiled):
    """A condition needs its join as much as a column does."""
    assert "JOIN" not in compiled("flights", by=("carrier",))
    assert 'LEFT JOIN "raw"."airports"' in compiled("flights", by=("city",))
    assert 'LEFT JOIN "raw"."airports"' in compiled("flights", where="city = 'Oslo'")


def test_condition_on_a_time_with_the_mark_in_its_name(compiled):
    """It is about the moment itself; with a grain it is about its day, month or year."""
    assert "WHERE (base.arrived) > '2026'" in compiled("flights", where="arrived__at > '2026'")
    assert "'month'" in compiled("flights", where="arrived__at__month > '2026'").lower()


@pytest.mark.parametrize("where", ["carrier = '\0'", "flights > 1", "row_number() OVER () = 1", "1; 2", ""])
def test_conditions_that_are_none(compiled, where):
    """A NUL, a measure, a window, two statements: all are refused before the engine sees them."""
    if where:
        with pytest.raises(InvalidMetric) as caught:
            compiled("flights", where=where)
        assert caught.value.place.path == "where"
    else:
        assert "WHERE" not in compiled("flights", where=where)


def test_order(compiled):
    """What is named comes first, then the dimensions, so that two answers never differ in their order."""
    made = compiled("flights", by=("carrier", "city"), order=("-flights", "city"))

    assert made.splitlines()[-1] == (
        'ORDER BY "flights" DESC NULLS LAST, "city" ASC NULLS LAST, "carrier" ASC NULLS LAST'
    )


def test_no_order_without_dimensions(compiled):
    """One row needs none."""
    assert "ORDER" not in compiled("flights")


def test_checks_of_grain_and_joins(metrics):
    """The table's own grain is looked at first; rows without a key are no doubles."""
    grain, join = join_checks(metrics.subjects[0])

    assert grain[:2] == ("grain", "mart.flights")
    assert join[:2] == ("airports", "raw.airports")
    with duckdb.connect() as engine:
        engine.execute("CREATE SCHEMA raw")
        engine.execute(
            "CREATE TABLE raw.airports AS SELECT unnest(['OSL', 'OSL', 'BGO', NULL, NULL]) AS code"
        )
        assert engine.execute(join[2]).fetchone() == (1,)
