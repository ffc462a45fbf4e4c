"""What metrics answer: right at every grain, whatever is joined, and nothing else than what was asked."""

from __future__ import annotations

from datetime import date

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ropewalk.dataops.metrics import (
    InvalidMetric,
    MetricMissing,
    MetricQuestion,
    RowsCountedTwice,
    ask_metrics,
    plan_metrics,
)

JANUARY, FEBRUARY, MARCH = date(2024, 1, 1), date(2024, 2, 1), date(2024, 3, 1)


@pytest.fixture
def ask(airline):
    """Return a function that asks and returns the rows."""

    def ask_it(*metrics, **options):
        return list(ask_metrics(airline, MetricQuestion(metrics, **options)).result.rows)

    return ask_it


def test_all_kinds_over_all_rows(ask):
    """Each kind of measure is what its name says."""
    names = ("flights", "late_flights", "late_share", "typical_delay", "total_delay", "carriers", "on_time")

    assert ask(*names) == [(4, 2, 0.5, 15.0, 50, 3, 2)]


def test_measures_that_do_not_add_up(ask):
    """Distinct counts, medians and ratios are computed from rows at the grain that is asked for."""
    assert ask("carriers", "typical_delay", "late_share", by=("month",)) == [
        (JANUARY, 1, 30.0, 1.0),
        (FEBRUARY, 3, 10.0, 1 / 3),
    ]
    assert ask("carriers", "typical_delay", by=("departed",), grain="year") == [(date(2024, 1, 1), 3, 15.0)]


@pytest.mark.parametrize(
    "options",
    [
        {"grain": "month"},
        {"by": ("month",)},
        {"by": ("departed__month",)},
        {"by": ("departed",), "grain": "month"},
    ],
)
def test_ways_to_name_a_grain(ask, options):
    """A grain can be named by itself, for one dimension, or for all times."""
    assert ask("flights", **options) == [(JANUARY, 1), (FEBRUARY, 3)]


def test_dimension_of_a_joined_table(ask):
    """Rows without a partner stay, under no name."""
    assert ask("flights", by=("airline",)) == [("American", 1), ("United", 2), (None, 1)]


def test_metrics_of_two_tables(ask):
    """Each table is counted by itself: complaints do not multiply flights, and months of one alone are there."""
    assert ask("flights", "complaints", by=("month",)) == [
        (JANUARY, 1, None),
        (FEBRUARY, 3, 3),
        (MARCH, None, 7),
    ]
    assert ask("flights", "complaints") == [(4, 10)]


def test_conditions_are_about_dimensions(ask):
    """A condition may name any dimension, times at a grain, also one that is not in the answer."""
    assert ask("flights", where="carrier <> 'ZZ'") == [(3,)]
    assert ask("flights", where="departed__month = DATE '2024-02-01' AND NOT coalesce(is_long, false)") == [
        (3,)
    ]
    assert ask("flights", where="airline IS NULL") == [(1,)]


def test_order_and_limit(ask):
    """The greatest first, and no more than asked for."""
    assert ask("flights", by=("carrier",), order=("-flights", "carrier"), limit=2) == [("UA", 2), ("AA", 1)]


def test_division_by_nothing(ask):
    """A share of no rows is no number, and no error."""
    assert ask("late_share", where="carrier = 'none'") == [(None,)]


@pytest.mark.parametrize(
    ("question", "said", "close"),
    [
        (MetricQuestion(("flights",), by=("carier",)), "no dimension 'carier'", "carrier"),
        (MetricQuestion(("flights",), by=("departed__moth",)), "no grain of time 'moth'", "month"),
        (MetricQuestion(("flights",), where="late_share > 1"), "not about measures", None),
        (MetricQuestion(("flights",), where="sum(delay) > 1"), "not about measures", None),
        (MetricQuestion(("flights",), where="carrier IN (SELECT 1)"), "no expression over columns", None),
        (MetricQuestion(("flights",), where="carrier = 'x'; DROP TABLE a"), "", None),
        (MetricQuestion(("flights",), where="delay > 1"), "no dimension 'delay'", None),
        (MetricQuestion(("flights",), where="carrier = "), "cannot be read", None),
        (MetricQuestion(("flights",), order=("flihts",)), "no 'flihts' in the answer", "flights"),
        (MetricQuestion(()), "no metric is named", None),
    ],
)
def test_questions_that_make_no_sense(airline, question, said, close):
    """What cannot be asked is refused before anything is computed, with the nearest name."""
    with pytest.raises(InvalidMetric) as caught:
        plan_metrics(airline, question)

    assert said in caught.value.message
    assert caught.value.nearest == close


