"""The flights project for tests: its modules on the path, and its tables built from a handful of flights."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

FLIGHTS = Path(__file__).parents[2] / "examples" / "flights"
for folder in (FLIGHTS, FLIGHTS / "steps"):
    sys.path.insert(0, str(folder))

NEW_YEAR = date(2013, 1, 1)
# New York is five hours behind UTC in winter.
MIDNIGHT = datetime(2013, 1, 1, 5, tzinfo=UTC)
RAW = """
CREATE SCHEMA raw; CREATE SCHEMA staging; CREATE SCHEMA mart;
CREATE TABLE raw.flights (
    flight_id VARCHAR, year BIGINT, month BIGINT, day BIGINT, sched_dep_time BIGINT, sched_arr_time BIGINT,
    carrier VARCHAR, flight BIGINT, tailnum VARCHAR, origin VARCHAR, dest VARCHAR, distance BIGINT,
    time_hour TIMESTAMPTZ, dep_time INTEGER, dep_delay DOUBLE
);
CREATE TABLE raw.arrivals (flight_id VARCHAR, arr_time BIGINT, arr_delay BIGINT, air_time BIGINT);
CREATE TABLE raw.weather (
    origin VARCHAR, time_hour VARCHAR, temp DOUBLE, dewp DOUBLE, humid DOUBLE, wind_dir DOUBLE, wind_speed DOUBLE,
    wind_gust DOUBLE, precip DOUBLE, pressure DOUBLE, visib DOUBLE
);
CREATE TABLE raw.planes (tailnum VARCHAR, year BIGINT, seats BIGINT);
CREATE TABLE raw.airports (faa VARCHAR, name VARCHAR, lat DOUBLE, lon DOUBLE);
CREATE TABLE raw.airlines (carrier VARCHAR, name VARCHAR);
INSERT INTO raw.planes VALUES ('N1', 2003, 100), ('N2', 2010, 200), ('N3', NULL, 50);
INSERT INTO raw.airports VALUES ('BOS', 'Boston', 42.4, -71.0);
INSERT INTO raw.airlines VALUES ('UA', 'United'), ('AA', 'American');
"""


@dataclass(frozen=True)
class Flight:
    """One flight as the drops tell of it; `delay` is None for a cancelled one."""

    number: int
    minute: int
    delay: int | None = 0
    day: int = 0
    carrier: str = "UA"
    origin: str = "JFK"
    tail: str | None = "N1"
    arrival_delay: int | None = 0

    @property
    def id(self) -> str:
        day = NEW_YEAR + timedelta(days=self.day)
        return f"{day}-{self.carrier}-{self.number}-{self.origin}"

    @property
    def scheduled_at(self) -> datetime:
        return MIDNIGHT + timedelta(days=self.day, minutes=self.minute)

    @property
    def departed_at(self) -> datetime | None:
        return None if self.delay is None else self.scheduled_at + timedelta(minutes=self.delay)

    def departure(self) -> tuple[object, ...]:
        day = NEW_YEAR + timedelta(days=self.day)
        hhmm = self.minute // 60 * 100 + self.minute % 60
        hour = self.scheduled_at.replace(minute=0)
        where = (self.carrier, self.number, self.tail, self.origin, "BOS", 187)
        left = None if self.delay is None else hhmm
        return (self.id, day.year, day.month, day.day, hhmm, hhmm, *where, hour, left, self.delay)

    def arrival(self) -> tuple[object, ...]:
        return (self.id, None, self.arrival_delay, None)


@dataclass(frozen=True)
class World:
    """All that the company's systems say."""

    flights: Sequence[Flight]
    weather: Sequence[tuple[str, datetime, float]] = ()
    edits: Sequence[tuple[str, str]] = field(default=())

    def with_edit(self, old: str, new: str) -> World:
        """Return the same world seen through an edited feature table."""
        return replace(self, edits=[*self.edits, (old, new)])


Build = Callable[..., duckdb.DuckDBPyConnection]
MART = ("flight_features", "flight_outcomes", "labelled_flights", "departures_daily", "carrier_months")


@pytest.fixture
def build() -> Iterator[Build]:
    """Return a function that builds staging and some tables of the mart from a world, and returns the connection."""
    opened: list[duckdb.DuckDBPyConnection] = []

    def build_it(world: World, mart: Sequence[str] = MART) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect(config={"threads": 1})
        opened.append(connection)
        connection.execute(RAW)
        _load(connection, world)
        for name in [*_staging(), *(f"mart.{table}" for table in mart)]:
            text = table_text(name)
            for old, new in world.edits:
                text = text.replace(old, new)
            connection.execute(f"CREATE TABLE {name} AS {text}")
        return connection

    yield build_it
    for connection in opened:
        connection.close()


def table_text(name: str) -> str:
    """Return the SQL of a table of the project, such as `mart.flight_features`."""
    return (FLIGHTS / "tables" / f"{name.replace('.', '/')}.sql").read_text(encoding="utf-8")


def _load(connection: duckdb.DuckDBPyConnection, world: World) -> None:
    flights = world.flights
    connection.executemany(
        f"INSERT INTO raw.flights VALUES ({', '.join('?' * 15)})", [flight.departure() for flight in flights]
    )
    connection.executemany(
        "INSERT INTO raw.arrivals VALUES (?, ?, ?, ?)", [flight.arrival() for flight in flights]
    )
    for origin, time, value in world.weather:
        row = (origin, time.strftime("%Y-%m-%dT%H:%M:%SZ"), *[value] * 9)
        connection.execute(f"INSERT INTO raw.weather VALUES ({', '.join('?' * 11)})", row)


def _staging() -> list[str]:
    return [f"staging.{path.stem}" for path in sorted((FLIGHTS / "tables" / "staging").glob("*.sql"))]
