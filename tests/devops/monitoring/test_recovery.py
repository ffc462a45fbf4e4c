"""Recovery: an open issue is told once that its limit is kept again, and stays open."""

from __future__ import annotations

import pytest

from ropewalk.devops.forge import IssueFiles
from ropewalk.devops.monitoring import Monitor
from ropewalk.devops.monitoring.alerts import raise_alerts
from ropewalk.devops.monitoring.section import Labels, Limits, Range
from ropewalk.store import Database
from ropewalk.store.monitoring import Breach

PSI = Breach("psi", 0.31, 0.25, "column wind drifted")
AUC = Breach("auc", 0.65, 0.7, "AUC 0.650 is below 0.7")
LIMITS = Limits(psi=0.25, auc=Range(min=0.7), rate_shift=None)
LABELS = Labels(table="mart.outcomes", key="flight_id", column="late")


@pytest.fixture
def issues(tmp_path):
    return IssueFiles(tmp_path / "issues")


@pytest.fixture
def judge(tmp_path, issues, served, make_window):
    """Return a function that judges months, given as name -> figures, and returns the text of the issue."""
    database = Database.open(tmp_path / "ropewalk.db")

    def act(months, limits=LIMITS):
        windows = [make_window(name=name, **figures) for name, figures in months.items()]
        monitor = Monitor(time="scheduled_at", labels=LABELS, limits=limits)
        raise_alerts(database, issues, "late", windows, served.sources(), monitor)
        return issues.get(1).text

    yield act
    database.close()


BROKEN, KEPT = {"breaches": (PSI,)}, {}


def test_next_month_within_the_limit_is_told(judge, issues):
    """The comment names both months, shows the figures, and says that the issue stays open."""
    text = judge({"2013-09": BROKEN, "2013-10": KEPT})

    assert "Recovered: 2013-10 keeps the psi limit again; 2013-09 was the last to break it." in text
    assert "| 2013-10 | late/1 | 1000 |" in text
    assert "The issue stays open" in text
    assert issues.get(1).state == "open"


def test_recovery_is_told_once(judge):
    """Neither another run nor another month within the limit adds a comment."""
    judge({"2013-09": BROKEN, "2013-10": KEPT})
    text = judge({"2013-09": BROKEN, "2013-10": KEPT})

    assert judge({"2013-09": BROKEN, "2013-10": KEPT, "2013-11": KEPT}) == text
    assert text.count("Recovered:") == 1


def test_each_recovery_is_told(judge):
    """A limit that breaks again and is kept again has recovered twice."""
    judge({"2013-09": BROKEN, "2013-10": KEPT})
    judge({"2013-09": BROKEN, "2013-10": KEPT, "2013-11": BROKEN})

    text = judge({"2013-09": BROKEN, "2013-10": KEPT, "2013-11": BROKEN, "2013-12": KEPT})

    assert text.index("2013-10 keeps") < text.index("Again in 2013-11") < text.index("2013-12 keeps")


def test_month_that_late_outcomes_mended_has_recovered(judge):
    """When the only breach is over there is nothing broken any more, and the issue says so."""
    judge({"2013-09": BROKEN})

    assert "Recovered: 2013-09 keeps the psi limit again" in judge({"2013-09": KEPT})


@pytest.mark.parametrize(
    "newest",
    [{"breaches": (PSI,)}, {"predictions": 199}, {"worst_psi": None}],
    ids=["broken", "few", "unknown"],
)
def test_month_that_breaks_or_cannot_be_judged_is_no_recovery(judge, newest):
    """Only a month with the figure and enough rows for it shows that a limit is kept."""
    assert "Recovered" not in judge({"2013-09": BROKEN, "2013-10": newest})


@pytest.mark.parametrize("quality", ["pending", "thin"])
def test_quality_recovers_with_its_outcomes_only(judge, quality):
    """A month whose outcomes are not there yet says nothing about the ranking."""
    broken = {"breaches": (AUC,)}
    assert "Recovered" not in judge({"2013-09": broken, "2013-10": {"quality": quality}})

    assert "2013-10 keeps the auc limit" in judge({"2013-09": broken, "2013-10": KEPT})


def test_limit_that_is_not_declared_any_more_has_not_recovered(judge):
    """Who takes a limit away has not mended what broke it."""
    judge({"2013-09": BROKEN})
    without = Limits(psi=None, auc=None, rate_shift=None)

    assert "Recovered" not in judge({"2013-09": KEPT, "2013-10": KEPT}, limits=without)


def test_closed_issue_is_left_alone(judge, issues):
    """What a person closed needs no comment."""
    judge({"2013-09": BROKEN})
    issues.close(1)

    assert "Recovered" not in judge({"2013-09": BROKEN, "2013-10": KEPT})
    assert issues.get(1).state == "closed"
