"""One `ropewalk run` per project at a time, held by the operating system, so a killed run never blocks the next."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ropewalk.pipeline.errors import RunInProgress


@contextmanager
def run_lock(state: Path) -> Iterator[None]:
    """Hold the project's run lock.

    Raises:
        RunInProgress: another process holds it.
    """
    path = state / "run.lock"
    # Opened without truncation: the text in it may be another process's id, needed for the message below.
    with path.open("a+") as stream:
        try:
            # The kernel drops the lock with its holder, also on kill -9; a file with a process id in it would stay.
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stream.seek(0)
            holder = stream.read().strip() or "unknown"
            raise RunInProgress(
                f"another run is at work in this project (process {holder})",
                hint="wait for it to end; a killed run releases the lock by itself",
            ) from None
        stream.truncate(0)
        stream.write(str(os.getpid()))
        stream.flush()
        yield
