"""Running a step's process: under a warden that lets nothing outlive it, with a log, limits, and its cost counted."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ropewalk.processes import tree, warden
from ropewalk.processes.process_log import ProcessLog

LOOK_S = 0.1
REST_S = 0.01
# A warden that has not ended everything this long after its own grace time is ended itself.
PATIENCE_S = 10.0
# How many looks in a row find nothing before nothing is taken to be left.
SURE_LOOKS = 3
# How often whoever watches is told of a new line.
NEWS_S = 0.25
_PIPE = 1 << 20
# Every process of a step inherits it, so that what is left of a tree without its warden can be found.
MARK = "_ROPEWALK_STEP_PROCESS"


@dataclass(frozen=True)
class Ended:
    """How a process ended.

    Attributes:
        code: its exit code (negative: the signal).
        timed_out: it was ended because it ran too long.
        was_stopped: it was ended because the engine is to stop.
        over_memory: it was ended because it took more memory than allowed.
        cpu_s: CPU seconds of all its processes.
        max_rss: bytes of its largest process; with a limit on memory, of all its processes together.
        seconds: how long it ran.
    """

    code: int
    timed_out: bool = False
    was_stopped: bool = False
    over_memory: bool = False
    cpu_s: float = 0.0
    max_rss: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Command:
    """What to run: a module of ours with a function `main`, and what of its surroundings differs from the engine's.

    Attributes:
        module: the module's name.
        arguments: what its `main` is called with.
        environment: variables besides the engine's own.
        folder: the working folder.
        python: the interpreter.
    """

    module: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    folder: Path
    python: str = sys.executable


@dataclass(frozen=True)
class Watch:
    """What a process is held to while it runs, and who hears of it.

    Attributes:
        timeout_s: seconds after which it is ended.
        stopping: set when it is to be ended.
        memory: bytes that all its processes may hold together; 0: any amount.
        grace_s: seconds between asking its processes to end and ending them by force.
        tell: called with the last line it printed, a few times a second at most.
    """

    timeout_s: float
    stopping: threading.Event
    memory: int = 0
    grace_s: float = 5.0
    tell: Callable[[str], None] = lambda _line: None


def run_process(command: Command, log: ProcessLog, watch: Watch) -> Ended:
    """Run `command` to its end, or end it with all processes it started when `watch` says so.

    Raises:
        OSError: the process cannot be started.
    """
    mark = f"{MARK}={uuid.uuid4().hex}"
    ours, theirs = socket.socketpair()
    started = time.monotonic()
    with ours:
        with theirs:
            process = _start(command, theirs.fileno(), mark, watch)
        assert process.stdout
        with process.stdout as output:
            link = _Link(process, ours, output.fileno(), log, watch)
            try:
                link.follow(started + watch.timeout_s)
            finally:
                # Whatever happens on this side, also Ctrl-C: the closed socket is the warden's word to end the tree.
                ours.close()
                cpu_s = _wait(process)
            if link.report is None:
                _sweep(mark)
            while link.read_output():
                pass
    log.close()
    code, peak, over_memory = link.report or (process.returncode, 0, 0)
    seconds = time.monotonic() - started
    return Ended(code, link.timed_out, link.was_stopped, bool(over_memory), cpu_s, peak, seconds)


def _start(command: Command, control: int, mark: str, watch: Watch) -> subprocess.Popen[bytes]:
    name, _, value = mark.partition("=")
    process = subprocess.Popen(
        [
            command.python,
            # Neither the working folder nor the program's own may offer modules under the names of others.
            "-P",
            "-m",
            warden.__name__,
            *map(str, (control, os.getpid(), watch.memory, int(watch.grace_s * 1000))),
            command.module,
            *command.arguments,
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        bufsize=0,
        cwd=command.folder,
        # The step's own code may need anything of the caller's environment; settings are not read here.
        env={**os.environ, **command.environment, name: value},
        pass_fds=(control,),
        # Out of the terminal's group: Ctrl-C is for the engine, which ends its steps in order.
        start_new_session=True,
    )
    assert process.stdout
    os.set_blocking(process.stdout.fileno(), False)
    # Steps that print much are read in a few large pieces. The system may refuse, and then it takes more pieces.
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            fcntl.fcntl(process.stdout.fileno(), fcntl.F_SETPIPE_SZ, _PIPE)
    return process


@dataclass
class _Link:
    """The engine's side of a running process: the socket to its warden and what it prints."""

    process: subprocess.Popen[bytes]
    control: socket.socket
    output: int
    log: ProcessLog
    watch: Watch
    report: tuple[int, ...] | None = None
    timed_out: bool = False
    was_stopped: bool = False
    _any: select.poll = field(default_factory=select.poll)
    _end: select.poll = field(default_factory=select.poll)
    _rests: bool = False
    _heard: bytes = b""
    _has_news: bool = False
    _told_at: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self._any.register(self.output, select.POLLIN)
        self._any.register(self.control, select.POLLIN)
        self._end.register(self.control, select.POLLIN)

    def follow(self, deadline: float) -> None:
        """Return once the warden is gone; have it end the tree when the time is over or the engine stops."""
        given_up_at = float("inf")
        while self._attend():
            now = time.monotonic()
            self._tell(now)
            if not self._is_ending and self._must_end(now, deadline):
                self.control.shutdown(socket.SHUT_WR)
                given_up_at = now + self.watch.grace_s + PATIENCE_S
            if now > given_up_at:
                self.process.kill()

    def read_output(self) -> int:
        """Read one piece of what has been printed; return how much it was."""
        try:
            content = os.read(self.output, _PIPE)
        except BlockingIOError:
            # A process that escaped holds the other end; there is nothing to wait for.
            return 0
        if content:
            self.log.feed(content)
            self._has_news = True
        return len(content)

    def _attend(self) -> bool:
        """Wait a moment for output or for the warden's end; return whether the warden is still there."""
        ready = self._end.poll(1000 * REST_S) if self._rests else self._any.poll(1000 * LOOK_S)
        numbers = [number for number, _ in ready]
        if self.control.fileno() in numbers and not self._hear():
            return False
        if self._rests or self.output in numbers:
            # A step that prints line by line is read some times a second, and not once for each line.
            self._rests = 0 < self.read_output() < _PIPE // 2
        return True

    @property
    def _is_ending(self) -> bool:
        return self.timed_out or self.was_stopped

    def _must_end(self, now: float, deadline: float) -> bool:
        self.timed_out = now > deadline
        self.was_stopped = not self.timed_out and self.watch.stopping.is_set()
        return self._is_ending

    def _hear(self) -> bool:
        """Read the warden's report; return whether the warden is still there."""
        try:
            heard = self.control.recv(4096)
        except ConnectionError:
            heard = b""
        self._heard += heard
        if not heard and self._heard.endswith(b"\n"):
            self.report = tuple(map(int, self._heard.split()))
        return bool(heard)

    def _tell(self, now: float) -> None:
        if self._has_news and now - self._told_at > NEWS_S:
            self._told_at, self._has_news = now, False
            self.watch.tell(self.log.last_line())


def _wait(process: subprocess.Popen[bytes]) -> float:
    """Wait for the warden and return the CPU seconds that it and all it waited for took."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime


def _sweep(mark: str) -> None:
    """End what is left of a tree whose warden was killed: the step itself died with it, what it detached may not have."""
    deadline = time.monotonic() + PATIENCE_S
    # A process that is just becoming another program shows no environment for a moment: one empty look proves nothing.
    empty_looks = 0
    while empty_looks < SURE_LOOKS and time.monotonic() < deadline:
        left = tree.marked(mark)
        empty_looks = 0 if left else empty_looks + 1
        for process in left:
            tree.send(process, signal.SIGKILL)
        time.sleep(tree.SHORTEST_PAUSE_S)
