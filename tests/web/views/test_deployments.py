"""Deployments: charts of the monitor's figures with its limits, alerts, history and lineage."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ropewalk.devops.monitoring import MonitorReport, monitor_report
from ropewalk.pipeline import Workspace
from ropewalk.web.charts import Limit, breaches
from ropewalk.web.errors import NothingCalled
from ropewalk.web.page import Visit
from ropewalk.web.views.deployments import deployment_list, deployment_page, monitor_charts


@pytest.fixture
def report(flights: Workspace) -> MonitorReport:
    """Return what the monitor of the small flagship found."""
    return monitor_report(flights, "late")


def without_limits(report: MonitorReport) -> MonitorReport:
    """Return the report of a monitor that judges nothing."""
    limits = report.monitor.limits.model_copy(update={"psi": None, "auc": None, "rate_shift": None})
    return replace(report, monitor=report.monitor.model_copy(update={"limits": limits}))


def test_list_counts_predictions_and_alerts(flights: Workspace) -> None:
    """Each deployment has its predictions, its latest window and the alerts that stand."""
    (line,) = deployment_list(Visit(flights)).deployments

    assert (line.name, line.version, line.last_window, line.alerts) == ("late", 1, "2013-12", 2)
    assert line.predictions == 179_700


def test_list_has_what_is_declared(empty: Workspace) -> None:
    """A deployment that is declared and was never made is named."""
    found = deployment_list(Visit(empty))

    assert (found.deployments, found.declared) == ((), ("late",))


def test_charts_show_the_figures(report: MonitorReport) -> None:
    """Rates, quality and drift are shown by window."""
    rate, quality, drift = monitor_charts(report)

    assert [series.name for series in rate.series] == ["actual", "predicted"]
    assert rate.windows[-1] == "2013-12"
    assert quality.series[0].values[-1] == 0.707
    assert drift.series[0].values[-1] == 0.318


def test_charts_draw_the_limits(report: MonitorReport) -> None:
    """The monitor's limits are drawn: a band around the training data's rate, a floor, a ceiling."""
    rate, quality, drift = monitor_charts(report)

    assert rate.limits == (Limit(0.311), Limit(0.151, is_floor=True))
    assert quality.limits == (Limit(0.70, is_floor=True),)
    assert drift.limits == (Limit(0.25),)


def test_charts_break_where_the_monitor_did(report: MonitorReport) -> None:
    """What the pictures mark as beyond a limit includes what the monitor recorded as a breach."""
    rate, _, drift = monitor_charts(report)

    assert "2013-09" in breaches(rate)
    assert breaches(drift) == ["2013-12"]


def test_charts_without_limits(report: MonitorReport) -> None:
    """A monitor without limits has charts without lines for them."""
    assert [chart.limits for chart in monitor_charts(without_limits(report))] == [(), (), ()]


def test_charts_without_a_training_rate(report: MonitorReport) -> None:
    """Where the training data's rate is unknown there is no band around it."""
    windows = tuple(replace(window, reference_rate=None) for window in report.windows)

    assert monitor_charts(replace(report, windows=windows))[0].limits == ()


def test_quality_with_a_ceiling(report: MonitorReport) -> None:
    """Quality better than can be true is a limit too."""
    limits = report.monitor.limits
    allowed = limits.auc.model_copy(update={"min": None, "max": 0.99})
    monitor = report.monitor.model_copy(update={"limits": limits.model_copy(update={"auc": allowed})})

    assert monitor_charts(replace(report, monitor=monitor))[1].limits == (Limit(0.99),)


def test_page_has_it_all(flights: Workspace) -> None:
    """A deployment's page has what it serves, its history, its figures and its lineage."""
    page = deployment_page(Visit(flights, {"name": "late"}, origin="http://127.0.0.1:8765"))

    assert (page.model, page.version, page.key, page.is_monitored) == ("late", 1, "flight_id", True)
    assert [move.revision for move in page.history] == [1]
    assert {"model:late", "deployment:late", "monitor:late"} <= {node.id for node in page.nodes}
    assert len(page.windows) == 6
    assert [(alert.limit, alert.windows) for alert in page.alerts] == [
        ("psi", ("2013-12",)),
        ("rate_shift", ("2013-09",)),
    ]


def test_page_has_a_request(flights: Workspace) -> None:
    """The page shows a command that asks this very server for a prediction."""
    page = deployment_page(Visit(flights, {"name": "late"}, origin="http://127.0.0.1:8765"))

    assert page.request.startswith("curl http://127.0.0.1:8765/deployments/late/invocations")
    assert "flight_id" in page.request


def test_unknown_deployment(flights: Workspace) -> None:
    """A misspelt deployment is told with the nearest name."""
    with pytest.raises(NothingCalled) as caught:
        deployment_page(Visit(flights, {"name": "lat"}))

    assert caught.value.nearest == "late"
