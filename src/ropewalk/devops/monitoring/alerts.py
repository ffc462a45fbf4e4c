"""Alerts: one per window and broken limit, told in one issue per limit of a deployment."""

from __future__ import annotations

from collections.abc import Sequence

from ropewalk.dataops.lake import quote
from ropewalk.devops.forge import IssueFiles
from ropewalk.devops.monitoring.figures_table import figures_table
from ropewalk.devops.monitoring.recovery import tell_recoveries
from ropewalk.devops.monitoring.section import Monitor
from ropewalk.devops.monitoring.sql import Sources, auc_sql, drift_sql, figures_sql
from ropewalk.devops.monitoring.training_data import TrainingData, training_data
from ropewalk.devops.serving import plain_name
from ropewalk.store import Database, now_ms
from ropewalk.store.monitoring import Alert, Breach, WindowRow, clear_alerts, list_alerts, raise_alert


def raise_alerts(
    database: Database,
    issues: IssueFiles,
    deployment: str,
    windows: Sequence[WindowRow],
    sources: Sources | None,
    monitor: Monitor,
) -> int:
    """Raise an alert for every breach that has none, clear those that are over; return how many stand.

    The first breach of a limit opens an issue, each later one adds a comment to it, and so does the first
    window that keeps it again. `sources` may be None only when there are no windows.
    """
    standing = {alert.fingerprint for alert in list_alerts(database, deployment) if alert.cleared_at is None}
    broken = {
        fingerprint(window, breach): (window, breach) for window in windows for breach in window.breaches
    }
    for name, (window, breach) in broken.items():
        if name not in standing and sources:
            training = training_data(database, window.model_version)
            number = _tell(issues, window, breach, issue_body(breach, window, windows, sources, training))
            raise_alert(database, _alert(window, breach, number))
    # After raising: a kill in between leaves an alert that is over, never a breach untold.
    clear_alerts(database, deployment, broken)
    tell_recoveries(issues, list_alerts(database, deployment), windows, monitor)
    return len(broken)


def fingerprint(window: WindowRow, breach: Breach) -> str:
    """Return the name of one breach, the same whenever it is found again."""
    return f"{window.deployment}/{breach.limit}/{window.name}"


def issue_body(
    breach: Breach,
    window: WindowRow,
    windows: Sequence[WindowRow],
    sources: Sources,
    training: TrainingData | None,
) -> str:
    """Return the text of a new issue: the breach, all windows, how to see it again and where it comes from."""
    compared = f"\n{window.model_version} was trained on {training}.\n" if training else ""
    return f"""In {window.name}, {breach.message}.
{compared}
{figures_table(windows)}

To see it again:

```
ropewalk sql "$(cat <<'SQL'
{reproduction(breach, window, sources)}
SQL
)"
```

What the deployment is made from: `ropewalk lineage deployment:{plain_name(window.deployment)} --up`
"""


def reproduction(breach: Breach, window: WindowRow, sources: Sources) -> str:
    """Return the SQL that shows the figures behind a breach."""
    if breach.limit == "auc":
        return auc_sql(sources)
    if breach.limit == "psi" and window.worst_column:
        return drift_sql(sources, _summary_of(window.worst_column))
    return figures_sql(sources)


def _tell(issues: IssueFiles, window: WindowRow, breach: Breach, body: str) -> int:
    about = f"{window.deployment}/{breach.limit}"
    # Asked before opening, which also opens a closed issue again.
    known = issues.find(about)
    title = f"{window.deployment} breaks its {breach.limit} limit of {breach.bound:g}"
    issue = issues.open(title, about, f"{body}\n<!-- {fingerprint(window, breach)} -->\n")
    # The mark keeps a run that was killed after telling from telling again.
    if known:
        text = f"Again in {window.name}: {breach.message}.\n\n{figures_table([window])}"
        issues.comment(issue.number, text, fingerprint(window, breach))
    return issue.number


def _alert(window: WindowRow, breach: Breach, issue: int) -> Alert:
    return Alert(
        fingerprint=fingerprint(window, breach),
        deployment=window.deployment,
        window=window.name,
        limit=breach.limit,
        value=breach.value,
        bound=breach.bound,
        message=breach.message,
        issue=issue,
        raised_at=now_ms(),
    )


def _summary_of(column: str) -> str:
    # Functions that numbers and text both have, since a column may be either.
    name = quote(column)
    return (
        f"count(*) AS predictions, count(*) - count(p.{name}) AS missing, approx_top_k(p.{name}, 5) AS most_frequent,"
        f" quantile_disc(p.{name}, [0.1, 0.5, 0.9]) AS quantiles"
    )
