"""What `mart.flight_features` knows of a flight, and what it must not know."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import Build, Flight, World, table_text

NOON = 12 * 60
ASKED = Flight(900, NOON)
ASKED_AT = ASKED.scheduled_at - timedelta(hours=2)
ONLY = ("flight_features",)
Row = tuple[object, ...]


def features(connection: duckdb.DuckDBPyConnection, names: str = "*") -> Row:
    """Return features of the flight that is asked about."""
    query = f"SELECT {names} FROM mart.flight_features WHERE flight_id = ?"
    row = connection.execute(query, [ASKED.id]).fetchone()
    assert row is not None
    return row


def test_delays_count_from_six_to_two_hours_before(build: Build) -> None:
    """Flights that left at both ends of the stretch count, one a minute outside does not."""
    before = Flight(1, NOON - 361, delay=500)
    first = Flight(2, NOON - 360, delay=0)
    last = Flight(3, NOON - 140, delay=20)
    after = Flight(4, NOON - 119, delay=0)

    connection = build(World([before, Flight(5, NOON - 500), first, last, after, ASKED]))

    assert features(connection, "origin_delay, origin_delayed_share") == (10.0, 0.5)


def test_a_late_departure_counts_when_it_left(build: Build) -> None:
    """A flight due long ago that leaves after the question is not yet known to be late."""
    known = [Flight(1, NOON - 500), Flight(2, NOON - 200, delay=0)]

    connection = build(World([*known, Flight(3, NOON - 300, delay=250), ASKED]))

    assert features(connection, "origin_delay, origin_waiting") == (0.0, 1)


def test_cancelled_flights_wait_without_a_delay(build: Build) -> None:
    """A cancelled flight looks like one that has not left: in the queue, in no mean."""
    known = [Flight(1, NOON - 500), Flight(2, NOON - 200, delay=4)]

    connection = build(World([*known, Flight(3, NOON - 180, delay=None, tail=None), ASKED]))

    assert features(connection, "origin_delay, origin_waiting") == (4.0, 1)


def test_carrier_state_is_of_the_carrier_at_the_origin(build: Build) -> None:
    """Neither another carrier's delays nor the carrier's delays elsewhere count."""
    own = [Flight(1, NOON - 500), Flight(2, NOON - 200, delay=30)]
    others = [Flight(3, NOON - 200, delay=90, carrier="AA"), Flight(4, NOON - 200, delay=90, origin="LGA")]

    connection = build(World([*own, *others, ASKED]))

    assert features(connection, "carrier_delay, carrier_delayed_share") == (30.0, 1.0)


def test_the_week_counts_seven_days(build: Build) -> None:
    """The weekly share covers what left in the past seven days and nothing older."""
    old = [Flight(1, NOON, delay=60, day=-9), Flight(2, NOON, delay=60, day=-8)]
    week = [Flight(3, NOON, delay=60, day=-6), Flight(4, NOON, delay=0, day=-1)]

    connection = build(World([*old, *week, ASKED]))

    assert features(connection, "carrier_delayed_share_week") == (0.5,)


def test_state_is_unknown_before_there_is_any(build: Build) -> None:
    """The first flights of the year have no state, rather than a state of zero."""
    connection = build(World([Flight(1, NOON - 200, delay=5), ASKED]))

    assert features(connection, "origin_delay, carrier_delay, origin_waiting") == (None, None, None)


def test_the_schedule_counts_flights_of_the_past_hour(build: Build) -> None:
    """Flights scheduled in the hour up to the departure count, itself included."""
    flights = [Flight(1, NOON - 61), Flight(2, NOON - 60), Flight(3, NOON), Flight(4, NOON + 1)]

    connection = build(World([*flights, ASKED]))

    assert features(connection, "scheduled_last_hour") == (3,)


@pytest.mark.parametrize(("age", "seen"), [(-1, None), (0, 50.0), (60, 50.0), (240, 50.0), (241, None)])
def test_weather_is_the_latest_within_four_hours(build: Build, age: int, seen: float | None) -> None:
    """An observation from after the question or from too long before is no weather at all."""
    weather = [("JFK", ASKED_AT - timedelta(minutes=age), 50.0)]

    connection = build(World([ASKED], weather))

    assert features(connection, "temperature") == (seen,)


def test_weather_is_of_the_origin_and_the_newest(build: Build) -> None:
    """Of two observations the newer one counts, and another airport's does not."""
    times = [ASKED_AT - timedelta(hours=hours) for hours in (2, 1)]
    weather = [("JFK", times[0], 40.0), ("JFK", times[1], 41.0), ("LGA", ASKED_AT, 90.0)]

    connection = build(World([ASKED], weather))

    assert features(connection, "temperature") == (41.0,)


