"""Processes below a process are found and ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from textwrap import dedent

import pytest

from ropewalk.processes import tree

NOBODY = 2**22 + 1


@pytest.fixture
def sleeper():
    """Return a process that sleeps in a group of its own, with a variable of its own."""
    process = subprocess.Popen(["sleep", "60"], env={"_MARK": "abc"}, start_new_session=True)
    yield process
    process.kill()
    process.wait()


# Ending a family ends all children of the process that asks: the one that runs the tests may have others.
FAMILY = """
import os, signal, time
from ropewalk.processes import tree
child = os.fork()
if child == 0:
    os.setsid()
    os.fork()
    time.sleep(60)
    os._exit(0)
family = tree.Family(child)
while not tree.descendants(child):
    time.sleep(0.01)
"""


def told_by(code: str) -> str:
    """Return what a process prints that has a child, `family.eldest`, which has a child; both sleep."""
    command = [sys.executable, "-c", FAMILY + dedent(code)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()


def test_children_and_theirs_are_found():
    """Descendants of every depth are listed, parents first."""
    told = told_by("""
        (grandchild,) = tree.descendants(child)
        mine = tree.descendants(os.getpid())
        print(mine == [child, grandchild])
        family.end(5)
        """)

    assert told == "True"


def test_family_without_a_list_of_processes():
    """Where the kernel lists no processes, the group of the one that was started is ended."""
    told = told_by("""
        tree._HAS_LIST = False
        family.end(5)
        print(os.waitstatus_to_exitcode(family.status), tree.descendants(os.getpid()))
        """)

    assert told == f"{-signal.SIGTERM} []"


def test_stopped_process_is_ended():
    """A process that was stopped hears that it is to end."""
    told = told_by("""
        os.kill(child, signal.SIGSTOP)
        family.end(30)
        print(os.waitstatus_to_exitcode(family.status))
        """)

    assert told == str(-signal.SIGTERM)


def test_marked_processes_are_found(sleeper):
    """A process is found by a variable that it started with, whole and not in part."""
    # Its environment is there a moment after its name: the kernel sets them up one after the other.
    deadline = time.monotonic() + 30
    while not tree.marked("_MARK=abc") and time.monotonic() < deadline:
        time.sleep(0.01)

    assert tree.marked("_MARK=abc") == [sleeper.pid]
    assert tree.marked("_MARK=ab") == []


def test_memory_is_that_of_all(sleeper):
    """The memory of processes is summed; beyond a limit shared pages are shared out, which is never more."""
    both = [os.getpid(), sleeper.pid]

    whole, exact = tree.memory_of(both, 2**60), tree.memory_of(both, 0)

    assert whole > tree.memory_of([sleeper.pid], 2**60) > 0
    assert 0 < exact <= whole


def test_process_that_is_gone():
    """Asking about a process that ended meanwhile, or sending it a signal, is no error."""
    tree.send(NOBODY, signal.SIGTERM)

    assert (tree.descendants(NOBODY), tree.name_of(NOBODY), tree.memory_of([NOBODY], -1)) == ([], "", 0)
