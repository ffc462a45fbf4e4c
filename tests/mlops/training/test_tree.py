"""Processes below a process are found and ended."""

from __future__ import annotations

import os
import signal
import subprocess
import time

import pytest

from ropewalk.mlops.training import tree

NOBODY = 2**22 + 1


@pytest.fixture
def sleeper():
    """Return a process that sleeps in a group of its own, with a variable of its own."""
    process = subprocess.Popen(["sleep", "60"], env={"_MARK": "abc"}, start_new_session=True)
    yield process
    process.kill()
    process.wait()


@pytest.fixture
def forked():
    """Return a child of this process that has a child, as a family's eldest; both sleep."""
    child = os.fork()
    if child == 0:
        os.setsid()
        os.fork()
        time.sleep(60)
        os._exit(0)
    yield tree.Family(child)
    tree.send(-child, signal.SIGKILL)


def test_children_and_theirs_are_found(forked):
    """Descendants of every depth are listed, parents first."""
    deadline = time.monotonic() + 5
    while len(tree.descendants(forked.eldest)) < 1 and time.monotonic() < deadline:
        time.sleep(0.01)

    (grandchild,) = tree.descendants(forked.eldest)
    mine = tree.descendants(os.getpid())
    assert mine.index(forked.eldest) < mine.index(grandchild)


def test_family_without_a_list_of_processes(forked, monkeypatch):
    """Where the kernel lists no processes, the group of the one that was started is ended."""
    monkeypatch.setattr(tree, "_HAS_LIST", False)

    forked.end(5)

    assert os.waitstatus_to_exitcode(forked.status) == -signal.SIGTERM
    assert tree.descendants(os.getpid()) == []


def test_stopped_process_is_ended(forked):
    """A process that was stopped hears that it is to end."""
    os.kill(forked.eldest, signal.SIGSTOP)

    forked.end(30)

    assert os.waitstatus_to_exitcode(forked.status) == -signal.SIGTERM


def test_marked_processes_are_found(sleeper):
    """A process is found by a variable that it started with, whole and not in part."""
    deadline = time.monotonic() + 5
    while tree.name_of(sleeper.pid) != "sleep" and time.monotonic() < deadline:
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
