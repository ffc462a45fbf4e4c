"""What the engine starts for a step, or for other code of others: a process that runs it in a child and lets nothing outlive it.

`python -m ropewalk.processes.warden CONTROL ENGINE MEMORY GRACE MODULE ARGUMENT...`

MODULE has the function `main` that is called with the ARGUMENTs.
CONTROL is the number of a socket to the engine. When the engine closes its side, or dies in any way, the warden ends
the step with every process it started. At the end it writes one line there: the step's exit code, the peak of its
memory, and 1 if it was ended for that.

The kernel hands orphans to the nearest ancestor that asked for them, so a process that detaches itself from the step
becomes the warden's child instead of escaping (Linux; elsewhere what leaves the step's process group is lost to it).
"""

from __future__ import annotations

import ctypes
import importlib
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Callable, Sequence
from types import FrameType

from ropewalk.processes.tree import SHORTEST_PAUSE_S, Family, descendants, memory_of, name_of

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
# What a step leaves running has had its time.
LINGER_S = 0.3
LEFTOVER_GRACE_S = 1.0
MEMORY_LOOK_MS = 200
NAMED = 5
_HEARD = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT)


def main(arguments: Sequence[str]) -> int:
    """Run the step to its end, or until the engine is gone; in the step's own process return its exit code."""
    control, engine, memory, grace_ms = map(int, arguments[:4])
    wake = _listen_to_signals()
    _control_process(PR_SET_CHILD_SUBREAPER, 1)
    _control_process(PR_SET_PDEATHSIG, signal.SIGTERM)
    # The engine may have died before the line above: nobody would ever end this process then.
    if os.getppid() != engine:
        return 1
    warden = os.getpid()
    # A signal that came between the fork and the child's own handlers would be taken note of and do nothing.
    signal.pthread_sigmask(signal.SIG_BLOCK, _HEARD)
    child = os.fork()
    if child == 0:
        os.close(control)
        os.close(wake)
        return _run_step(warden, arguments[4:])
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _HEARD)
    family = Family(child)
    peak = _watch(family, control, wake, memory)
    # One that was done before it could be ended has made what it made.
    over_memory = 0 < memory < peak and family.status is None
    if family.status is not None:
        _wait_for_the_rest(family)
        _say_what_is_left()
        family.end(LEFTOVER_GRACE_S)
    else:
        # A step over its limit may take the machine down within its grace time.
        family.end(0 if over_memory else grace_ms / 1000)
    code = os.waitstatus_to_exitcode(family.status or 0)
    _report(control, (code, max(peak, _peak_of_children()), int(over_memory)))
    # Without Python's own farewell, which takes as long as a tenth of a small step: nothing here is left to be saved.
    os._exit(code if code >= 0 else 128 - code)


def _run_step(warden: int, arguments: Sequence[str]) -> int:
    signal.set_wakeup_fd(-1)
    for number in _HEARD:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _HEARD)
    # A session of its own: a step that signals its whole group must not hit the warden.
    os.setsid()
    if not end_with_parent(warden):
        return 1
    # Imported on this side of the fork only, so that the warden stays small.
    main: Callable[..., int] = importlib.import_module(arguments[0]).main
    return main(*arguments[1:])


def _watch(family: Family, control: int, wake: int, memory: int) -> int:
    """Wait for the step's end, the engine's word or its death, or too much memory; return the memory's peak."""
    poll = select.poll()
    poll.register(control, select.POLLIN)
    poll.register(wake, select.POLLIN)
    peak, ends = 0, False
    while not ends and family.status is None:
        ready = [number for number, _ in poll.poll(MEMORY_LOOK_MS if memory else None)]
        # Nothing is ever sent on the control socket: what can be read there is its end.
        ends = control in ready or (wake in ready and signal.SIGTERM in os.read(wake, 4096))
        family.reap()
        if memory:
            peak = max(peak, memory_of(descendants(os.getpid()), memory))
            ends = ends or peak > memory
    return peak


def _wait_for_the_rest(family: Family) -> None:
    """Give a moment to what ends with the step by itself, such as the workers and trackers of Python's own pools."""
    deadline = time.monotonic() + LINGER_S
    while family.reap() and time.monotonic() < deadline:
        time.sleep(SHORTEST_PAUSE_S)


def _say_what_is_left() -> None:
    left = descendants(os.getpid())
    if left:
        names = ", ".join(name_of(process) for process in left[:NAMED])
        more = f" and {len(left) - NAMED} more" if len(left) > NAMED else ""
        line = f"ropewalk: ended what the step left running: {names}{more}\n"
        # Written past Python's streams, which belong to the step.
        _write(2, line.encode(errors="replace"))


def _report(control: int, figures: tuple[int, int, int]) -> None:
    _write(control, " ".join(map(str, figures)).encode() + b"\n")


def _write(stream: int, content: bytes) -> None:
    try:
        os.write(stream, content)
    except OSError:
        # The engine is gone, and with it whoever could read this.
        return


def _peak_of_children() -> int:
    # The largest single process; the kernel keeps no figure for all of them together.
    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * scale


def _listen_to_signals() -> int:
    """Have the signals that matter written to a pipe, and return its reading end: one wait then sees all events."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in _HEARD:
        signal.signal(number, _take_note)
    return reading


def _take_note(_number: int, _frame: FrameType | None) -> None:
    """Do nothing: the signal's number is in the pipe by now."""


def end_with_parent(parent: int) -> bool:
    """Have the kernel end this process with `parent`, its parent; False when that is gone already (Linux)."""
    _control_process(PR_SET_PDEATHSIG, signal.SIGKILL)
    return os.getppid() == parent


def _control_process(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
