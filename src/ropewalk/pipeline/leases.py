"""Single flight: what several processes want at once, one of them does, and the others wait and reuse.

A lease stands in the metadata database with the process that holds it. It is free again when it is given up, when
its process is gone (on this machine the kernel is asked), or when its beat has stood still for `SILENT_S` (on
another machine). The silence is measured by the waiter's own monotonic clock, so no clock that is set back or runs
apart can take a lease from a living holder.
"""

from __future__ import annotations

import os
import platform
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Self

from ropewalk.pipeline.errors import Stopped
from ropewalk.store import Database
from ropewalk.store.leases import LeaseRow, beat_leases, drop_lease, list_leases, read_lease, take_lease

BEAT_S = 2.0
SILENT_S = 30.0
SHORTEST_POLL_S = 0.02
LONGEST_POLL_S = 0.5


class Leases:
    """The leases that one open project holds; a context manager that stops beating at its end."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.owner = uuid.uuid4().hex
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    @contextmanager
    def hold(
        self, name: str, stopping: threading.Event, on_wait: Callable[[LeaseRow], None] | None = None
    ) -> Iterator[None]:
        """Wait until the lease is free, hold it, and give it up at the end.

        Args:
            name: what is to be done once.
            stopping: set when nobody wants to wait any longer.
            on_wait: told once, who has the lease, when there is somebody to wait for.

        Raises:
            Stopped: `stopping` was set while waiting.
        """
        self._wait(name, stopping, on_wait)
        self._start_beating()
        try:
            yield
        finally:
            drop_lease(self.database, name, self.owner)

    def close(self) -> None:
        """Stop beating; leases that are still held fall free when the process ends."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _wait(self, name: str, stopping: threading.Event, on_wait: Callable[[LeaseRow], None] | None) -> None:
        silence, pause = _Silence(), SHORTEST_POLL_S
        while holder := take_lease(self.database, name, self.owner, this_host(), this_process()):
            if is_dead(holder) or silence.lasts(holder):
                # By its token: of several that find the dead holder, one takes it away.
                drop_lease(self.database, name, holder.owner)
                continue
            if on_wait is not None:
                on_wait(holder)
                on_wait = None
            if stopping.wait(pause):
                raise Stopped(f"stopped while waiting for {describe_holder(holder)}")
            pause = min(pause * 1.5, LONGEST_POLL_S)

    def _start_beating(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._beat, name="leases", daemon=True)
                self._thread.start()

    def _beat(self) -> None:
        while not self._ended.wait(BEAT_S):
            beat_leases(self.database, self.owner)


class _Silence:
    """How long a holder's beat has stood still, as the one who waits has seen it."""

    def __init__(self) -> None:
        self._seen: tuple[str, int] | None = None
        self._since = 0.0

    def lasts(self, holder: LeaseRow) -> bool:
        """Return whether the holder, on another machine, has been silent for too long."""
        now, seen = time.monotonic(), (holder.owner, holder.beat)
        if seen != self._seen:
            self._seen, self._since = seen, now
        # A process of this machine is known to live; it may be stopped by a debugger for as long as it likes.
        return holder.host != this_host() and now - self._since > SILENT_S


def is_dead(holder: LeaseRow) -> bool:
    """Return whether the holder was a process of this machine and is gone; False when that cannot be known."""
    if holder.host != this_host():
        return False
    pid = int(holder.process.partition(" ")[0])
    return _started(pid) != holder.process.partition(" ")[2]


def living_leases(database: Database, prefix: str) -> list[LeaseRow]:
    """Return the leases whose names start with `prefix` and whose holders are not known to be dead."""
    return [row for row in list_leases(database, prefix) if not is_dead(row)]


def find_holder(database: Database, name: str) -> LeaseRow | None:
    """Return who holds the lease now, or None when nobody alive does."""
    row = read_lease(database, name)
    return None if row is None or is_dead(row) else row


def describe_holder(holder: LeaseRow) -> str:
    """Return `process 4711`, with the machine when it is another one."""
    pid = holder.process.partition(" ")[0]
    machine = holder.host.partition(" ")[0]
    return f"process {pid}" if holder.host == this_host() else f"process {pid} on {machine}"


@cache
def this_host() -> str:
    """Return the machine's name and its boot: after a restart the same numbers are other processes."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    return f"{platform.node()} {boot.read_text().strip() if boot.is_file() else ''}".strip()


def this_process() -> str:
    """Return this process's id and start."""
    return f"{os.getpid()} {_started(os.getpid())}"


def _started(pid: int) -> str:
    """Return when the process started, in the kernel's own count since boot; empty when it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return _signalled(pid)
    # The command's name stands in brackets and may hold anything; the start is the 20th field after it.
    fields = stat.rpartition(")")[2].split()
    # A zombie has ended: only its parent has not asked yet.
    return "" if fields[0] in {"Z", "X"} else fields[19]


def _signalled(pid: int) -> str:
    """Return the same for systems without /proc, where only being there can be asked."""
    if Path("/proc/self/stat").is_file():
        return ""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        return "alive"
    return "alive"