def test_unknown_metric(airline):
    """The nearest is told."""
    with pytest.raises(MetricMissing) as caught:
        plan_metrics(airline, MetricQuestion(("late_sare",)))

    assert caught.value.nearest == "late_share"


def test_join_only_where_it_is_needed(airline):
    """A join that nothing asked for costs nothing."""
    assert "JOIN" not in plan_metrics(airline, MetricQuestion(("flights",))).sql
    assert "JOIN" in plan_metrics(airline, MetricQuestion(("flights",), by=("airline",))).sql


def test_answers_as_parquet(airline, tmp_path):
    """The answer can be a file."""
    answer = ask_metrics(airline, MetricQuestion(("flights",), by=("carrier",)), "parquet")
    (tmp_path / "a.parquet").write_bytes(answer.result.content)

    with duckdb.connect() as connection:
        found = connection.execute(f"FROM '{tmp_path / 'a.parquet'}' ORDER BY ALL").fetchall()
    assert found == [("AA", 1), ("UA", 2), ("ZZ", 1)]


@settings(max_examples=25)
@given(st.text(max_size=30))
def test_no_value_leads_out_of_its_quotes(airline, text):
    """Whatever is put between quotes in a condition is a value, or the condition is refused."""
    quoted = "'" + text.replace("'", "''") + "'"
    try:
        sql = plan_metrics(airline, MetricQuestion(("flights",), where=f"carrier = {quoted}")).sql
    except InvalidMetric:
        return

    with duckdb.connect() as connection:
        assert len(connection.extract_statements(sql)) == 1


CHAIN = """
    table: mart.flights
    grain: [id]
    dimensions:
      airline: airlines.name
      country: {sql: "upper(countries.name)"}
      continent: continents.name
    joins:
      continents: {table: mart.continents, on: {countries.continent: id}}
      countries: {table: mart.countries, on: {airlines.country: id}}
      airlines: {table: mart.airlines, on: {carrier: carrier}}
    measures:
      trips: {kind: count}
    """
CHAINED = {
    "tables/mart/airlines.sql": "SELECT carrier, name, country FROM (VALUES ('UA', 'United', 1), ('AA', 'American', 1)) AS v (carrier, name, country)",
    "tables/mart/countries.sql": "SELECT * FROM (VALUES (1, 'usa', 7), (2, 'peru', 8)) AS v (id, name, continent)",
    "tables/mart/continents.sql": "SELECT * FROM (VALUES (7, 'north'), (8, 'south')) AS v (id, name)",
    "metrics/chain.yaml": CHAIN,
}


def test_dimension_over_several_joins(bench):
    """Joins go on from each other, in whatever order they are declared, and rows without a partner stay."""
    bench.write(CHAINED)
    bench.run()

    def trips(**asked):
        return list(ask_metrics(bench.open(), MetricQuestion(("trips",), **asked)).result.rows)

    assert trips(by=("continent",)) == [("north", 3), (None, 1)]
    assert trips(by=("country", "airline"), where="continent = 'north'") == [
        ("USA", "American", 1),
        ("USA", "United", 2),
    ]
    # What is not asked for is not joined.
    assert "countries" not in plan_metrics(bench.open(), MetricQuestion(("trips",), by=("airline",))).sql


def test_fan_out_far_away_is_refused(bench):
    """A row that would be found twice at the end of a chain counts as little as one beside the table."""
    doubled = CHAINED["tables/mart/continents.sql"].replace("(8, 'south')", "(7, 'again')")
    bench.write({**CHAINED, "tables/mart/continents.sql": doubled})
    bench.run()

    with pytest.raises(RowsCountedTwice, match="join 'continents'"):
        ask_metrics(bench.open(), MetricQuestion(("trips",), by=("continent",)))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("airline.country", "goes on from 'airline', which is no join"),
        ("continents.x", "joins go round in circles: continents -> countries -> continents"),
        ("airlines.contry", "mart.airlines has no column 'contry'"),
    ],
)
def test_wrong_chains(bench, wrong, said):
    """A chain of joins that cannot be followed is an error when the project is planned."""
    bench.write({**CHAINED, "metrics/chain.yaml": CHAIN.replace("airlines.country", wrong)})

    with pytest.raises(InvalidMetric, match=said):
        bench.run()
