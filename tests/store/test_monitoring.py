"""Windows, profiles and alerts in the store."""

from __future__ import annotations

from dataclasses import replace

from ropewalk.store.monitoring import (
    Alert,
    Breach,
    WindowRow,
    clear_alerts,
    get_profile,
    keep_profile,
    list_alerts,
    list_windows,
    raise_alert,
    replace_windows,
)

PENDING = WindowRow("late", "2013-10", 2, "late/1", 500, 0, "pending", mean_prediction=0.1)
MEASURED = WindowRow(
    deployment="late",
    name="2013-09",
    starts_at=1,
    model_version="late/1",
    predictions=1000,
    labelled=990,
    quality="measured",
    mean_prediction=0.2,
    positive_rate=0.1,
    reference_rate=0.21,
    auc=0.77,
    brier=0.11,
    log_loss=0.36,
    worst_psi=0.31,
    worst_column="wind",
    drift={"wind": 0.31, "carrier": 0.01},
    breaches=(Breach("psi", 0.31, 0.25, "column wind drifted"),),
)
ALERT = Alert("late/psi/2013-09", "late", "2013-09", "psi", 0.31, 0.25, "column wind drifted", 1, 10)


def test_windows_come_back_as_they_were_kept(database):
    """Every figure survives, the earliest window first, absent figures as None."""
    replace_windows(database, "late", [PENDING, MEASURED])

    assert list_windows(database, "late") == [MEASURED, PENDING]


def test_windows_are_replaced(database):
    """Windows that are no longer there go; other deployments keep theirs."""
    replace_windows(database, "late", [PENDING, MEASURED])
    replace_windows(database, "other", [replace(MEASURED, deployment="other")])

    replace_windows(database, "late", [replace(PENDING, labelled=400, quality="measured")])

    assert [(w.name, w.labelled) for w in list_windows(database, "late")] == [("2013-10", 400)]
    assert len(list_windows(database, "other")) == 1


def test_no_windows_empty_a_deployment(database):
    """A deployment without predictions has no windows."""
    replace_windows(database, "late", [MEASURED])

    replace_windows(database, "late", [])

    assert list_windows(database, "late") == []


def test_profile_is_kept_per_version(database):
    """The profile of one version is not that of another, and a later one replaces it."""
    keep_profile(database, "late", 1, '{"rows": 1}')
    keep_profile(database, "late", 1, '{"rows": 2}')

    assert get_profile(database, "late", 1) == '{"rows": 2}'
    assert get_profile(database, "late", 2) is None


def test_alert_comes_back_as_it_was_raised(database):
    """Alerts are listed for one deployment or for all."""
    raise_alert(database, ALERT)
    raise_alert(database, replace(ALERT, fingerprint="other/psi/2013-09", deployment="other"))

    assert list_alerts(database, "late") == [ALERT]
    assert [alert.deployment for alert in list_alerts(database)] == ["late", "other"]


def test_alerts_that_are_over_are_cleared_once(database):
    """What still breaks its limit stands, the rest has a time at which it was over."""
    raise_alert(database, ALERT)
    raise_alert(database, replace(ALERT, fingerprint="late/auc/2013-09", limit="auc"))

    assert clear_alerts(database, "late", {ALERT.fingerprint}) == 1
    assert clear_alerts(database, "late", {ALERT.fingerprint}) == 0

    assert {alert.limit: alert.cleared_at is None for alert in list_alerts(database)} == {
        "psi": True,
        "auc": False,
    }


def test_cleared_alert_can_be_raised_again(database):
    """The same breach found again stands again."""
    raise_alert(database, ALERT)
    clear_alerts(database, "late", set())

    raise_alert(database, replace(ALERT, raised_at=20))

    assert [(alert.raised_at, alert.cleared_at) for alert in list_alerts(database)] == [(20, None)]
