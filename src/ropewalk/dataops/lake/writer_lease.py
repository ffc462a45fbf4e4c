"""One writer per lake: a file lock between processes, a plain lock between the threads of one.

The file lock goes away with its process, however that ends, so there is nothing to clean up after a kill.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ropewalk.dataops.lake.errors import LakeBusy

LOCK_FILE = "writer.lock"
POLL_S = 0.05
# How soon a thread that waits for another one notices that all is to end.
TURN_S = 0.5


class WriterLease:
    """The right to write to the lake in `folder`; other processes are waited for up to `wait_s` seconds.

    The threads of this process wait for each other as long as it takes. Nobody waits on once `stopping` is set.
    """

    def __init__(self, folder: Path, wait_s: float, stopping: threading.Event | None = None) -> None:
        self.path = folder / LOCK_FILE
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
        # The threads queue here, so at most one of them ever polls the file.
        with self._turn():
            descriptor = self._lock_file()
            self._owner = threading.get_ident()
            try:
                # Who ends its block takes its name out; a name that is still there is that of a killed process.
                was_killed = bool(_read_holder(descriptor))
                _write_holder(descriptor, str(os.getpid()))
                yield was_killed
            finally:
                _write_holder(descriptor, "")
                self._owner = None
                # Closing gives the lock back; the file stays, as removing it would race with who waits for it.
                os.close(descriptor)

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

    def _lock_file(self) -> int:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + self.wait_s
        while not _try_lock(descriptor):
            try:
                self._require_going_on()
                self._require_time(descriptor, deadline)
            except LakeBusy:
                os.close(descriptor)
                raise
            time.sleep(POLL_S)
        return descriptor

    def _require_time(self, descriptor: int, deadline: float) -> None:
        if time.monotonic() > deadline:
            holder = _read_holder(descriptor) or "unknown"
            raise LakeBusy(
                f"process {holder} has been writing to the lake for more than {self.wait_s:g} s",
                hint="wait for it to end, or end it",
            )


def _read_holder(descriptor: int) -> str:
    return os.pread(descriptor, 32, 0).decode(errors="replace").strip()


def _write_holder(descriptor: int, holder: str) -> None:
    # The lock, not the text, says who may write: the text is for messages and for finding out about kills.
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, holder.encode(), 0)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
