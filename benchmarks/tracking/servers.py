"""The two servers under test, each on an address of its own, started and ended with a block."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Literal

from benchmarks.serving.load import cpu_seconds, memory_mb

Engine = Literal["sqlite", "postgresql"]
START_S = 300


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes:
        name: what the table calls it.
        port: where it listens on 127.0.0.1.
        pid: the process above all of its processes.
        start_cpu: CPU seconds until it answered for the first time.
    """

    name: str
    port: int
    pid: int
    start_cpu: float

    def cpu(self) -> float:
        """Return the CPU seconds of all its processes so far."""
        return cpu_seconds(self.pid)

    def memory(self) -> float:
        """Return the memory of all its processes in MB, what they share counted once."""
        return memory_mb(self.pid)


@dataclass(frozen=True)
class Place:
    """Where a server keeps its data: a folder of its own, and the URL of its database, None for a file there."""

    folder: Path
    url: str | None = None


@contextmanager
def stock(python: Path, place: Place) -> Iterator[Server]:
    """Run `mlflow server` with one worker, all else as it is shipped."""
    port = free_port()
    # By the name of the driver that is installed: what SQLAlchemy takes without one has changed.
    url = place.url and place.url.replace("postgresql://", "postgresql+psycopg2://")
    database = url or f"sqlite:///{place.folder}/mlflow.db"
    command = [str(python), "-m", "mlflow", "server", "--workers", "1", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--backend-store-uri", database]
    command += ["--artifacts-destination", str(place.folder / "artifacts")]
    with _running("stock", command, place.folder, port, {}) as server:
        yield server


@contextmanager
def ours(place: Place) -> Iterator[Server]:
    """Run `ropewalk up` in an empty project."""
    port = free_port()
    place.folder.mkdir(parents=True, exist_ok=True)
    (place.folder / "ropewalk.yaml").write_text("project: bench\n", encoding="utf-8")
    more = {"ROPEWALK_DATABASE_URL": place.url} if place.url else {}
    command = [sys.executable, "-m", "ropewalk", "up", "--no-schedule", "--port", str(port)]
    with _running("ropewalk", command, place.folder, port, more) as server:
        yield server


@contextmanager
def _running(
    name: str, command: Sequence[str], folder: Path, port: int, more: dict[str, str]
) -> Iterator[Server]:
    folder.mkdir(parents=True, exist_ok=True)
    root = Path(__file__).parents[2]
    # A server that compiles its own modules anew at each start would be measured for that.
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    environment = {**kept, "MLFLOW_DISABLE_TELEMETRY": "true", "PYTHONPATH": str(root / "src"), **more}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        _await_answer(process, port, folder / "log")
        yield Server(name, port, process.pid, cpu_seconds(process.pid))
    finally:
        # Its own group only: it was started as the leader of one.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, 15)
        process.wait(30)


def _await_answer(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with suppress(OSError):
            connection = HTTPConnection("127.0.0.1", port, timeout=30)
            connection.request("GET", "/health")
            if connection.getresponse().status == 200:
                return
        time.sleep(0.02)
    raise SystemExit(f"the server did not start:\n{log.read_text(errors='replace')[-3000:]}")


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
