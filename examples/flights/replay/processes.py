"""The processes that the demo starts: each ends with it, however it ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

START_S = 60.0
STOP_S = 20.0
TAIL = 40


class DemoFailed(Exception):
    """Some part of the demo did not work; the message says which, and what to do."""


class Process:
    """A process whose lines on stderr are read as they come; the last ones are kept.

    Attributes:
        command: what was started.
        popen: the process itself.
    """

    def __init__(self, command: Sequence[str | Path], folder: Path, said: Callable[[str], None]) -> None:
        self.command = " ".join(map(str, command))
        self.popen = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self._said = said
        self._tail: deque[str] = deque(maxlen=TAIL)
        self._reader = threading.Thread(target=self._read, args=(self.popen.stderr,), daemon=True)
        self._reader.start()

    @property
    def tail(self) -> str:
        """The last lines it wrote to stderr."""
        return "\n".join(self._tail)

    def output(self) -> str:
        """Return what it wrote to stdout, when it has ended."""
        assert self.popen.stdout
        text = self.popen.stdout.read()
        self.popen.wait()
        self._reader.join()
        return text

    def stop(self) -> None:
        """Ask it to end, and end it if it does not."""
        if self.popen.poll() is None:
            self.popen.terminate()
        try:
            self.popen.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
        self._reader.join()
        for stream in (self.popen.stdout, self.popen.stderr):
            if stream:
                stream.close()

    def _read(self, stream: IO[str]) -> None:
        for line in stream:
            self._tail.append(line.rstrip())
            self._said(line.rstrip())


@contextmanager
def started(
    command: Sequence[str | Path], folder: Path, said: Callable[[str], None] = lambda _: None
) -> Iterator[Process]:
    """Start a process in `folder` and stop it at the end; `said` hears its lines on stderr."""
    process = Process(command, folder, said)
    try:
        yield process
    finally:
        process.stop()


@contextmanager
def answering(script: Path, port: int, service: str) -> Iterator[None]:
    """Have the service of `script` answer on `port`, or use the one that does so already for the same folder.

    Raises:
        DemoFailed: something else answers there, or the service does not start.
    """
    ours = {"service": service, "folder": str(script.parent / "landing")}
    url = f"http://127.0.0.1:{port}/"
    found = _answer(url)
    if found.items() >= ours.items():
        yield
        return
    if found.get("service") == service:
        raise DemoFailed(f"the {service} at {url} is that of {found.get('folder')}; stop it")
    with started([sys.executable, script, str(port)], script.parent) as process:
        _wait(lambda: _answer(url).items() >= ours.items(), process, f"the {service} at {url}")
        yield


@contextmanager
def listening(script: Path, port: int, is_ours: Callable[[int], bool], what: str) -> Iterator[None]:
    """Have the database of `script` listen on `port`, or use the one that does so already.

    Raises:
        DemoFailed: it does not start.
    """
    if is_ours(port):
        yield
        return
    with started([sys.executable, script, str(port)], script.parent) as process:
        _wait(lambda: is_ours(port), process, f"{what} on port {port}")
        yield


@contextmanager
def serving(command: Sequence[str | Path], folder: Path) -> Iterator[str]:
    """Start `ropewalk up` and yield the address it says it answers at.

    Raises:
        DemoFailed: it ended instead.
    """
    addresses: list[str] = []

    def hear(line: str) -> None:
        if line.startswith("open http"):
            addresses.append(line.split()[1])

    with started(command, folder, hear) as process:
        _wait(lambda: bool(addresses), process, "ropewalk up")
        yield addresses[0]


def stop_on_sigterm() -> None:
    """Treat SIGTERM as Ctrl-C, so that it also ends what was started."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def _wait(is_there: Callable[[], bool], process: Process, what: str) -> None:
    end = time.monotonic() + START_S
    while not is_there():
        if process.popen.poll() is not None:
            raise DemoFailed(f"{what} did not start:\n{process.tail}")
        if time.monotonic() > end:
            raise DemoFailed(f"{what} did not answer within {START_S:.0f} s:\n{process.tail}")
        time.sleep(0.05)


def _answer(url: str) -> dict[str, object]:
    """Return the JSON object that `url` answers with; an empty one when it does not."""
    try:
        with urllib.request.urlopen(url, timeout=2) as reply:
            found = json.load(reply)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
