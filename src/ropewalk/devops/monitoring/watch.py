"""One execution of a monitor: collect predictions, compute windows, judge them, tell of what is broken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

import duckdb

from ropewalk.dataops.lake import open_lake, snapshot_of, table_of, translate_error
from ropewalk.devops.forge import IssueFiles
from ropewalk.devops.monitoring.alerts import raise_alerts
from ropewalk.devops.monitoring.errors import ColumnMissing, UnusableTime
from ropewalk.devops.monitoring.figures import add_drift, compute_windows
from ropewalk.devops.monitoring.limits import find_breaches
from ropewalk.devops.monitoring.profile import column_types, kind_of
from ropewalk.devops.monitoring.reference import Reference
from ropewalk.devops.monitoring.section import Monitor
from ropewalk.devops.monitoring.sql import Sources, table_source
from ropewalk.devops.serving import compact, full_name, prediction_table
from ropewalk.errors import Place, nearest
from ropewalk.pipeline import Node, Task
from ropewalk.store.monitoring import WindowRow, replace_windows


@dataclass(frozen=True)
class Watched:
    """What one execution found.

    Attributes:
        windows: every window with its figures and breaches, the earliest first.
        alerts: how many breaches stand.
        unplaced: how many predictions have no readable time, and so no window.
    """

    windows: Sequence[WindowRow]
    alerts: int = 0
    unplaced: int = 0


def watch(task: Task) -> Watched:
    """Collect the deployment's new predictions, keep the figures of every window, and raise alerts.

    Raises:
        ColumnMissing: the predictions or the labels lack a column that the monitor names.
        UnusableTime: the column that places predictions in time holds none.
        UnusablePrediction: a prediction is no number.
        UnusableLabel: a label is neither 0 nor 1.
        UnknownTraining: what the model was trained on cannot be read.
    """
    workspace, name = task.workspace, task.node.name
    monitor = cast("Monitor", task.node.spec)
    task.report(0, 3, "collecting predictions")
    compact(workspace, name)
    task.report(1, 3, "computing windows")
    sources, windows, unplaced = _compute(task)
    # Figures before alerts: an alert without its figures could not be looked into.
    watched = full_name(workspace, name)
    replace_windows(workspace.database, watched, windows)
    task.report(2, 3, "holding windows against limits")
    issues = IssueFiles(workspace.state / "issues")
    alerts = raise_alerts(workspace.database, issues, watched, windows, sources, monitor)
    return Watched(windows, alerts, unplaced)


def _compute(task: Task) -> tuple[Sources | None, list[WindowRow], int]:
    monitor = cast("Monitor", task.node.spec)
    lake = open_lake(task.workspace)
    table = prediction_table(task.workspace, task.node.name)
    # The table appears with the first prediction.
    if table not in lake.table_names():
        return None, [], 0
    try:
        with lake.cursor() as connection:
            # One transaction, so that every query sees the same predictions and outcomes.
            connection.execute("BEGIN")
            sources, windows, unplaced = _read_windows(connection, task, table)
    except duckdb.Error as error:
        raise translate_error(error, lake.table_names()) from error
    judged = [
        replace(window, breaches=find_breaches(window, monitor.limits, monitor.min_rows))
        for window in windows
    ]
    return sources, judged, unplaced


def _read_windows(
    connection: duckdb.DuckDBPyConnection, task: Task, table: str
) -> tuple[Sources, list[WindowRow], int]:
    monitor = cast("Monitor", task.node.spec)
    columns = column_types(connection, table_source(table))
    sources = _sources(connection, task, table, columns)
    watched = full_name(task.workspace, task.node.name)
    windows, unplaced = compute_windows(connection, sources, watched, monitor.min_rows)
    reference = Reference(task.workspace, connection, sources)
    drifted = add_drift(connection, sources, windows, columns, reference.profile, monitor.ignore)
    _require_compared(drifted, monitor.ignore, task.node)
    return sources, drifted, unplaced


def _sources(
    connection: duckdb.DuckDBPyConnection, task: Task, predictions: str, columns: Mapping[str, str]
) -> Sources:
    monitor = cast("Monitor", task.node.spec)
    # As the environment has them: the lake's head may be another environment's.
    labels = table_of(task.input_ids[monitor.labels.table]) or monitor.labels.table
    known_labels = table_source(labels, snapshot_of(task.inputs[monitor.labels.table]))
    known = column_types(connection, known_labels)
    _require(columns, [monitor.labels.key, monitor.time], predictions, task.node.origin)
    _require(known, [monitor.labels.key, monitor.labels.column], labels, task.node.origin)
    _require_time(columns[monitor.time], monitor.time, predictions, task.node.origin)
    return Sources(
        model=str(task.inputs[f"deployment:{task.node.name}"].summary["model"]),
        predictions=table_source(predictions),
        labels=known_labels,
        key=monitor.labels.key,
        key_as_text=not _are_comparable(columns[monitor.labels.key], known[monitor.labels.key]),
        label=monitor.labels.column,
        time=monitor.time,
        time_type=columns[monitor.time],
        by=monitor.by,
        has_model="model" in columns,
    )


def _require(columns: Mapping[str, str], names: Iterable[str], table: str, place: Place) -> None:
    for name in names:
        if name not in columns:
            raise ColumnMissing(
                f"table {table} has no column {name!r}, which the monitor needs",
                place=place,
                nearest=nearest(name, columns),
                hint="columns: " + ", ".join(columns),
            )


def _require_compared(windows: Sequence[WindowRow], ignored: Iterable[str], node: Node) -> None:
    compared = {column for window in windows for column in window.drift}
    for name in ignored:
        # A misspelt name would be judged all the same, and nobody would know why.
        if windows and name not in compared:
            raise ColumnMissing(
                f"the monitor of {node.name!r} ignores column {name!r}, which it does not compare",
                place=node.places["ignore"],
                nearest=nearest(name, compared),
                hint="compared are: " + (", ".join(sorted(compared)) or "none yet"),
            )


def _require_time(duckdb_type: str, name: str, table: str, place: Place) -> None:
    if not duckdb_type.startswith(("TIMESTAMP", "DATE", "VARCHAR")):
        raise UnusableTime(
            f"column {name!r} of {table} is {duckdb_type}, which is no time",
            place=place,
            hint="send times as text, such as 2013-07-01T05:00:00Z",
        )


def _are_comparable(one: str, other: str) -> bool:
    return one == other or kind_of(one) == kind_of(other) == "number"
