"""Past runs: found by the beginning of their id, told apart from killed ones, and ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from textwrap import dedent

import pytest

from ropewalk.pipeline import (
    AmbiguousRun,
    RunDoesNotEnd,
    RunElsewhere,
    RunNotFound,
    RunOver,
    Workspace,
    cancel_run,
    find_past_run,
    find_working_run,
    run_state,
)
from ropewalk.pipeline.leases import this_host
from ropewalk.store.leases import take_lease
from ropewalk.store.lineage import EdgeRow, replace_edges
from ropewalk.store.pipeline import ActionRow, RunRow, finish_run, record_action, start_run

# A process that holds the lease of a run as `ropewalk run` does, and gives it up when told to end.
HOLDER = """
    import signal, sys, threading, time
    from pathlib import Path
    from ropewalk.pipeline.leases import Leases
    from ropewalk.store import Database
    from ropewalk.store.pipeline import finish_run
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: LISTENS and stopping.set())
    where = sys.argv[1]
    database = Database.open(where if "://" in where else Path(where))
    with Leases(database) as leases, leases.hold("run:abc1", threading.Event()):
        print("holds", flush=True)
        stopping.wait(60)
        finish_run(database, "abc1", "failed")
    database.close()
"""


def add_run(workspace: Workspace, run_id: str, state: str = "running", started_at: int = 1) -> None:
    start_run(workspace.database, RunRow(run_id, "dev", state, None, None, False, started_at, None))


def start_holder(workspace: Workspace, listens: bool) -> subprocess.Popen[str]:
    program = dedent(HOLDER).replace("LISTENS", str(listens))
    where = workspace.settings.database_url or str(workspace.state / "ropewalk.db")
    arguments = [sys.executable, "-c", program, where]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "holds\n"
    return process


@pytest.fixture
def workspace(write_project, open_workspace) -> Workspace:
    """Return a workspace with one run that is marked as running."""
    found = open_workspace(write_project({}))
    add_run(found, "abc1")
    return found


@pytest.fixture
def holder(workspace: Workspace) -> Iterator[subprocess.Popen[str]]:
    """Return the process that is at work on the run."""
    process = start_holder(workspace, listens=True)
    yield process
    process.kill()
    process.communicate()


def test_found_by_its_beginning(workspace: Workspace) -> None:
    """As much of an id as no other run has is enough, in capitals too; nothing means the newest."""
    add_run(workspace, "def2", started_at=2)

    assert find_past_run(workspace.database, "a").id == "abc1"
    assert find_past_run(workspace.database, "ABC").id == "abc1"
    assert find_past_run(workspace.database, "").id == "def2"
    assert find_past_run(workspace.database, "last").id == "def2"


def test_found_by_a_tracked_run(workspace: Workspace) -> None:
    """The id that MLflow shows leads to the run that made it, with what that run set."""
    add_run(workspace, "def2", started_at=2)
    output = json.dumps({"makes": ["run:77aa"], "origins": []})
    action = ActionRow("k", "k", "step:a", {}, {}, {}, output, "abc1", 0, 0, 1)
    with workspace.database.write() as connection:
        record_action(connection, action, None)
        replace_edges(connection, "step:a", [EdgeRow("step:a", "run:77aa", "product")])

    found = find_past_run(workspace.database, "77AA")

    assert (found.id, found.parameters) == ("abc1", {})


@pytest.mark.parametrize("cause", ["reproduce", "bisect"])
def test_replays_are_not_the_last_run(workspace: Workspace, cause: str) -> None:
    """Whoever does the last run again, and then once more, means the same run; a replay alone is better than none."""
    start_run(workspace.database, RunRow("def2", "dev", "succeeded", None, None, False, 2, None, cause))

    assert find_past_run(workspace.database, "last").id == "abc1"
    assert find_past_run(workspace.database, "def2").cause == cause


def test_run_with_something_to_print(workspace: Workspace) -> None:
    """Replays of a search and runs that found all fresh are passed over, as long as a run with a log is there."""
    add_run(workspace, "def2", state="succeeded", started_at=2)
    assert find_working_run(workspace.database).id == "abc1"

    finish_run(workspace.database, "abc1", "succeeded")
    assert find_working_run(workspace.database).id == "def2"


def test_not_found(workspace: Workspace) -> None:
    """An id that is none has a nearest one."""
    with pytest.raises(RunNotFound) as caught:
        find_past_run(workspace.database, "abd1")

    assert caught.value.nearest == "abc1"
    assert "ropewalk runs" in (caught.value.hint or "")


def test_nothing_was_run(write_project, open_workspace) -> None:
    """Before the first run there is no newest."""
    database = open_workspace(write_project({})).database

    with pytest.raises(RunNotFound, match="nothing has been run yet"):
        find_past_run(database, "")


def test_ambiguous(workspace: Workspace) -> None:
    """A beginning that two runs have is refused, with both."""
    add_run(workspace, "abd2")

    with pytest.raises(AmbiguousRun, match="abc1") as caught:
        find_past_run(workspace.database, "ab")

    assert "abd2" in caught.value.message


def test_wildcards_are_text(workspace: Workspace) -> None:
    """What people type is never a pattern."""
    for text in ("%", "_bc1", "*", "'"):
        with pytest.raises(RunNotFound):
            find_past_run(workspace.database, text)


def test_killed(workspace: Workspace, holder: subprocess.Popen[str]) -> None:
    """A run is running while its process lives, and killed once that is gone without a word."""
    run = find_past_run(workspace.database, "abc1")
    assert run_state(workspace.database, run) == "running"
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()

    assert run_state(workspace.database, run) == "killed"


def test_cancel(workspace: Workspace, holder: subprocess.Popen[str]) -> None:
    """Cancelling ends the run's process, and returns once it has ended."""
    run = find_past_run(workspace.database, "abc1")

    assert cancel_run(workspace.database, run) == "failed"
    assert holder.wait(60) == 0


