"""What monitors found: reference profiles, figures by window, and alerts."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, field
from typing import Literal

from ropewalk.store.connections import Row
from ropewalk.store.database import Database, now_ms

Quality = Literal["pending", "thin", "measured"]


@dataclass(frozen=True)
class Breach:
    """A limit that a window breaks: the limit's name, the figure, the limit, and both as a sentence."""

    limit: str
    value: float
    bound: float
    message: str


@dataclass(frozen=True)
class WindowRow:
    """The figures of one window of one deployment.

    Attributes:
        deployment: the deployment's name.
        name: the window as people write it, such as `2013-11`.
        starts_at: its start in UTC milliseconds.
        model_version: the version that made most of its predictions, such as `late/3`.
        predictions: how many predictions fall into it.
        labelled: how many of them have an outcome by now.
        quality: `pending` without outcomes, `thin` with too few to judge, else `measured`.
        mean_prediction: mean of all predictions.
        positive_rate: share of positive outcomes; with it the figures below, None while there are none.
        reference_rate: share of positive outcomes in the training data.
        auc: area under the ROC curve; None as well when all outcomes are alike.
        brier: mean squared distance of prediction and outcome.
        log_loss: logarithmic loss; None as well when a prediction is no probability.
        worst_psi: the largest population stability index over the columns.
        worst_column: the column that has it.
        drift: the index of every profiled column.
        breaches: the limits it breaks.
    """

    deployment: str
    name: str
    starts_at: int
    model_version: str
    predictions: int
    labelled: int
    quality: Quality
    mean_prediction: float | None = None
    positive_rate: float | None = None
    reference_rate: float | None = None
    auc: float | None = None
    brier: float | None = None
    log_loss: float | None = None
    worst_psi: float | None = None
    worst_column: str | None = None
    drift: Mapping[str, float] = field(default_factory=dict)
    breaches: tuple[Breach, ...] = ()


@dataclass(frozen=True)
class Alert:
    """One limit broken by one window; `issue` is the number of the issue that tells of it."""

    fingerprint: str
    deployment: str
    window: str
    limit: str
    value: float
    bound: float
    message: str
    issue: int | None
    raised_at: int
    cleared_at: int | None = None


def keep_profile(database: Database, model: str, version: int, profile: str) -> None:
    """Keep the reference profile (JSON) of a model version, in place of an earlier one."""
    with database.write() as connection:
        connection.execute(
            "INSERT INTO reference_profile (model, version, profile, made_at) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (model, version) DO UPDATE SET profile = excluded.profile, made_at = excluded.made_at",
            (model, version, profile, now_ms()),
        )


def get_profile(database: Database, model: str, version: int) -> str | None:
    """Return the reference profile (JSON) of a model version, or None when there is none yet."""
    with database.read() as connection:
        row = connection.execute(
            "SELECT profile FROM reference_profile WHERE model = ? AND version = ?", (model, version)
        ).fetchone()
    return str(row["profile"]) if row else None


def replace_windows(database: Database, deployment: str, windows: Sequence[WindowRow]) -> None:
    """Keep `windows` as all there is to say of a deployment, in one transaction."""
    moment = now_ms()
    with database.write() as connection:
        # All of them: windows of another length are left from before the monitor was declared differently.
        connection.execute("DELETE FROM monitor_window WHERE deployment = ?", (deployment,))
        connection.executemany(
            "INSERT INTO monitor_window VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [_window_columns(window, moment) for window in windows],
        )


def list_windows(database: Database, deployment: str) -> list[WindowRow]:
    """Return the windows of a deployment, the earliest first."""
    with database.read() as connection:
        rows = connection.execute(
            "SELECT * FROM monitor_window WHERE deployment = ? ORDER BY starts_at", (deployment,)
        ).fetchall()
    return [_window(row) for row in rows]


def raise_alert(database: Database, alert: Alert) -> None:
    """Record an alert; one that was cleared is raised again under the same fingerprint."""
    with database.write() as connection:
        connection.execute(
            # Every column, so that it is also taken back that it was cleared.
            f"INSERT INTO monitor_alert ({', '.join(_ALERT)}) VALUES ({', '.join('?' * len(_ALERT))})"  # noqa: S608  # constants
            f" ON CONFLICT (fingerprint) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _ALERT)}",
            astuple(alert),
        )


def clear_alerts(database: Database, deployment: str, still_broken: Collection[str]) -> int:
    """Clear the alerts of a deployment whose fingerprint is not among `still_broken`; return how many."""
    with database.write() as connection:
        cursor = connection.execute(
            # Cleared and not deleted: what was once told stays explained.
            "UPDATE monitor_alert SET cleared_at = ? WHERE deployment = ? AND cleared_at IS NULL"
            " AND fingerprint NOT IN (SELECT value FROM json_each(?))",
            (now_ms(), deployment, json.dumps(sorted(still_broken))),
        )
        return cursor.rowcount


def list_alerts(database: Database, deployment: str | None = None) -> list[Alert]:
    """Return the alerts of a deployment, or of all, by deployment, window and limit."""
    with database.read() as connection:
        rows = connection.execute(
            "SELECT * FROM monitor_alert WHERE deployment = coalesce(?, deployment)"
            ' ORDER BY deployment, "window", limit_name',
            (deployment,),
        ).fetchall()
    return [Alert(*row) for row in rows]


def _window_columns(window: WindowRow, moment: int) -> tuple[object, ...]:
    values = [getattr(window, name) for name in _PLAIN]
    breaches = json.dumps([asdict(breach) for breach in window.breaches])
    return (*values, json.dumps(dict(window.drift)), breaches, moment)


def _window(row: Row) -> WindowRow:
    breaches = tuple(Breach(**breach) for breach in json.loads(row["breaches"]))
    return WindowRow(
        **{name: row[name] for name in _PLAIN}, drift=json.loads(row["drift"]), breaches=breaches
    )


# The columns of an alert in the order of its fields; `window` is a word of SQL.
_ALERT = (
    *("fingerprint", "deployment", '"window"', "limit_name", "value", "limit_value"),
    *("message", "issue", "raised_at", "cleared_at"),
)
# The columns that hold a value as it is, in the table's order; drift, breaches and the moment follow them.
_PLAIN = tuple(name for name in WindowRow.__dataclass_fields__ if name not in ("drift", "breaches"))
