"""`ropewalk up` as a process: it says where to look, and ends quietly when it is told to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import closing

import pytest

from ropewalk.store import Database
from ropewalk.store.run_history import list_past_runs
from ropewalk.store.schedule import TickRow, claim_tick, list_ticks

URL = "http://127.0.0.1:"


@pytest.fixture
def up(shop):
    """Return a running `ropewalk up` on a free port and its address; it is gone after the test."""
    process = subprocess.Popen(
        [sys.executable, "-m", "ropewalk.cli.main", "-C", str(shop), "up", "--port", "0"],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "NO_COLOR": "1"},
    )
    with process:
        line = process.stderr.readline()
        assert line.startswith(f"open {URL}"), line + process.stderr.read()
        yield process, line.split()[1]
        process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stops_when_told(up, number):
    """A service manager's signal and Ctrl-C end it without a word and without an error."""
    process, address = up
    with urllib.request.urlopen(f"{address}/", timeout=60) as answer:
        assert b"shop" in answer.read()

    process.send_signal(number)

    assert process.wait(60) == 0
    assert "Traceback" not in process.stderr.read()


def test_address_that_is_not_ours(shop, ropewalk):
    """An address that this machine does not have is refused with a code."""
    said = ropewalk("up", "--host", "203.0.113.7", "--port", "0", cwd=shop)

    assert said.code != 0
    assert "error[RW" in said.err


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_port_that_is_none(shop, ropewalk, port):
    """A number that is no port is a wrong option."""
    said = ropewalk("up", "--port", port, cwd=shop)

    assert said.code == 2
    assert "error[RW188]" in said.err


def test_runs_what_becomes_due(write_project):
    """While it serves, it starts the runs that its project's schedules make due."""
    root = write_project(
        {
            "ropewalk.yaml": 'project: p\nschedule: {often: "* * * * *"}\n',
            "tables/mart/one.sql": "SELECT 1 AS one",
        }
    )
    long_ago = round((time.time() - 600) * 1000)
    with closing(Database.open(root / ".ropewalk/ropewalk.db")) as database:
        claim_tick(
            database, TickRow("often", long_ago, "* * * * * UTC", "known", None, long_ago, long_ago, None)
        )
        command = [sys.executable, "-m", "ropewalk.cli.main", "-C", str(root), "up", "--port", "0"]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            deadline = time.monotonic() + 40
            while not any(tick.state == "succeeded" for tick in list_ticks(database, "often")):
                assert time.monotonic() < deadline
                time.sleep(0.1)
            process.terminate()
        (run,) = list_past_runs(database, 9)

    assert process.returncode == 0
    assert (run.cause, run.executed) == ("schedule:often", 1)
