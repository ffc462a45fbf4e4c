"""Searching runs by what became of a metric over all its points, and counting what a search finds."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from ropewalk.store.connections import Connection
from ropewalk.store.database import Database
from ropewalk.store.search import Condition, Satellite, count
from ropewalk.store.tracking.metrics import metric_points
from ropewalk.store.tracking.runs import RUNS

_BY_NAME = "key = (SELECT id FROM metric_key WHERE name = ?)"
# How many old rows one transaction fills in: other writers wait no longer than for a batch of points.
FILLED = 200
# A run's searched columns, and its metrics three times: as they are now, and the least and greatest they ever were.
SUMMARIES = replace(
    RUNS,
    attributes=MappingProxyType({**RUNS.attributes, "deleted_at": "run.deleted_at"}),
    satellites=MappingProxyType(
        {
            **RUNS.satellites,
            "min": Satellite(
                "(SELECT run, key, least AS value FROM latest_metric) AS least_of", ("run",), _BY_NAME
            ),
            "max": Satellite(
                "(SELECT run, key, greatest AS value FROM latest_metric) AS greatest_of", ("run",), _BY_NAME
            ),
        }
    ),
)


@dataclass(frozen=True)
class Extremes:
    """The least and the greatest value that a metric of one run ever had; None when none was a number."""

    least: float | None
    greatest: float | None


@dataclass(frozen=True)
class ExperimentCount:
    """How many active runs an experiment has, and when the newest of them started (UTC ms)."""

    runs: int
    last_started_at: int | None


def count_runs(connection: Connection, conditions: Sequence[Condition]) -> int:
    """Return how many runs meet all conditions, whatever a page of them shows."""
    return count(connection, SUMMARIES, conditions)


def count_by_experiment(connection: Connection) -> dict[str, ExperimentCount]:
    """Return what each experiment with active runs has of them, by its id."""
    rows = connection.execute(
        "SELECT experiment, count(*) AS runs, max(started_at) AS newest FROM run"
        " WHERE stage = 'active' GROUP BY experiment"
    )
    return {str(row["experiment"]): ExperimentCount(row["runs"], row["newest"]) for row in rows}


def read_extremes(connection: Connection, numbers: Sequence[int]) -> dict[int, dict[str, Extremes]]:
    """Return the extremes of every metric of the runs of these numbers, by run and name."""
    found: dict[int, dict[str, Extremes]] = {}
    for run, name, least, greatest in connection.execute(
        "SELECT run, name, least, greatest FROM latest_metric"
        " JOIN metric_key ON metric_key.id = latest_metric.key"
        " WHERE run IN (SELECT value FROM json_each(?))",
        (json.dumps(list(numbers)),),
    ):
        found.setdefault(run, {})[name] = Extremes(least, greatest)
    return found


def fill_extremes(database: Database) -> int:
    """Read the points of metrics that were logged before extremes were kept; return how many series that were.

    It goes on where it was stopped, in transactions that hold up nobody for long.
    """
    filled = 0
    while True:
        with database.write() as connection:
            rows = connection.execute(
                "SELECT run, key, name FROM latest_metric JOIN metric_key ON metric_key.id = latest_metric.key"
                " WHERE has_extremes = 0 LIMIT ?",
                (FILLED,),
            ).fetchall()
            for run, key, name in rows:
                _fill(connection, run, key, name)
        filled += len(rows)
        if len(rows) < FILLED:
            return filled


def _fill(connection: Connection, run: int, key: int, name: str) -> None:
    points = metric_points(connection, run, name)
    numbers = [value for _, _, value in points if not math.isnan(value)]
    connection.execute(
        "UPDATE latest_metric SET least = ?, greatest = ?, has_extremes = 1 WHERE run = ? AND key = ?",
        (min(numbers, default=None), max(numbers, default=None), run, key),
    )
