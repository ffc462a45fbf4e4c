"""Alerts: one line per limit, however many windows break it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ropewalk.devops.monitoring import Alert
from ropewalk.web.views.alerts import standing_alerts

ALERT = Alert("late/psi/2013-11", "late", "2013-11", "psi", 0.3, 0.25, "drifted by 0.3", 1, 5)
LATER = replace(
    ALERT, fingerprint="late/psi/2013-12", window="2013-12", message="drifted by 0.4", raised_at=6
)


@pytest.mark.parametrize("alerts", [[ALERT, LATER], [LATER, ALERT]])
def test_windows_of_one_limit_are_one_line(alerts: list[Alert]) -> None:
    """The line has what the latest window found, and names the others, whatever order they come in."""
    (line,) = standing_alerts(alerts)

    assert (line.message, line.raised_at, line.issue) == ("drifted by 0.4", 6, 1)
    assert line.windows == ("2013-12", "2013-11")


def test_limits_and_deployments_are_apart() -> None:
    """Each limit of each deployment has a line of its own."""
    other_limit = replace(ALERT, limit="auc")
    other_deployment = replace(ALERT, deployment="early")

    assert len(standing_alerts([ALERT, other_limit, other_deployment])) == 3


def test_cleared_alerts_are_over() -> None:
    """What was cleared needs no attention."""
    assert standing_alerts([replace(ALERT, cleared_at=9)]) == ()
    assert standing_alerts([replace(LATER, cleared_at=9), ALERT])[0].windows == ("2013-11",)