def test_the_plane_is_the_one_that_last_flew_the_number(build: Build) -> None:
    """The flight's own tail number, recorded at departure, is not used."""
    flown = [replace(ASKED, day=-2, tail="N1"), replace(ASKED, day=-1, tail="N2")]

    connection = build(World([*flown, replace(ASKED, tail="N1")]))

    assert features(connection, "plane_age, plane_seats") == (3, 200)


@pytest.mark.parametrize("tail", ["N1", None])
def test_a_missing_tail_number_tells_nothing(build: Build, tail: str | None) -> None:
    """A cancelled flight without a tail number looks like any other."""
    flown = replace(ASKED, day=-1, tail="N2")

    connection = build(World([flown, replace(ASKED, delay=None, tail=tail)]))

    assert features(connection, "plane_age") == (3,)


def test_an_airport_missing_from_the_register_has_no_place(build: Build) -> None:
    """Flights to airports that the register lacks are kept, their place unknown."""
    connection = build(World([ASKED]))
    connection.execute("UPDATE staging.airports SET airport = 'XXX'")

    places = connection.execute(
        f"SELECT dest_latitude FROM ({table_text('mart.flight_features')})"
    ).fetchall()

    assert places == [(None,)]


flights = st.lists(
    st.builds(
        Flight,
        number=st.integers(1, 4),
        minute=st.integers(0, NOON + 120),
        delay=st.one_of(st.none(), st.integers(-30, 400)),
        day=st.sampled_from([-1, 0]),
        carrier=st.sampled_from(["UA", "AA"]),
        origin=st.sampled_from(["JFK", "LGA"]),
        tail=st.sampled_from(["N1", "N2", "N3", None]),
    ),
    max_size=12,
    unique_by=lambda flight: flight.id,
)
outcomes = st.lists(
    st.tuples(st.one_of(st.none(), st.integers(-30, 900)), st.sampled_from(["N1", "N2", None])),
    min_size=13,
    max_size=13,
)


def other_future(flight: Flight, outcome: tuple[int | None, str | None]) -> Flight:
    """Return the flight with another outcome, if all of it lies after the question."""
    delay, tail = outcome
    changed = replace(flight, delay=delay, tail=tail, arrival_delay=delay)
    is_open = flight.departed_at is None or flight.departed_at > ASKED_AT
    stays_open = changed.departed_at is None or changed.departed_at > ASKED_AT
    return changed if is_open and stays_open else flight


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(past=flights, own=st.integers(0, 900), futures=outcomes, weather=st.floats(0, 100))
def test_nothing_after_the_question_changes_the_features(
    build: Build,
    past: list[Flight],
    own: int,
    futures: list[tuple[int | None, str | None]],
    weather: float,
) -> None:
    """However the flights that are still open end, and whatever the weather becomes, the features stay."""
    today = [*past, replace(ASKED, delay=own)]
    tomorrow = [other_future(flight, outcome) for flight, outcome in zip(today, futures, strict=False)]
    observed = [("JFK", ASKED_AT - timedelta(minutes=30), 50.0)]
    later = [*observed, ("JFK", ASKED_AT + timedelta(minutes=1), weather)]

    assert features(build(World(today, observed), ONLY)) == features(build(World(tomorrow, later), ONLY))


@pytest.mark.parametrize(
    "leak",
    [
        ("scheduled_at - INTERVAL 2 HOURS AS asked_at", "scheduled_at + INTERVAL 2 HOURS AS asked_at"),
        ("SELECT origin, carrier, departed_at, 0", "SELECT origin, carrier, scheduled_at, 0"),
        ("ON flown.tail_number = plane.tail_number", "ON asked.tail_number = plane.tail_number"),
    ],
)
def test_the_claim_can_fail(build: Build, leak: tuple[str, str]) -> None:
    """A feature table that looks ahead is told apart: the claim above is not empty."""
    known = [Flight(1, NOON - 500), Flight(2, NOON - 200)]
    open_flight = Flight(3, NOON - 300, delay=200)
    one, other = (
        World([*known, replace(open_flight, delay=delay), replace(ASKED, tail=tail)])
        for delay, tail in ((200, "N1"), (230, "N2"))
    )

    assert features(build(one)) == features(build(other))
    assert features(build(one.with_edit(*leak))) != features(build(other.with_edit(*leak)))
