"""`ropewalk schedule`: the list, and the loop with real runs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ropewalk.store import Database
from ropewalk.store.schedule import TickRow, claim_tick, list_ticks

EVERY_MINUTE = 'project: p\nschedule: {often: {cron: "* * * * *", run: [mart.one]}}\n'
TABLES = {"tables/mart/one.sql": "SELECT 1 AS one", "tables/mart/two.sql": "SELECT 2 AS two"}


@pytest.fixture
def root(write_project) -> Path:
    """Return a project with a schedule of every minute for one of its two tables."""
    return write_project({"ropewalk.yaml": EVERY_MINUTE, **TABLES})


def known_since(root: Path, minutes: int) -> None:
    """Record that the schedule was known so long ago."""
    database = Database.open(root / ".ropewalk/ropewalk.db")
    then = round((time.time() - 60 * minutes) * 1000)
    claim_tick(database, TickRow("often", then, "* * * * * UTC", "known", None, then, then, None))
    database.close()


def ticks(root: Path) -> list[TickRow]:
    database = Database.open(root / ".ropewalk/ropewalk.db")
    found = list_ticks(database, "often")
    database.close()
    return [tick for tick in found if tick.state != "known"]


def test_list(ropewalk, root: Path) -> None:
    """Each schedule has its rule and its next due time."""
    header, line = ropewalk("schedule", "list", cwd=root).out.splitlines()

    assert header.split() == ["schedule", "rule", "next", "last", "due", "became"]
    assert line.startswith("often     * * * * * UTC  20")
    assert line.endswith("nothing yet")


def test_list_as_json(ropewalk, write_project) -> None:
    """For programs the next three due times, in the schedule's time zone."""
    root = write_project(
        {"ropewalk.yaml": 'project: p\nschedule: {n: {cron: "0 3 * * *", timezone: Asia/Kolkata}}\n'}
    )
    (found,) = ropewalk("schedule", "list", "--json", cwd=root).json["schedules"]

    moments = [datetime.fromisoformat(text) for text in found["next"]]
    assert [moment.hour for moment in moments] == [3, 3, 3]
    assert moments[1] - moments[0] == timedelta(days=1)
    assert found["next"][0].endswith("+05:30")
    assert (found["catch_up"], found["overlap"], found["ticks"]) == ("last", "wait", [])


def test_no_schedule(ropewalk, write_project) -> None:
    """A project without schedules is told where they would stand."""
    root = write_project({})

    assert "`schedule:` in ropewalk.yaml" in ropewalk("schedule", "list", cwd=root).out
    assert ropewalk("schedule", "list", "--json", cwd=root).json == {"schedules": []}


def test_wrong_node(ropewalk, write_project) -> None:
    """A schedule of a node that does not exist is refused before anything waits for it."""
    root = write_project(
        {"ropewalk.yaml": 'project: p\nschedule: {n: {cron: "@daily", run: [mart.on]}}\n', **TABLES}
    )
    for command in (("schedule", "list"), ("schedule", "run"), ("plan",), ("run",)):
        said = ropewalk(*command, cwd=root)
        assert said.code == 2
        assert "ropewalk.yaml:2:12" in said.err
        assert "did you mean: mart.one" in said.err


def test_once(ropewalk, root: Path) -> None:
    """`--once` does what is due, with a run whose cause is the schedule, and ends."""
    known_since(root, 10)
    assert ropewalk("schedule", "run", "--once", cwd=root).code == 0

    runs, ticked = ropewalk("runs", "--json", cwd=root).json["runs"], ticks(root)
    # The clock may have come to the next minute meanwhile, which is then due as well.
    assert 1 <= len(runs) <= 2
    assert {(run["cause"], run["state"]) for run in runs} == {("schedule:often", "succeeded")}
    assert runs[-1]["executed"] == 1
    assert {(tick.state, tick.run_id) for tick in ticked} == {("succeeded", run["id"]) for run in runs}
    assert f"succeeded (run {runs[0]['id'][:8]})" in ropewalk("schedule", "list", cwd=root).out


def test_once_with_nothing_due(ropewalk, root: Path) -> None:
    """At first sight of a schedule nothing is due."""
    said = ropewalk("schedule", "run", "--once", cwd=root)
    assert said.code == 0
    assert "nothing is due" in said.err
    assert ropewalk("runs", "--json", cwd=root).json == {"runs": []}


def test_a_run_that_fails(ropewalk, root: Path) -> None:
    """Why a scheduled run failed stands in the list."""
    (root / "tables/mart/one.sql").write_text("SELECT error('no luck') AS one")
    known_since(root, 10)
    ropewalk("schedule", "run", "--once", cwd=root)

    assert "failed (run " in ropewalk("schedule", "list", cwd=root).out
    assert "exit code 1: error[RW" in str(ticks(root)[0].error)


def test_until(ropewalk, root: Path) -> None:
    """The loop ends at the time it was given."""
    end = datetime.now(UTC) + timedelta(seconds=1)

    said = ropewalk("schedule", "run", "--until", end.isoformat(), cwd=root)

    assert said.code == 0
    assert datetime.now(UTC) >= end


@pytest.mark.parametrize("text", ["tomorrow", "25:00", ""])
def test_wrong_until(ropewalk, root: Path, text: str) -> None:
    """A time that is none is refused with its form; an empty one means no end, and is no time either."""
    said = ropewalk("schedule", "run", "--until", text, cwd=root)

    assert said.code == 2
    assert "2026-11-23T06:00" in said.err


def test_stops_on_signal(root: Path) -> None:
    """SIGTERM ends the loop in peace."""
    command = [sys.executable, "-m", "ropewalk.cli.main", "-C", str(root), "schedule", "run"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert process.stderr.readline().startswith("watching 1 schedule")
    os.kill(process.pid, signal.SIGTERM)
    process.communicate(timeout=30)

    assert process.returncode == 0
