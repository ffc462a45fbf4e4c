"""One writer per lake: a lock between processes, a plain lock between the threads of one.

The lock goes away with its process, however that ends, so there is nothing to clean up after a kill.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from ropewalk.dataops.lake.errors import LakeBusy

POLL_S = 0.05
# How soon a thread that waits for another one notices that all is to end.
TURN_S = 0.5


class WriterLock(Protocol):
    """A lock that keeps other processes out, and is gone with its own."""

    def try_take(self) -> bool:
        """Return whether the lock was got."""

    def was_killed(self) -> bool:
        """Return, with the lock just got, whether its last holder was killed; note that it is ours now."""

    def holder(self) -> str:
        """Return who has the lock, for messages."""

    def require_held(self) -> None:
        """Raise `LakeBusy` when the lock was lost."""

    def release(self) -> None:
        """Give the lock back, or give up waiting for it."""


class WriterLease:
    """The right to write to a lake; other processes are waited for up to `wait_s` seconds.

    The threads of this process wait for each other as long as it takes. Nobody waits on once `stopping` is set.
    """

    def __init__(self, lock: WriterLock, wait_s: float, stopping: threading.Event | None = None) -> None:
        self.lock = lock
        self.wait_s = wait_s
        self._stopping = stopping or threading.Event()
        self._threads = threading.Lock()
        self._owner: int | None = None

    @contextmanager
    def hold(self) -> Iterator[bool]:
        """Hold the lease for the length of the block; yields whether the last holder was killed in its own.

        Raises:
            LakeBusy: another process kept it too long, or this thread holds it already.
        """
        if self._owner == threading.get_ident():
            raise LakeBusy("this thread is writing to the lake already", hint="end that transaction first")
        # The threads queue here, so at most one of them ever polls.
        with self._turn():
            try:
                self._take()
                self._owner = threading.get_ident()
                yield self.lock.was_killed()
            finally:
                self._owner = None
                self.lock.release()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        while not self._threads.acquire(timeout=TURN_S):
            self._require_going_on()
        try:
            yield
        finally:
            self._threads.release()

    def _require_going_on(self) -> None:
        if self._stopping.is_set():
            raise LakeBusy("the run was stopped while it waited to write to the lake", hint="run again")

    def _take(self) -> None:
        deadline = time.monotonic() + self.wait_s
        while not self.lock.try_take():
            self._require_going_on()
            if time.monotonic() > deadline:
                raise LakeBusy(
                    f"{self.lock.holder()} has been writing to the lake for more than {self.wait_s:g} s",
                    hint="wait for it to end, or end it",
                )
            time.sleep(POLL_S)


class FileLock:
    """A lock of the kernel on the file `path`, which holds the number of the process that has it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def try_take(self) -> bool:
        """Return whether the lock was got."""
        if self._descriptor is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def was_killed(self) -> bool:
        """Return whether the last holder was killed; note that the lock is ours now."""
        # Who ends its block takes its name out; a name that is still there is that of a killed process.
        is_left = bool(self._read())
        self._write(str(os.getpid()))
        return is_left

    def holder(self) -> str:
        """Return who has the lock, for messages."""
        return f"process {self._read() or 'unknown'}"

    def require_held(self) -> None:
        """Do nothing: the kernel takes no lock away."""

    def release(self) -> None:
        """Give the lock back, or give up waiting for it."""
        if self._descriptor is None:
            return
        # Only the holder's own name is taken out: who gave up waiting has none there.
        if self._read() == str(os.getpid()):
            self._write("")
        # Closing gives the lock back; the file stays, as removing it would race with who waits for it.
        os.close(self._descriptor)
        self._descriptor = None

    def _read(self) -> str:
        assert self._descriptor is not None
        return os.pread(self._descriptor, 32, 0).decode(errors="replace").strip()

    def _write(self, holder: str) -> None:
        assert self._descriptor is not None
        # The lock, not the text, says who may write: the text is for messages and for finding out about kills.
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, holder.encode(), 0)
