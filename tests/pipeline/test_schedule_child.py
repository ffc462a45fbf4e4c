"""The child process of a scheduled run: what it is started with, how it ends, and what it says of a failure."""

from __future__ import annotations

import json
import os
import sys

import pytest

from ropewalk.pipeline import Rule, Schedule, Workspace
from ropewalk.pipeline.schedule_child import TAIL_BYTES, ChildRun

NIGHTLY = Schedule("nightly", Rule("@daily"), ("late", "mart.daily"))


@pytest.fixture
def workspace(write_project, open_workspace) -> Workspace:
    """Return an open empty project."""
    return open_workspace(write_project({}))


def ended(workspace: Workspace, program: str, schedule: Schedule = NIGHTLY) -> ChildRun:
    child = ChildRun.start(workspace, schedule, (sys.executable, "-c", program))
    assert not child.is_alive(20)
    return child


def test_arguments(workspace: Workspace) -> None:
    """The child gets the project, the nodes, the cause and the environment, whatever folder it is started from."""
    child = ended(workspace, "import json, sys; print(json.dumps(sys.argv[1:]))")

    assert json.loads(child.log.read_text()) == [
        "-C",
        str(workspace.root),
        "run",
        "late",
        "mart.daily",
        "--cause",
        "schedule:nightly",
        "--environment",
        "dev",
    ]


def test_it_has_a_session_of_its_own(workspace: Workspace) -> None:
    """Ctrl-C at the scheduler's terminal does not reach the run."""
    child = ended(workspace, "import os; print(os.getsid(0))")

    assert int(child.log.read_text()) != os.getsid(0)


def test_it_reads_nothing(workspace: Workspace) -> None:
    """A run that asks a question at night gets no answer, rather than waiting for one."""
    assert ended(workspace, "import sys; print(repr(sys.stdin.read()))").log.read_text() == "''\n"


def test_success_is_no_complaint(workspace: Workspace) -> None:
    """A run that succeeded has nothing to complain of, whatever it printed."""
    assert ended(workspace, "print('error[RW440]: just a word')").complaint() is None


@pytest.mark.parametrize(
    ("program", "complaint"),
    [
        (
            "print('error[RW440]: broke\\nerror[RW441]: too\\n1 failed'); raise SystemExit(1)",
            "exit code 1: error[RW440]: broke",
        ),
        ("print('stopped\\n\\n'); raise SystemExit(130)", "exit code 130: stopped"),
        ("raise SystemExit(3)", "exit code 3"),
        ("import os; os.kill(os.getpid(), 9)", "signal 9"),
        ("import sys; sys.stdout.buffer.write(b'\\xff broke\\n'); sys.exit(1)", "exit code 1: \ufffd broke"),
    ],
)
def test_complaints(workspace: Workspace, program: str, complaint: str) -> None:
    """A failure is told by its code or signal, and by the first error or else the last line."""
    assert ended(workspace, program).complaint() == complaint


def test_a_long_log(workspace: Workspace) -> None:
    """Of a long log only the end is read."""
    program = f"print('x' * {3 * TAIL_BYTES}); print('error[RW440]: broke'); raise SystemExit(1)"

    assert ended(workspace, program).complaint() == "exit code 1: error[RW440]: broke"


def test_one_log_for_each_schedule(workspace: Workspace) -> None:
    """A schedule keeps the log of its last run only, so that years of them fill no disk."""
    first = ended(workspace, "print('first')")
    second = ended(workspace, "print('second')")

    assert first.log == second.log
    assert second.log.read_text() == "second\n"
