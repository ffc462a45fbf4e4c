"""The figures of every window: one row each, computed by the lake in a few scans."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from ropewalk.devops.monitoring.drift import drift_by_window
from ropewalk.devops.monitoring.errors import UnusableLabel, UnusablePrediction
from ropewalk.devops.monitoring.profile import Profile
from ropewalk.devops.monitoring.sql import Sources, auc_sql, figures_sql, versions_sql
from ropewalk.store.monitoring import Quality, WindowRow

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Record = Mapping[str, object]
ProfileOf = Callable[[str], Profile]


def compute_windows(
    connection: DuckDBPyConnection, sources: Sources, deployment: str, min_rows: int
) -> tuple[list[WindowRow], int]:
    """Return the windows of `deployment` without drift, earliest first, and how many rows have no time.

    Raises:
        UnusablePrediction: a prediction is no number.
        UnusableLabel: a label is neither 0 nor 1.
    """
    records = _records(connection, figures_sql(sources))
    # Before any figure is made: a wrong label would spoil all of them without being seen.
    for record in records:
        _check(record, sources)
    placed = [record for record in records if record["name"] is not None]
    unplaced = sum(_count(record, "predictions") for record in records if record["name"] is None)
    areas = {record["name"]: record["auc"] for record in _records(connection, auc_sql(sources))}
    versions = _main_versions(connection, sources)
    windows = [
        _window(record, deployment, min_rows, versions, areas.get(record["name"])) for record in placed
    ]
    return windows, unplaced


def add_drift(
    connection: DuckDBPyConnection,
    sources: Sources,
    windows: list[WindowRow],
    columns: Mapping[str, str],
    profile_of: ProfileOf,
    ignored: Collection[str] = (),
) -> list[WindowRow]:
    """Return `windows` with the drift of each against what its main model version was trained on.

    Columns that are `ignored` have their index, and are never the worst.
    """
    # Windows before and after a new version are compared with what their own model knew.
    profiles = {version: profile_of(version) for version in {window.model_version for window in windows}}
    drift = {
        version: drift_by_window(connection, sources, profile, columns)
        for version, profile in profiles.items()
    }
    return [
        _with_drift(
            window, profiles[window.model_version], drift[window.model_version].get(window.name, {}), ignored
        )
        for window in windows
    ]


def _with_drift(
    window: WindowRow, profile: Profile, drift: Mapping[str, float], ignored: Collection[str]
) -> WindowRow:
    judged = [column for column in drift if column not in ignored]
    # The name settles ties, so that equal figures give equal rows.
    worst = max(judged, key=lambda column: (drift[column], column), default=None)
    return replace(
        window,
        reference_rate=profile.positive_rate,
        drift=drift,
        worst_column=worst,
        worst_psi=drift[worst] if worst else None,
    )


def _window(
    record: Record, deployment: str, min_rows: int, versions: Mapping[str, str], auc: object
) -> WindowRow:
    labelled = _count(record, "labelled")
    name = str(record["name"])
    return WindowRow(
        deployment=deployment,
        name=name,
        starts_at=_count(record, "starts_at"),
        model_version=versions[name],
        predictions=_count(record, "predictions"),
        labelled=labelled,
        quality=_quality(labelled, min_rows),
        mean_prediction=_figure(record["mean_prediction"]),
        positive_rate=_figure(record["positive_rate"]),
        auc=_figure(auc),
        brier=_figure(record["brier"]),
        log_loss=_figure(record["log_loss"]),
    )


def _quality(labelled: int, min_rows: int) -> Quality:
    if not labelled:
        return "pending"
    return "thin" if labelled < min_rows else "measured"


def _main_versions(connection: DuckDBPyConnection, sources: Sources) -> dict[str, str]:
    """Return the version that made most of each window's predictions."""
    found: dict[str, str] = {}
    for record in _records(connection, versions_sql(sources)):
        # The query has the most frequent version of each window first.
        found.setdefault(str(record["name"]), str(record["version"]))
    return found


def _check(record: Record, sources: Sources) -> None:
    window = record["name"] or "without a time"
    if unusable := _count(record, "unusable_predictions"):
        raise UnusablePrediction(
            f"{unusable} predictions of {sources.predictions} (window {window}) are not finite numbers",
            hint="a monitor measures models that predict the probability of the positive outcome",
        )
    if unusable := _count(record, "unusable_labels"):
        raise UnusableLabel(
            f"{unusable} labels in column {sources.label!r} of {sources.labels} (window {window})"
            " are neither 0 nor 1",
            hint="make it a boolean, or 0 and 1; NULL stands for an outcome that is not known yet",
        )


def _records(connection: DuckDBPyConnection, sql: str) -> list[Record]:
    cursor = connection.execute(sql)
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _count(record: Record, name: str) -> int:
    value = record[name]
    assert isinstance(value, int)
    return value


def _figure(value: object) -> float | None:
    return float(value) if isinstance(value, float | int) else None
