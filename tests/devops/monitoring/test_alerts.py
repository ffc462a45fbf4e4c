"""Alerts: one issue per limit, one alert per window, nothing told twice."""

from __future__ import annotations

import pytest

from ropewalk.devops.forge import IssueFiles
from ropewalk.devops.monitoring import Monitor, TrainingData
from ropewalk.devops.monitoring.alerts import issue_body, raise_alerts, reproduction
from ropewalk.devops.monitoring.section import Labels, Limits, Range
from ropewalk.store import Database
from ropewalk.store.monitoring import Breach, list_alerts

PSI = Breach("psi", 0.31, 0.25, "column wind drifted from the training data: PSI 0.310, limit 0.25")
AUC = Breach("auc", 0.65, 0.7, "AUC 0.650 is below 0.7")
MONITOR = Monitor(
    time="scheduled_at",
    labels=Labels(table="mart.outcomes", key="flight_id", column="late"),
    limits=Limits(psi=0.25, auc=Range(min=0.7), rate_shift=None),
)
TRAINING = TrainingData("mart.labelled_flights", 41, 195_583, 0.249)


@pytest.fixture
def database(tmp_path):
    opened = Database.open(tmp_path / "ropewalk.db")
    yield opened
    opened.close()


@pytest.fixture
def issues(tmp_path):
    return IssueFiles(tmp_path / "issues")


@pytest.fixture
def tell(database, issues, served):
    """Return a function that raises the alerts of windows and returns how many stand."""

    def act(*windows):
        return raise_alerts(database, issues, "late", windows, served.sources(), MONITOR)

    return act


def test_first_breach_opens_an_issue(tell, issues, database, make_window):
    """The issue is about deployment and limit, the alert about the window as well."""
    count = tell(make_window(breaches=(PSI,)))

    (issue,) = issues.issues()
    (alert,) = list_alerts(database)
    assert count == 1
    assert (issue.fingerprint, issue.title) == ("late/psi", "late breaks its psi limit of 0.25")
    assert (alert.fingerprint, alert.issue, alert.value) == ("late/psi/2013-09", 1, 0.31)


def test_other_months_comment_on_the_same_issue(tell, issues, make_window):
    """Three months that break one limit are one issue with two comments."""
    tell(*(make_window(name=name, breaches=(PSI,)) for name in ("2013-09", "2013-11", "2013-12")))

    (issue,) = issues.issues()
    assert issue.text.count("## Comment") == 2
    assert "Again in 2013-11: column wind drifted" in issue.text


def test_each_limit_has_its_issue(tell, issues, make_window):
    """Two limits broken in one month are two issues."""
    tell(make_window(breaches=(PSI, AUC)))

    assert [issue.fingerprint for issue in issues.issues()] == ["late/psi", "late/auc"]


def test_running_again_tells_nothing_again(tell, issues, make_window):
    """The same breaches found by the next run add neither issue nor comment."""
    windows = [make_window(name=name, breaches=(PSI,)) for name in ("2013-09", "2013-11")]
    tell(*windows)
    before = issues.issues()

    assert tell(*windows) == 2
    assert issues.issues() == before


@pytest.mark.parametrize("months", [1, 2])
def test_run_killed_before_the_alert_was_recorded(tell, issues, database, make_window, months):
    """When the issue was written and the alert not, the next run does not tell again."""
    windows = [make_window(name=f"2013-1{i}", breaches=(PSI,)) for i in range(months)]
    tell(*windows)
    before = issues.issues()
    with database.write() as connection:
        connection.execute("DELETE FROM monitor_alert")

    tell(*windows)

    assert issues.issues() == before
    assert len(list_alerts(database)) == months


def test_breach_that_is_over_is_cleared(tell, database, make_window):
    """Late labels can mend a month: its alert is cleared, not deleted."""
    tell(make_window(breaches=(PSI, AUC)))

    assert tell(make_window(breaches=(PSI,))) == 1

    assert {alert.limit: alert.cleared_at is None for alert in list_alerts(database)} == {
        "psi": True,
        "auc": False,
    }


def test_new_breach_opens_a_closed_issue_again(tell, issues, make_window):
    """A person closed the issue; the next month that breaks the limit opens it with a comment."""
    tell(make_window(breaches=(PSI,)))
    issues.close(1)

    tell(make_window(breaches=(PSI,)), make_window(name="2013-12", breaches=(PSI,)))

    assert issues.get(1).state == "open"
    assert "Again in 2013-12" in issues.get(1).text


def test_closed_issue_stays_closed_without_a_new_breach(tell, issues, make_window):
    """What was told and closed is not opened by telling it again."""
    tell(make_window(breaches=(PSI,)))
    issues.close(1)

    tell(make_window(breaches=(PSI,)))

    assert issues.get(1).state == "closed"


def test_no_breach_writes_nothing(tell, issues, make_window):
    """A month within its limits makes neither alert nor folder."""
    assert tell(make_window()) == 0
    assert not issues.folder.exists()


def test_body_shows_months_and_where_it_comes_from(served, make_window):
    """The issue has the sentence, a row per month, and the lineage command."""
    windows = [make_window(name="2013-08", auc=None), make_window(breaches=(PSI,))]

    body = issue_body(PSI, windows[1], windows, served.sources(), TRAINING)

    assert "In 2013-09, column wind drifted" in body
    assert (
        "late/1 was trained on table mart.labelled_flights at snapshot 41 of the lake"
        " (195,583 rows, 24.9% of them positive).\n"
    ) in body
    assert "| 2013-08 | late/1 | 1000 | 1000 | 0.200 | 0.200 |  | 0.100 | wind |  |" in body
    assert "| 0.770 | 0.100 | wind | psi |" in body
    assert "`ropewalk lineage deployment:late --up`" in body


@pytest.mark.parametrize("limit", ["psi", "auc", "rate_shift"])
def test_sql_of_an_issue_runs(served, make_window, limit):
    """The SQL in the issue has a row per month of what is there."""
    sql = reproduction(Breach(limit, 1.0, 0.5, ""), make_window(), served.sources())

    months = [row[0] for row in served.connection.execute(sql).fetchall()]

    assert months == ["2013-07", "2013-08", "2013-09"]
    assert sql in issue_body(Breach(limit, 1.0, 0.5, ""), make_window(), [], served.sources(), None)
