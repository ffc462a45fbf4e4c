"""What the flagship's metrics and saved questions answer, over its own tables."""

from __future__ import annotations

import datetime as dt

import duckdb
import pytest

from ropewalk.dataops.metrics import MetricQuestion, compile_question, read_metrics
from ropewalk.dataops.questions import read_questions

from .conftest import FLIGHTS, Build, Flight, World

JANUARY = dt.date(2013, 1, 1)


@pytest.fixture
def january(build: Build) -> duckdb.DuckDBPyConnection:
    """Return tables of four flights, of which one was late and one never left."""
    late, never = (
        Flight(2, 700, arrival_delay=45),
        Flight(3, 800, delay=None, arrival_delay=None, carrier="AA"),
    )
    return build(World([Flight(1, 600), late, never, Flight(4, 900, carrier="AA", origin="EWR", day=1)]))


def ask(
    connection: duckdb.DuckDBPyConnection, *names: str, **options: tuple[str, ...]
) -> list[tuple[object, ...]]:
    metrics = read_metrics(FLIGHTS)
    question = MetricQuestion(names, **options)  # type: ignore[arg-type]  # options of the tests below
    return connection.execute(compile_question(question, [metrics.find(name) for name in names])).fetchall()


def test_late_share(january: duckdb.DuckDBPyConnection) -> None:
    """A flight that never left is late too."""
    assert ask(january, "late_share", "flights") == [(0.5, 4)]


def test_by_carrier_and_month(january: duckdb.DuckDBPyConnection) -> None:
    """The carrier comes from the flight's own table."""
    found = ask(january, "late_flights", "cancelled_flights", by=("month", "carrier"))

    assert found == [(JANUARY, "AA", 1, 1), (JANUARY, "UA", 1, 0)]


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        (
            "late_by_carrier",
            {"origin": "all", "least_flights": 1},
            [(JANUARY, "AA", 2, 0.5), (JANUARY, "UA", 2, 0.5)],
        ),
        ("late_by_carrier", {"origin": "EWR", "least_flights": 1}, [(JANUARY, "AA", 1, 0.0)]),
        ("worst_days", {"origin": "JFK"}, [(JANUARY, 3, 2, 2 / 3)]),
    ],
)
def test_questions(
    january: duckdb.DuckDBPyConnection, name: str, values: dict[str, object], expected: list[object]
) -> None:
    """A question's parameters choose what it tells."""
    for parameter, value in values.items():
        january.execute(f"SET VARIABLE {parameter} = {value!r}")

    assert january.execute(read_questions(FLIGHTS)[name].sql).fetchall() == expected