def test_cancel_what_is_over(workspace: Workspace) -> None:
    """A run that has ended cannot be ended."""
    add_run(workspace, "def2", "succeeded")

    with pytest.raises(RunOver, match="it succeeded"):
        cancel_run(workspace.database, find_past_run(workspace.database, "def2"))


def test_cancel_what_was_killed(workspace: Workspace) -> None:
    """A run whose process is gone is marked as failed, as nobody else is left to do it."""
    run = find_past_run(workspace.database, "abc1")

    assert cancel_run(workspace.database, run) == "killed"
    assert find_past_run(workspace.database, "abc1").state == "failed"


def test_cancel_elsewhere(workspace: Workspace) -> None:
    """A run on another machine is left alone, and where it runs is told."""
    take_lease(workspace.database, "run:abc1", "token", "farm-7 boot", "4711 99")
    run = find_past_run(workspace.database, "abc1")

    with pytest.raises(RunElsewhere, match="process 4711 on farm-7"):
        cancel_run(workspace.database, run)


def test_a_process_of_the_same_number(workspace: Workspace) -> None:
    """A process that only has the number of the one that died is never signalled."""
    take_lease(workspace.database, "run:abc1", "token", this_host(), f"{os.getpid()} 1")

    assert cancel_run(workspace.database, find_past_run(workspace.database, "abc1")) == "killed"


def test_cancel_what_does_not_listen(workspace: Workspace) -> None:
    """A run that does not end in time is an error that says how to end it."""
    deaf = start_holder(workspace, listens=False)
    run = find_past_run(workspace.database, "abc1")
    with pytest.raises(RunDoesNotEnd) as caught:
        cancel_run(workspace.database, run, wait_s=0.3)
    deaf.kill()
    deaf.communicate()

    assert f"kill -9 {deaf.pid}" in (caught.value.hint or "")
