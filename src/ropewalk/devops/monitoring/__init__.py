"""Monitoring: drift and live quality of deployments by window, limits, and the alerts that broken ones raise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ropewalk.doors import lazy_names

if TYPE_CHECKING:
    from ropewalk.devops.monitoring.errors import (
        ColumnMissing,
        NotMonitored,
        UnknownTraining,
        UnusableLabel,
        UnusablePrediction,
        UnusableTime,
    )
    from ropewalk.devops.monitoring.features import signature_columns, step_features
    from ropewalk.devops.monitoring.kind import MonitorKind
    from ropewalk.devops.monitoring.report import MonitorReport, forget_windows, list_alerts, monitor_report
    from ropewalk.devops.monitoring.section import Monitor
    from ropewalk.devops.monitoring.training_data import TrainingData
    from ropewalk.store.monitoring import Alert, Breach, WindowRow

__all__ = [
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
    "signature_columns",
    "step_features",
]

__getattr__ = lazy_names(__name__, __file__)
