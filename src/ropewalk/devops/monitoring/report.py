"""What a monitor found, as values: for the command line, pages and other programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from ropewalk.devops.monitoring.errors import NotMonitored
from ropewalk.devops.monitoring.section import KEY, Monitor
from ropewalk.devops.monitoring.training_data import TrainingData, training_data
from ropewalk.devops.serving import full_name, plain_name
from ropewalk.errors import nearest
from ropewalk.pipeline import Workspace
from ropewalk.store.monitoring import Alert, WindowRow, clear_alerts, list_windows, replace_windows
from ropewalk.store.monitoring import list_alerts as stored_alerts


@dataclass(frozen=True)
class MonitorReport:
    """The windows of one deployment with their figures, and the alerts that stand or stood.

    Attributes:
        deployment: the deployment's name.
        monitor: its declaration: windows, labels and limits.
        windows: the earliest first; none before the first run of the monitor.
        alerts: by window and limit; a cleared one has `cleared_at`.
        training: what each model version of the windows was trained on and is compared with.
    """

    deployment: str
    monitor: Monitor
    windows: tuple[WindowRow, ...]
    alerts: tuple[Alert, ...]
    training: Mapping[str, TrainingData] = field(default_factory=dict)


def monitor_report(workspace: Workspace, name: str) -> MonitorReport:
    """Return what the monitor of deployment `name` found when it last ran.

    Raises:
        NotMonitored: the project declares no monitor for it.
    """
    declared = workspace.project.entries(KEY)
    if name not in declared:
        raise NotMonitored(
            f"deployment {name!r} has no monitor",
            nearest=nearest(name, declared),
            hint="declare it below `monitor:` in ropewalk.yaml",
        )
    watched = full_name(workspace, name)
    windows = tuple(list_windows(workspace.database, watched))
    found = {w.model_version: training_data(workspace.database, w.model_version) for w in windows}
    return MonitorReport(
        deployment=name,
        monitor=cast("Monitor", declared[name].value),
        windows=windows,
        alerts=tuple(stored_alerts(workspace.database, watched)),
        training={version: training for version, training in found.items() if training},
    )


def forget_windows(workspace: Workspace) -> None:
    """Forget what monitors found in the workspace's environment; its predictions stay."""
    for name in workspace.project.entries(KEY):
        watched = full_name(workspace, name)
        replace_windows(workspace.database, watched, [])
        clear_alerts(workspace.database, watched, ())


def list_alerts(workspace: Workspace) -> list[Alert]:
    """Return the alerts of every deployment of the workspace's environment, by deployment, window and limit."""
    alerts = stored_alerts(workspace.database)
    return [
        alert for alert in alerts if alert.deployment == full_name(workspace, plain_name(alert.deployment))
    ]
