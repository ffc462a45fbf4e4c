"""Deployments: what each serves, how its predictions do by window, and which limits they break."""

from __future__ import annotations

from dataclasses import dataclass

from ropewalk.devops.monitoring import (
    MonitorReport,
    NotMonitored,
    WindowRow,
    list_alerts,
    monitor_report,
)
from ropewalk.devops.serving import list_deployments, plain_name
from ropewalk.errors import nearest
from ropewalk.lineage import LineageLink, LineageNode
from ropewalk.pipeline import Workspace
from ropewalk.store.deployments import Deployment, deployment_history
from ropewalk.web.charts import Limit, LineChart, Series
from ropewalk.web.errors import NothingCalled
from ropewalk.web.page import Visit
from ropewalk.web.views.alerts import AlertLine, standing_alerts
from ropewalk.web.views.example_request import example_request
from ropewalk.web.views.lineage import lineage_around


@dataclass(frozen=True)
class DeploymentLine:
    """One deployment in a list; times in UTC milliseconds, `alerts` counts the limits that are broken."""

    name: str
    model: str
    version: int
    moved_at: int
    predictions: int
    last_window: str | None
    alerts: int


@dataclass(frozen=True)
class DeploymentList:
    """All deployments, and those that are declared and were never made."""

    deployments: tuple[DeploymentLine, ...]
    declared: tuple[str, ...]


@dataclass(frozen=True)
class Move:
    """One change of what a deployment serves."""

    revision: int
    version: int
    run_id: str | None
    moved_at: int


@dataclass(frozen=True)
class DeploymentPage:
    """One deployment.

    Attributes:
        name: its name.
        model: the model it serves.
        version: that model's version.
        key: the column of a request that identifies what is predicted.
        moved_at: when it began to serve that version.
        history: what it served, newest first.
        is_monitored: whether the project declares a monitor for it.
        windows: the monitor's figures, earliest first.
        charts: the same figures to look at.
        psi_limit: the monitor's limit of drift.
        alerts: the limits that are broken, the latest window first.
        nodes: the boxes of its lineage.
        links: the edges between them.
        request: a command that asks it for a prediction.
    """

    name: str
    model: str
    version: int
    key: str
    moved_at: int
    history: tuple[Move, ...]
    is_monitored: bool
    windows: tuple[WindowRow, ...] = ()
    charts: tuple[LineChart, ...] = ()
    psi_limit: float | None = None
    alerts: tuple[AlertLine, ...] = ()
    nodes: tuple[LineageNode, ...] = ()
    links: tuple[LineageLink, ...] = ()
    request: str = ""


def deployment_list(visit: Visit) -> DeploymentList:
    """Return all deployments."""
    workspace = visit.workspace
    found = list_deployments(workspace)
    names = {deployment.name for deployment in found}
    # What is declared and was never deployed shows as such, rather than as nothing.
    waiting = tuple(sorted(set(workspace.project.entries("deploy")) - names))
    return DeploymentList(tuple(_line(workspace, deployment) for deployment in found), waiting)


def deployment_page(visit: Visit) -> DeploymentPage:
    """Return one deployment with its history, its monitor's figures and its alerts.

    Raises:
        NothingCalled: nothing is deployed under the name.
    """
    workspace, name = visit.workspace, visit.names["name"]
    found = {deployment.name: deployment for deployment in list_deployments(workspace)}
    if name not in found:
        raise NothingCalled(
            f"there is no deployment {name!r}",
            nearest=nearest(name, found),
            hint="`ropewalk run` makes what `deploy:` declares",
        )
    target, report = found[name].target, _report(workspace, name)
    nodes, links = lineage_around(visit, f"deployment:{name}")
    return DeploymentPage(
        name=name,
        model=target.model,
        version=target.version,
        key=target.key_column,
        moved_at=found[name].moved_at,
        history=tuple(
            _move(row) for row in deployment_history(workspace.database, workspace.settings.environment, name)
        ),
        is_monitored=report is not None,
        windows=report.windows if report else (),
        charts=monitor_charts(report) if report else (),
        psi_limit=report.monitor.limits.psi if report else None,
        alerts=standing_alerts(report.alerts) if report else (),
        nodes=nodes,
        links=links,
        request=example_request(
            workspace, found[name], visit.origin, report.monitor.time if report else None
        ),
    )


def monitor_charts(report: MonitorReport) -> tuple[LineChart, ...]:
    """Return rates, quality and drift by window as charts, with the monitor's limits."""
    windows, limits = report.windows, report.monitor.limits
    names = tuple(window.name for window in windows)
    actual = Series("actual", tuple(window.positive_rate for window in windows))
    predicted = Series("predicted", tuple(window.mean_prediction for window in windows))
    auc = Series("AUC", tuple(window.auc for window in windows))
    drift = Series("worst PSI", tuple(window.worst_psi for window in windows))
    allowed = _rate_limits(windows, limits.rate_shift)
    quality = _between(limits.auc.min, limits.auc.max) if limits.auc else ()
    return (
        LineChart("Share of positives", names, (actual, predicted), allowed, is_share=True),
        LineChart("Ranking quality (AUC)", names, (auc,), quality, from_zero=False),
        LineChart("Drift of the inputs (PSI)", names, (drift,), _most(limits.psi)),
    )


def _report(workspace: Workspace, name: str) -> MonitorReport | None:
    try:
        return monitor_report(workspace, name)
    except NotMonitored:
        return None


def _line(workspace: Workspace, deployment: Deployment) -> DeploymentLine:
    report = _report(workspace, deployment.name)
    windows = report.windows if report else ()
    broken = standing_alerts(a for a in list_alerts(workspace) if plain_name(a.deployment) == deployment.name)
    return DeploymentLine(
        name=deployment.name,
        model=deployment.target.model,
        version=deployment.target.version,
        moved_at=deployment.moved_at,
        predictions=sum(window.predictions for window in windows),
        last_window=windows[-1].name if windows else None,
        alerts=len(broken),
    )


def _move(row: Deployment) -> Move:
    return Move(row.revision, row.target.version, row.run_id, row.moved_at)


def _rate_limits(windows: tuple[WindowRow, ...], shift: float | None) -> tuple[Limit, ...]:
    """Return the band around the training data's rate that the actual rate may not leave."""
    # The newest version's training data: the older windows were judged by theirs.
    rates = [window.reference_rate for window in windows if window.reference_rate is not None]
    if shift is None or not rates:
        return ()
    return Limit(round(rates[-1] + shift, 4)), Limit(round(max(0.0, rates[-1] - shift), 4), is_floor=True)


def _between(floor: float | None, ceiling: float | None) -> tuple[Limit, ...]:
    below = () if floor is None else (Limit(floor, is_floor=True),)
    return (*below, *_most(ceiling))


def _most(limit: float | None) -> tuple[Limit, ...]:
    return () if limit is None else (Limit(limit),)
