"""What a person sees of a run."""

from __future__ import annotations

import pytest

from ropewalk.cli.progress import LONGEST_WHY, BarProgress, PlainProgress, watch_run
from ropewalk.errors import Failed
from ropewalk.pipeline import NodeResult, Reason, State

RAN = NodeResult("table:a.b", State.EXECUTED, 1.5, (Reason("sql", "changed"),))


def test_plain_line_has_state_time_and_reason(capsys):
    """Away from a terminal each executed node is one line on stderr."""
    PlainProgress().ended(RAN)

    assert capsys.readouterr().err.split() == ["+", "executed", "1.5", "s", "table:a.b", "sql:", "changed"]


def test_hits_are_silent_but_for_warnings(capsys):
    """A fresh node says nothing, unless a person should know something."""
    progress = PlainProgress()
    progress.started("x", ())
    progress.progressed("x", 1, 2, "half")
    progress.ended(NodeResult("a", State.HIT))
    progress.ended(NodeResult("b", State.HIT, warning="not reachable"))

    assert capsys.readouterr().err == "! b: not reachable\n"


def test_without_a_terminal_progress_is_plain():
    """Logs of CI get lines, not bars."""
    with watch_run(3) as observer:
        assert isinstance(observer, PlainProgress)


def test_bars_follow_a_run(capsys):
    """On a terminal a node's line appears while it works and its result stays."""
    with BarProgress(1) as progress:
        progress.started("table:a.b", ())
        progress.progressed("table:a.b", 1, 2, "half")
        progress.ended(RAN)

    assert "table:a.b  sql: changed" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["first\nsecond", "x" * 1000, "\x1b[31mred"])
def test_failure_is_told_at_once_on_one_line(capsys, text):
    """The line of a node that failed has the start of its error, which is told in full at the end."""
    PlainProgress().ended(NodeResult("step:a", State.FAILED, error=Failed(text)))

    line = capsys.readouterr().err
    assert line.startswith("x failed             step:a  ")
    assert line.count("\n") == 1
    assert len(line) < LONGEST_WHY + 40
    assert "\x1b" not in line


def test_blocked_node_names_what_it_needs(capsys):
    """A node behind a failure says which of its inputs is missing."""
    PlainProgress().ended(NodeResult("table:a.b", State.BLOCKED, reasons=(Reason("needs", "source:x"),)))

    assert capsys.readouterr().err.split() == ["-", "blocked", "table:a.b", "needs:", "source:x"]


def test_terminal_gets_bars(capsys, monkeypatch):
    """Where someone looks at a terminal, bars are drawn."""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)

    with watch_run(1) as observer:
        assert isinstance(observer, BarProgress)
        observer.ended(NodeResult("never started", State.HIT))
