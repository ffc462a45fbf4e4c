"""Alerts that stand, one line per limit that a deployment breaks, however many windows break it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ropewalk.devops.monitoring import Alert
from ropewalk.devops.serving import plain_name


@dataclass(frozen=True)
class AlertLine:
    """A limit that a deployment breaks.

    Attributes:
        deployment: the deployment.
        limit: the limit's name.
        message: what was found in the latest window.
        windows: the windows that break it, the latest first.
        issue: the issue that tells of it.
        raised_at: when the latest was raised (UTC ms).
    """

    deployment: str
    limit: str
    message: str
    windows: tuple[str, ...]
    issue: int | None
    raised_at: int


def standing_alerts(alerts: Iterable[Alert]) -> tuple[AlertLine, ...]:
    """Return the alerts that were not cleared, by deployment and limit, the latest windows first."""
    groups: dict[tuple[str, str], list[Alert]] = {}
    for alert in sorted(alerts, key=lambda alert: alert.window, reverse=True):
        if alert.cleared_at is None:
            groups.setdefault((alert.deployment, alert.limit), []).append(alert)
    return tuple(_line(group) for group in groups.values())


def _line(group: list[Alert]) -> AlertLine:
    latest = group[0]
    return AlertLine(
        # Only alerts of one environment come here, so its name would be said of every one.
        deployment=plain_name(latest.deployment),
        limit=latest.limit,
        message=latest.message,
        windows=tuple(alert.window for alert in group),
        issue=latest.issue,
        raised_at=latest.raised_at,
    )
