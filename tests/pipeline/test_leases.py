"""Single flight between threads and processes, and leases of those who died."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from ropewalk.pipeline import Leases, Stopped, find_holder, living_leases, this_host
from ropewalk.pipeline.leases import _Silence, describe_holder, is_dead, this_process
from ropewalk.store import Database
from ropewalk.store.leases import LeaseRow, beat_leases, read_lease, take_lease

HOLD = """
import sys, threading, time
from pathlib import Path
from ropewalk.pipeline import Leases
from ropewalk.store import Database
leases = Leases(Database.open(Path(sys.argv[1])))
with leases.hold("action:k", threading.Event()):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def database(tmp_path):
    """Return an empty database."""
    opened = Database.open(tmp_path / "ropewalk.db")
    yield opened
    opened.close()


@pytest.fixture
def holder(database, tmp_path):
    """Return another process that holds `action:k`."""
    command = [sys.executable, "-c", HOLD, str(tmp_path / "ropewalk.db")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        yield process
        process.kill()


def test_one_at_a_time(database):
    """Of several threads that want one thing, one does it at a time."""
    inside, most = [0], [0]

    def work():
        with Leases(database) as leases, leases.hold("action:k", threading.Event()):
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            inside[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert most == [1]
    assert read_lease(database, "action:k") is None


def test_lease_of_a_killed_process_is_free_at_once(database, holder):
    """Nobody waits for the dead: the kernel knows that the process is gone."""
    assert find_holder(database, "action:k").process.startswith(f"{holder.pid} ")
    holder.kill()
    holder.wait()

    with Leases(database) as leases, leases.hold("action:k", threading.Event()):
        assert read_lease(database, "action:k").owner == leases.owner
    assert living_leases(database, "action:") == []


def test_waiting_ends_when_the_run_is_stopped(database, holder):
    """Ctrl-C also ends a wait, and tells whose lease it was."""
    stopping, seen = threading.Event(), []

    def on_wait(row):
        seen.append(row)
        stopping.set()

    with Leases(database) as leases, pytest.raises(Stopped, match=str(holder.pid)):
        leases.hold("action:k", stopping, on_wait).__enter__()
    assert [describe_holder(row) for row in seen] == [f"process {holder.pid}"]


def test_lease_is_given_up_after_an_error(database):
    """An execution that fails leaves nobody waiting."""
    with Leases(database) as leases:
        with pytest.raises(ZeroDivisionError), leases.hold("action:k", threading.Event()):
            raise ZeroDivisionError
        assert read_lease(database, "action:k") is None


def test_reused_process_number_is_another_process(database):
    """A process that has the number of the dead holder does not stand for it."""
    pid = this_process().partition(" ")[0]

    assert not is_dead(LeaseRow("n", "o", this_host(), this_process(), 0, 0))
    assert is_dead(LeaseRow("n", "o", this_host(), f"{pid} 12345", 0, 0))


def test_holder_on_another_machine_is_believed_until_it_is_silent(database, monkeypatch):
    """Nothing is known of a process elsewhere but its beat, counted by the waiter's own clock."""
    now = [1000.0]
    monkeypatch.setattr("ropewalk.pipeline.leases.time.monotonic", lambda: now[0])
    silence, elsewhere = _Silence(), "another-machine boot"
    take_lease(database, "action:k", "you", elsewhere, "1 2")

    said = []
    for seconds, beats in ((0, False), (20, True), (20, False), (20, False)):
        now[0] += seconds
        if beats:
            beat_leases(database, "you")
        said.append(silence.lasts(read_lease(database, "action:k")))

    assert said == [False, False, False, True]
    assert describe_holder(read_lease(database, "action:k")) == "process 1 on another-machine"
