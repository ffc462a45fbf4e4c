"""A step's process is ended with all it started, whatever happens."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from ropewalk.mlops.training.process import LONGEST_LINE, Command, last_lines, run_process


@pytest.fixture
def module(tmp_path: Path):
    """Return a function that makes a module of a source text and the command that runs it."""

    def make(source: str, name: str = "stepmodule") -> Command:
        (tmp_path / f"{name}.py").write_text(source)
        return Command(
            name, ("one",), {"PYTHONPATH": str(tmp_path), "EXTRA": "yes"}, tmp_path / "log" / "x.log"
        )

    return make


def _is_alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def _wait_until_dead(pid: int) -> bool:
    deadline = time.monotonic() + 5
    while _is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not _is_alive(pid)


def test_output_goes_to_the_log(module):
    """What the process prints, on both streams, is in its log; it gets its arguments and environment."""
    command = module("import sys, os; print(sys.argv[1], os.environ['EXTRA']); sys.stderr.write('err')")

    ended = run_process(command, 30, threading.Event())

    assert ended.code == 0
    assert command.log.read_text().split() == ["one", "yes", "err"]


def test_exit_code_is_told(module):
    """A process that fails says so by its code."""
    assert run_process(module("raise SystemExit(3)"), 30, threading.Event()).code == 3


def test_timeout_ends_the_whole_group(module, tmp_path):
    """A child of a process that runs too long does not outlive it."""
    source = f"""
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
open({str(tmp_path / "pid")!r}, "w").write(str(child.pid))
time.sleep(60)
"""
    ended = run_process(module(source), 1.5, threading.Event())

    assert ended.timed_out
    assert _wait_until_dead(int((tmp_path / "pid").read_text()))


def test_leftover_child_ends_with_the_step(module, tmp_path):
    """A process that a step leaves behind in its group is ended when the step ends."""
    source = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
open({str(tmp_path / "pid")!r}, "w").write(str(child.pid))
child.returncode = 0
"""
    run_process(module(source), 30, threading.Event())

    assert _wait_until_dead(int((tmp_path / "pid").read_text()))


def test_stop_ends_the_process(module):
    """Ctrl-C in the engine ends the step soon."""
    stopping = threading.Event()
    threading.Timer(0.3, stopping.set).start()
    started = time.monotonic()

    ended = run_process(module("import time; time.sleep(60)"), 60, stopping)

    assert ended.was_stopped
    assert not ended.timed_out
    assert time.monotonic() - started < 10


def test_process_that_ignores_sigterm_is_killed(module, monkeypatch):
    """A process that refuses to end is killed after the grace time."""
    monkeypatch.setattr("ropewalk.mlops.training.process.GRACE_S", 0.3)
    source = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"

    ended = run_process(module(source), 1.0, threading.Event())

    assert ended.code == -9


def test_last_lines_of_a_large_log(tmp_path):
    """Only the end of a large log is read."""
    log = tmp_path / "x.log"
    log.write_text("\n".join(f"line {i}" for i in range(100_000)))

    assert last_lines(log, 2) == "line 99998\nline 99999"


def test_own_process_is_not_signalled(module):
    """Ending a step's group leaves the engine alive."""
    run_process(module("pass"), 30, threading.Event())

    assert _is_alive(os.getpid())


def test_last_lines_are_short(tmp_path):
    """Of an endless line only the start is shown, and undecodable bytes are no error."""
    log = tmp_path / "x.log"
    log.write_bytes(b"first\n" + b"x" * 200_000 + b"\n\xff end\n")

    lines = last_lines(log).splitlines()

    assert len(lines[-2]) == LONGEST_LINE
    assert lines[-1] == "\ufffd end"
