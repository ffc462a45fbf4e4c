"""The other tables of the flights project: times, outcomes, and what the business reads."""

from __future__ import annotations

import datetime as dt

import pytest

from .conftest import Build, Flight, World, table_text


def test_scheduled_times_are_utc(build: Build) -> None:
    """A time on the clock of New York becomes a moment in UTC."""
    connection = build(World([Flight(1, 19 * 60 + 35)]))

    [row] = connection.execute("SELECT scheduled_at::VARCHAR, flight_date FROM staging.flights").fetchall()

    assert row == ("2013-01-02 00:35:00", dt.date(2013, 1, 1))


def test_departures_past_midnight_are_on_the_next_day(build: Build) -> None:
    """The delay, not the clock time of the departure, says when a flight left."""
    connection = build(World([Flight(1, 23 * 60, delay=90)]))

    [row] = connection.execute("SELECT departed_at::VARCHAR FROM staging.flights").fetchall()

    assert row == ("2013-01-02 05:30:00",)


def test_a_flight_that_never_left_is_cancelled(build: Build) -> None:
    """No departure time means cancelled, with no moment of departure."""
    connection = build(World([Flight(1, 600, delay=None)]))

    [row] = connection.execute("SELECT cancelled, departed_at FROM staging.flights").fetchall()

    assert row == (True, None)


@pytest.mark.parametrize(
    ("delay", "arrival_delay", "late"),
    [(0, 30, False), (0, 31, True), (60, -5, False), (None, None, True), (0, None, True)],
)
def test_what_late_means(build: Build, delay: int | None, arrival_delay: int | None, late: bool) -> None:
    """Late is more than 30 minutes at the destination, or not getting there."""
    connection = build(World([Flight(1, 600, delay=delay, arrival_delay=arrival_delay)]))

    [row] = connection.execute("SELECT late FROM mart.flight_outcomes").fetchall()

    assert row == (late,)


def test_diverted_flights_left_and_did_not_arrive(build: Build) -> None:
    """A cancelled flight is not diverted; one that left and never landed where it should is."""
    flights = [Flight(1, 600, delay=None, arrival_delay=None), Flight(2, 600, arrival_delay=None)]
    connection = build(World(flights))

    rows = connection.execute("SELECT cancelled, diverted FROM mart.flight_outcomes ORDER BY ALL").fetchall()

    assert rows == [(False, True), (True, False)]


def test_outcomes_wait_for_arrivals(build: Build) -> None:
    """A flight whose arrival has not landed has no outcome, and features all the same."""
    connection = build(World([Flight(1, 600)]))
    connection.execute("DELETE FROM staging.arrivals; DROP TABLE mart.flight_outcomes")
    connection.execute(f"CREATE TABLE mart.flight_outcomes AS {table_text('mart.flight_outcomes')}")

    counts = [
        connection.table(f"mart.{name}").count("*").fetchone()
        for name in ("flight_outcomes", "flight_features")
    ]

    assert counts == [(0,), (1,)]


def test_learning_stops_at_july(build: Build) -> None:
    """Flights of August and later are in no training table, so that their arrival changes nothing there."""
    connection = build(World([Flight(1, 600, day=211), Flight(2, 600, day=212)]))

    rows = connection.execute("SELECT flight_date FROM mart.labelled_flights").fetchall()

    assert rows == [(dt.date(2013, 7, 31),)]


def test_days_count_what_is_known(build: Build) -> None:
    """A day's line counts flights, cancellations and known outcomes, and the mean delay of those that left."""
    flights = [
        Flight(1, 600, delay=10, arrival_delay=40),
        Flight(2, 700, delay=20, arrival_delay=0),
        Flight(3, 800, delay=None, arrival_delay=None),
    ]

    [row] = (
        build(World(flights)).execute("SELECT * EXCLUDE (flight_date) FROM mart.departures_daily").fetchall()
    )

    assert row == ("JFK", 3, 1, 3, 2, 15.0)


def test_carriers_are_named(build: Build) -> None:
    """The monthly line of a carrier has its name from the airlines' register."""
    connection = build(World([Flight(1, 600), Flight(2, 600, carrier="AA", day=40)]))

    rows = connection.execute(
        "SELECT month, airline, flights FROM mart.carrier_months ORDER BY month"
    ).fetchall()

    assert rows == [(dt.date(2013, 1, 1), "United", 1), (dt.date(2013, 2, 1), "American", 1)]


def test_impossible_wind_is_unknown(build: Build) -> None:
    """A wind that no station could have measured does not reach the model."""
    time = dt.datetime(2013, 1, 1, 12, tzinfo=dt.UTC)
    connection = build(World([Flight(1, 600)], [("JFK", time, 1048.4), ("LGA", time, 12.0)]))

    rows = connection.execute("SELECT wind_speed FROM staging.weather ORDER BY origin").fetchall()

    assert rows == [(None,), (12.0,)]
