"""Worker processes as their parent sees them: started, awaited, stopped."""

from __future__ import annotations

import fcntl
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Self

import msgspec

from ropewalk.devops.serving.errors import ModelNotServable
from ropewalk.devops.serving.words import Word, WorkerSpec

START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 10.0
# The longest path a Unix socket may have is 107 bytes on Linux and 103 elsewhere.
_LONGEST_SOCKET = 100
_SOCKETS = "workers-"
_YOUNG_S = 10.0
_LOG_TAIL = 2000


class WorkerProcess:
    """One worker process; a context manager that ends it.

    Attributes:
        spec: what it was told.
        process: the process itself.
    """

    def __init__(self, spec: WorkerSpec, log: Path) -> None:
        self.spec = spec
        self._log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        # The pipe carries one message and, by ending, the death of the worker.
        self._pipe, told = os.pipe()
        # -P keeps the current folder out of the import path: a user's file named numpy.py must not be loaded.
        command = [
            sys.executable,
            "-P",
            "-m",
            "ropewalk.devops.serving.worker",
            msgspec.json.encode(spec).decode(),
        ]
        # A session of its own keeps a Ctrl-C in the terminal from reaching it before its parent has drained it.
        with log.open("ab") as stream:
            self.process = subprocess.Popen(
                [*command, str(told)],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                pass_fds=[told],
                start_new_session=True,
            )
        # Only the worker holds the writing end now, so its death is seen as the end of the pipe.
        os.close(told)

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self.process.poll() is None

    def wait_ready(self, timeout: float = START_TIMEOUT_S) -> str:
        """Wait until the worker has loaded its model and listens; return its engine's name.

        Raises:
            ModelNotServable: it could not, ended without a word, or took too long; it is ended then.
        """
        try:
            return self._hear(timeout)
        except ModelNotServable:
            self.kill()
            raise

    def stop(self, timeout: float = STOP_TIMEOUT_S) -> None:
        """Let the worker finish what it has begun, and end it."""
        # Asked before it is killed: a request under way is answered first.
        self.process.terminate()
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
        self._clean()

    def kill(self) -> None:
        """End the worker at once; nothing that it acknowledged is lost."""
        self.process.kill()
        self.process.wait()
        self._clean()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _hear(self, timeout: float) -> str:
        """Return the engine that the worker names; the pipe also ends when the worker does."""
        deadline = time.monotonic() + timeout
        heard = b""
        while select.select([self._pipe], [], [], max(0.0, deadline - time.monotonic()))[0]:
            block = os.read(self._pipe, 1 << 16)
            if not block:
                break
            heard += block
        else:
            raise self._failed(f"did not answer within {timeout:g} s")
        if not heard:
            raise self._failed(f"ended with exit code {self.process.wait()}")
        word = msgspec.json.decode(heard, type=Word)
        if word.engine is None:
            raise ModelNotServable(word.message or "", detail=word.detail, hint=word.hint)
        return word.engine

    def _failed(self, what: str) -> ModelNotServable:
        tail = self._log.read_bytes()[-_LOG_TAIL:].decode(errors="replace")
        return ModelNotServable(
            f"the worker process {what}", detail=tail.strip() or None, hint=f"its log is {self._log}"
        )

    def _clean(self) -> None:
        if self._pipe >= 0:
            os.close(self._pipe)
            self._pipe = -1
        if self.spec.socket:
            Path(self.spec.socket).unlink(missing_ok=True)


class SocketFolder:
    """A private folder for the sockets of workers, gone at the end; a context manager that gives its path.

    The folder lies below `state`, or among the temporary files when that path is too long for a socket. What a
    killed owner left behind is removed by the next one: the lock on a folder ends with its owner.
    """

    def __init__(self, state: Path) -> None:
        below = state / "serving"
        is_short = len(os.fsencode(below)) + len(f"/{_SOCKETS}12345678/12345678.sock") <= _LONGEST_SOCKET
        self._parent = below if is_short else Path(tempfile.gettempdir())

    def __enter__(self) -> Path:
        self._parent.mkdir(parents=True, exist_ok=True)
        for stale in self._parent.glob(f"{_SOCKETS}*"):
            _remove_if_abandoned(stale)
        self._folder = Path(tempfile.mkdtemp(prefix=_SOCKETS, dir=self._parent))
        self._lock = os.open(self._folder, os.O_RDONLY)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        return self._folder

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        os.close(self._lock)


def _remove_if_abandoned(folder: Path) -> None:
    try:
        lock = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # A folder is locked right after it is made; between the two it is young.
        if time.time() - folder.stat().st_mtime > _YOUNG_S:
            shutil.rmtree(folder, ignore_errors=True)
    except OSError:
        return
    finally:
        os.close(lock)
