"""Monitoring: drift and live quality of deployments by window, limits, and the alerts that broken ones raise."""

from ropewalk.devops.monitoring.errors import (
    ColumnMissing,
    NotMonitored,
    UnknownTraining,
    UnusableLabel,
    UnusablePrediction,
    UnusableTime,
)
from ropewalk.devops.monitoring.kind import MonitorKind
from ropewalk.devops.monitoring.report import MonitorReport, forget_windows, list_alerts, monitor_report
from ropewalk.devops.monitoring.section import SECTION, Monitor
from ropewalk.devops.monitoring.training_data import TrainingData
from ropewalk.store.monitoring import Alert, Breach, WindowRow

__all__ = [
    "SECTION",
    "Alert",
    "Breach",
    "ColumnMissing",
    "Monitor",
    "MonitorKind",
    "MonitorReport",
    "NotMonitored",
    "TrainingData",
    "UnknownTraining",
    "UnusableLabel",
    "UnusablePrediction",
    "UnusableTime",
    "WindowRow",
    "forget_windows",
    "list_alerts",
    "monitor_report",
]
