"""What is going on right now: runs that began or have not ended, their newest points, and nodes at work."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from ropewalk.store.connections import Connection
from ropewalk.store.database import Database

# A client that was killed leaves its run open for ever: of these no more than the newest are looked at.
OPEN_RUNS = 500
_AMONG = "IN (SELECT value FROM json_each(?))"


@dataclass(frozen=True)
class LiveRun:
    """A tracked run as it stands."""

    number: int
    id: str
    name: str
    experiment_id: str
    status: str
    stage: str
    started_at: int
    ended_at: int | None


@dataclass(frozen=True)
class LiveState:
    """What one look found.

    Attributes:
        newest: the highest number of a run.
        runs: runs by their ids: new ones, open ones, and those that were asked for.
        points: of the watched runs, the newest (step, time, value) by run and metric; a value that is no number is None.
        nodes: state of each node by (pipeline run, node), and under "" the state of the run itself.
    """

    newest: int = 0
    runs: Mapping[str, LiveRun] = field(default_factory=dict)
    points: Mapping[str, Mapping[str, tuple[int, int, float | None]]] = field(default_factory=dict)
    nodes: Mapping[tuple[str, str], str] = field(default_factory=dict)


def read_live(database: Database, before: LiveState, watched: Collection[str]) -> LiveState:
    """Return what is going on; `before` says what was known, so that also what has ended since is told."""
    with database.read() as connection:
        newest = connection.execute("SELECT max(number) AS newest FROM run").fetchone()["newest"] or 0
        runs = _runs(connection, before, watched)
        numbers = {run.number: run.id for run in runs.values() if run.id in watched}
        return LiveState(newest, runs, _points(connection, numbers), _nodes(connection, before))


def _runs(connection: Connection, before: LiveState, watched: Collection[str]) -> dict[str, LiveRun]:
    open_before = [run.number for run in before.runs.values() if run.ended_at is None]
    columns = "number, id, name, experiment, status, stage, started_at, ended_at"
    rows = connection.execute(
        # Three ranges of three indexes.
        f"SELECT {columns} FROM (SELECT number AS open FROM run WHERE ended_at IS NULL ORDER BY number DESC LIMIT ?)"  # noqa: S608
        " AS opened JOIN run ON run.number = opened.open"
        f" UNION SELECT {columns} FROM run WHERE number > ? OR number {_AMONG}"
        f" UNION SELECT {columns} FROM run WHERE id {_AMONG}",
        (
            OPEN_RUNS,
            # The first look is not flooded with what was always there.
            before.newest or 1 << 62,
            json.dumps(open_before),
            json.dumps(sorted(watched)),
        ),
    )
    return {
        row["id"]: LiveRun(
            row["number"],
            row["id"],
            row["name"],
            str(row["experiment"]),
            row["status"],
            row["stage"],
            row["started_at"],
            row["ended_at"],
        )
        for row in rows
    }


def _points(
    connection: Connection, numbers: Mapping[int, str]
) -> dict[str, dict[str, tuple[int, int, float | None]]]:
    # A run without any is known to have none: its first point is news.
    found: dict[str, dict[str, tuple[int, int, float | None]]] = {one: {} for one in numbers.values()}
    for run, name, value, step, recorded_at in connection.execute(
        "SELECT run, name, value, step, recorded_at FROM latest_metric"  # noqa: S608
        f" JOIN metric_key ON metric_key.id = latest_metric.key WHERE run {_AMONG}",  # ours
        (json.dumps(sorted(numbers)),),
    ):
        found[numbers[run]][name] = (step, recorded_at, value)
    return found


def _nodes(connection: Connection, before: LiveState) -> dict[tuple[str, str], str]:
    at_work = {run for (run, node), state in before.nodes.items() if not node and state == "running"}
    rows = connection.execute(
        "SELECT id, CASE WHEN was_cancelled = 1 THEN 'cancelled' ELSE state END AS state"  # noqa: S608
        f" FROM pipeline_run WHERE state = 'running' OR id {_AMONG}",  # ours
        (json.dumps(sorted(at_work)),),
    )
    found = {(row["id"], ""): row["state"] for row in rows}
    nodes = connection.execute(
        f"SELECT run_id, node, state FROM node_run WHERE run_id {_AMONG}",  # noqa: S608  # ours
        (json.dumps(sorted({run for run, _ in found})),),
    )
    return {**found, **{(row["run_id"], row["node"]): row["state"] for row in nodes}}
