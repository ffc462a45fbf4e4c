"""Telling an open issue that its limit is kept again."""

from __future__ import annotations

from collections.abc import Sequence

from ropewalk.devops.forge import IssueFiles
from ropewalk.devops.monitoring.figures_table import figures_table
from ropewalk.devops.monitoring.limits import is_judged
from ropewalk.devops.monitoring.section import Monitor
from ropewalk.store.monitoring import Alert, WindowRow


def tell_recoveries(
    issues: IssueFiles, alerts: Sequence[Alert], windows: Sequence[WindowRow], monitor: Monitor
) -> None:
    """Comment on the open issue of each limit that the newest judged window keeps, once per recovery.

    The issue stays open: whether the cause is gone is for a person to say. A limit that the project does not
    declare any more is not judged, and so it has not recovered either.

    Args:
        issues: where the issues are.
        alerts: every alert of the deployment, cleared ones too.
        windows: its windows, the earliest first.
        monitor: its declaration.
    """
    last = {alert.limit: alert for alert in sorted(alerts, key=lambda alert: alert.window)}
    for limit, alert in last.items():
        judged = [window for window in windows if is_judged(window, limit, monitor)]
        if not judged or any(breach.limit == limit for breach in judged[-1].breaches):
            continue
        issue = issues.find(f"{alert.deployment}/{limit}")
        if issue and issue.state == "open":
            # The mark names the last breach: a second recovery is told, a second healthy window is not.
            issues.comment(issue.number, _text(judged[-1], limit, alert), f"{alert.fingerprint} recovered")


def _text(window: WindowRow, limit: str, alert: Alert) -> str:
    return f"""Recovered: {window.name} keeps the {limit} limit again; {alert.window} was the last to break it.

{figures_table([window])}

The issue stays open: close it when the cause is known. A later breach is told here either way.
"""
