"""Running a step's process: in a process group of its own, with a log, a timeout, and no orphans."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

POLL_S = 0.05
GRACE_S = 5.0
LONGEST_LINE = 400


@dataclass(frozen=True)
class Ended:
    """How a process ended: its exit code (negative: the signal), and whether it was told to stop, and why."""

    code: int
    timed_out: bool = False
    was_stopped: bool = False


@dataclass(frozen=True)
class Command:
    """A Python module to run, with its arguments, extra environment and log file."""

    module: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path


def run_process(command: Command, timeout_s: float, stopping: threading.Event) -> Ended:
    """Run `command` to its end, or end its whole process group after `timeout_s` or when `stopping` is set."""
    command.log.parent.mkdir(parents=True, exist_ok=True)
    with command.log.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", command.module, *command.arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            # The step's own code may need anything of the caller's environment; settings are not read here.
            env={**os.environ, **command.environment},
            # A group of its own, so that everything the step starts can be ended with it.
            start_new_session=True,
        )
        deadline = time.monotonic() + timeout_s
        # Polling keeps one thread per step enough to watch the process, the clock and Ctrl-C.
        while process.poll() is None:
            timed_out = time.monotonic() > deadline
            if timed_out or stopping.is_set():
                _end_group(process)
                return Ended(process.returncode, timed_out, not timed_out)
            time.sleep(POLL_S)
        # Whatever the step left running in its group ends with it.
        _signal_group(process, signal.SIGKILL)
    return Ended(process.returncode)


def last_lines(log: Path, count: int = 20) -> str:
    """Return the last lines of a log; it may be large, so only its end is read."""
    size = log.stat().st_size
    with log.open("rb") as stream:
        stream.seek(max(0, size - 64 * 1024))
        text = stream.read().decode(errors="replace")
    # One line can be as long as the file; its beginning says enough.
    return "\n".join(line[:LONGEST_LINE] for line in text.splitlines()[-count:])


def _end_group(process: subprocess.Popen[bytes]) -> None:
    _signal_group(process, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(GRACE_S)
    _signal_group(process, signal.SIGKILL)
    process.wait()


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):
        # The group is gone already.
        return
