"""Past runs by what people type, what state they are really in, and ending one that is at work."""

from __future__ import annotations

import os
import signal
import time

from ropewalk.errors import nearest
from ropewalk.pipeline.history_errors import AmbiguousRun, RunDoesNotEnd, RunElsewhere, RunNotFound, RunOver
from ropewalk.pipeline.leases import describe_holder, find_holder, this_host
from ropewalk.store import Database
from ropewalk.store.pipeline import CANCELLED, finish_run, run_of_product
from ropewalk.store.run_history import PastRun, list_past_runs, run_ids

# So many digits tell runs apart for people.
SHORT = 8
NEWEST = "last"
# The causes of runs that do others again.
REPLAYS = ("reproduce", "bisect")
# A run that is asked to end first ends its steps.
CANCEL_S = 60.0
POLL_S = 0.1


def find_past_run(database: Database, text: str) -> PastRun:
    """Return the run that a person means: for an empty text or `last` the newest that is no replay of another.

    Args:
        database: where runs are recorded.
        text: the beginning of a run's id, or the id of a tracked run that it made.

    Raises:
        RunNotFound: there is none.
        AmbiguousRun: there are several.
    """
    text = "" if text == NEWEST else text.lower()
    found = list_past_runs(database, 2, prefix=text) if text else _newest(database)
    if not found and (run_id := run_of_product(database, f"run:{text}")):
        found = list_past_runs(database, 1, prefix=run_id)
    if not found:
        raise _not_found(database, text)
    if text and len(found) > 1:
        ids = ", ".join(run.id[: len(text) + 4] for run in list_past_runs(database, 5, prefix=text))
        raise AmbiguousRun(f"several runs begin with {text!r}: {ids}", hint="give more of the id")
    return found[0]


def _newest(database: Database) -> list[PastRun]:
    newest = list_past_runs(database, 200)
    # Whoever reproduces `last` twice means the same run both times.
    return [run for run in newest if run.cause not in REPLAYS] or newest


def find_working_run(database: Database) -> PastRun:
    """Return the newest run that has something to print: it executes, executed or failed.

    Without such a run it is the newest of all. Applying a release is a run too, and so are the replays of a search.

    Raises:
        RunNotFound: there is none.
    """
    newest = list_past_runs(database, 200)
    printed = (run for run in newest if run.executed or run.failed or run.state == "running")
    found = next(printed, None) or next(iter(newest), None)
    return found or find_past_run(database, "")


def _not_found(database: Database, text: str) -> RunNotFound:
    if not text:
        return RunNotFound("nothing has been run yet", hint="`ropewalk run`")
    close = nearest(text, [run_id[: max(SHORT, len(text))] for run_id in run_ids(database)])
    return RunNotFound(f"no run begins with {text!r}", nearest=close, hint="`ropewalk runs` lists them")


def run_state(database: Database, run: PastRun) -> str:
    """Return the state of a run: `running`, `succeeded`, `failed`, `cancelled`, or `killed` when its process is gone."""
    # A killed process records nothing of its end; its lease falls free with it.
    if run.state == "running" and find_holder(database, f"run:{run.id}") is None:
        return "killed"
    return run.state


def cancel_run(database: Database, run: PastRun, wait_s: float = CANCEL_S) -> str:
    """End a run that is at work on this machine, wait until it has ended, and return the state it ended in.

    Raises:
        RunOver: it has ended already.
        RunElsewhere: it is at work on another machine.
        RunDoesNotEnd: it has not ended after `wait_s` seconds.
    """
    if run.state != "running":
        how = "was cancelled" if run.state == CANCELLED else run.state
        raise RunOver(f"run {run.id[:SHORT]} has ended already: it {how}")
    holder = find_holder(database, f"run:{run.id}")
    if holder is None:
        # Nobody is left to record the end of a run that was killed.
        finish_run(database, run.id, "failed")
        return "killed"
    if holder.host != this_host():
        raise RunElsewhere(
            f"run {run.id[:SHORT]} is at work elsewhere: {describe_holder(holder)}",
            hint="cancel it there, or end that process",
        )
    pid = int(holder.process.partition(" ")[0])
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + wait_s
    while find_holder(database, f"run:{run.id}") is not None:
        if time.monotonic() > deadline:
            raise RunDoesNotEnd(
                f"run {run.id[:SHORT]} has not ended after {wait_s:g} seconds",
                hint=f"`kill -9 {pid}` ends it at once; what was committed stays",
            )
        time.sleep(POLL_S)
    return run_state(database, find_past_run(database, run.id))
