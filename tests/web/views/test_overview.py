"""The overview: its verdict, its sentence and its strands."""

from __future__ import annotations

from pathlib import Path

import pytest

from ropewalk.pipeline import Workspace
from ropewalk.web.page import Visit
from ropewalk.web.views.alerts import AlertLine
from ropewalk.web.views.nodes import NodeLine
from ropewalk.web.views.overview import Overview, judge, project_overview, tell

ALERT = AlertLine("late", "psi", "too far", ("2013-12",), 1, 0)


def lines(*states: str) -> tuple[NodeLine, ...]:
    """Return a node in each of the states."""
    return tuple(
        NodeLine(f"table:{i}", "table", str(i), state, "", "/", None) for i, state in enumerate(states)
    )


@pytest.mark.parametrize(
    ("states", "alerts", "is_broken", "verdict"),
    [
        ((), (), False, "empty"),
        (("never", "never"), (), False, "empty"),
        (("current",), (), False, "ok"),
        (("current",), (ALERT,), False, "warn"),
        (("current", "edited"), (), False, "warn"),
        (("current", "never"), (), False, "warn"),
        (("current", "failed"), (ALERT,), False, "bad"),
        (("current",), (), True, "bad"),
    ],
)
def test_verdict(
    states: tuple[str, ...], alerts: tuple[AlertLine, ...], is_broken: bool, verdict: str
) -> None:
    """The worst that is known decides."""
    assert judge(lines(*states), alerts, is_broken) == verdict


@pytest.mark.parametrize(
    ("states", "alerts", "sentence"),
    [
        ((), (), "Nothing is declared yet."),
        (("current", "current"), (), "All 2 nodes are current."),
        (("current",), (ALERT,), "All 1 nodes are current, 1 limit broken."),
        (("current", "failed", "blocked"), (), "1 of 3 nodes are current, 1 failed, 1 blocked."),
        (
            ("edited", "never"),
            (ALERT, ALERT),
            "0 of 2 nodes are current, 1 edited since, 1 not made yet, 2 limits broken.",
        ),
    ],
)
def test_sentence(states: tuple[str, ...], alerts: tuple[AlertLine, ...], sentence: str) -> None:
    """The state is told in one sentence."""
    assert tell(lines(*states), alerts) == sentence


@pytest.fixture
def view(flights: Workspace) -> Overview:
    """Return the overview of the small flagship."""
    return project_overview(Visit(flights))


def test_strands_hold_all_nodes(view: Overview) -> None:
    """Every node is in one of the three strands, sources before tables and what they are used for behind."""
    kinds = {strand.name: [node.kind for node in strand.nodes] for strand in view.strands}

    assert kinds["data"] == ["source", "table", "table", "metric", "question"]
    assert set(kinds["models"]) == {"step", "gate", "model"}
    assert kinds["software"] == ["deployment", "monitor"]
    assert sum(map(len, kinds.values())) == len(view.picture)


def test_strand_counts_what_is_current(view: Overview) -> None:
    """A table that was never made is not counted as current."""
    data = view.strands[0]

    assert (data.current, len(data.nodes)) == (4, 5)


def test_runs_are_told(view: Overview) -> None:
    """The latest run has its outcome, commit and what it executed."""
    (run,) = view.runs

    assert (run.state, run.commit, run.is_dirty, run.failed) == ("succeeded", "1f2e3d4c", False, 0)
    assert run.executed == len(view.picture) - 1


def test_alerts_that_stand_are_shown(view: Overview) -> None:
    """Limits that are broken need attention."""
    assert [alert.limit for alert in view.alerts] == ["psi", "rate_shift"]
    assert view.verdict == "warn"


def test_broken_file_is_told(flights_root: Path, empty: Workspace) -> None:
    """A file that does not parse is named with its place and what to do, and the page still stands."""
    (flights_root / "tables/mart/daily.sql").write_text("SELECT FROM FROM", encoding="utf-8")

    view = project_overview(Visit(empty))

    assert view.verdict == "bad"
    assert "daily.sql" in (view.problem or "")
