"""The processes below a process, as the kernel lists them (Linux), and ending them however they detached themselves.

Imported by a process that must start fast: only modules of the interpreter itself are used here.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

SHORTEST_PAUSE_S = 0.002
LONGEST_PAUSE_S = 0.05
_PROC = Path("/proc")
# Without the kernel's list of processes (no Linux) the group of the one that was started is all that can be ended.
_HAS_LIST = _PROC.is_dir()
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Family:
    """The children of this process, one of which it was made for, and whatever is handed to it when parents die."""

    def __init__(self, eldest: int) -> None:
        self.eldest = eldest
        self.status: int | None = None

    def reap(self) -> bool:
        """Take note of those that ended; return whether any is left."""
        while True:
            try:
                child, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if child == 0:
                return True
            if child == self.eldest:
                self.status = status

    def end(self, grace_s: float) -> None:
        """End all that is left, with its children: politely first, by force after `grace_s`; return when none is left."""
        deadline = time.monotonic() + grace_s
        asked: set[int] = set()
        pause = SHORTEST_PAUSE_S
        while self.reap():
            forced = time.monotonic() > deadline
            # Listed again each time: processes that end hand their children on, and some make new ones meanwhile.
            for process in self._members():
                if forced:
                    send(process, signal.SIGKILL)
                elif process not in asked:
                    asked.add(process)
                    send(process, signal.SIGTERM)
                    # A stopped process would never hear of it.
                    send(process, signal.SIGCONT)
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)
        if not _HAS_LIST:
            send(-self.eldest, signal.SIGKILL)

    def _members(self) -> list[int]:
        return descendants(os.getpid()) if _HAS_LIST else [-self.eldest]


def send(process: int, number: signal.Signals) -> None:
    """Send a signal; a process that is gone already is no error."""
    try:
        os.kill(process, number)
    except OSError:
        return


def descendants(root: int) -> list[int]:
    """Return the ids of all processes below `root`, parents before their children."""
    children: dict[int, list[int]] = {}
    for process, parent in _parents():
        children.setdefault(parent, []).append(process)
    found, at = [root], 0
    while at < len(found):
        found += children.get(found[at], ())
        at += 1
    return found[1:]


def marked(mark: str) -> list[int]:
    """Return the ids of the processes whose first environment held `mark` (`NAME=value`)."""
    wanted = mark.encode()
    return [process for process in _processes() if wanted in _read(process, "environ").split(b"\0")]


def name_of(process: int) -> str:
    """Return the name of a process's program; empty when it is gone."""
    return _read(process, "comm").decode(errors="replace").strip()


def memory_of(processes: Iterable[int], limit: int) -> int:
    """Return the bytes of memory that the processes hold; shared pages count once where that decides about `limit`."""
    members = list(processes)
    total = sum(map(_resident, members))
    # The cheap figure counts pages that forked workers share once for each; the exact one costs the kernel a walk.
    return sum(map(_proportional, members)) if total > limit else total


def _resident(process: int) -> int:
    fields = _read(process, "statm").split()
    return int(fields[1]) * _PAGE if fields else 0


def _proportional(process: int) -> int:
    for line in _read(process, "smaps_rollup").splitlines():
        if line.startswith(b"Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def _parents() -> Iterator[tuple[int, int]]:
    for process in _processes():
        # The name in parentheses can hold anything, also parentheses; what is wanted stands behind the last one.
        fields = _read(process, "stat").rpartition(b")")[2].split()
        if fields:
            yield process, int(fields[1])


def _processes() -> Iterator[int]:
    if _HAS_LIST:
        yield from (int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit())


def _read(process: int, file: str) -> bytes:
    try:
        return (_PROC / str(process) / file).read_bytes()
    except OSError:
        # It ended between the listing and the look.
        return b""
