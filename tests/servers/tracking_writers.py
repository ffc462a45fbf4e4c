"""A crowd of writers that log to a server over HTTP, each point once or again, and keep what was acknowledged."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import httpx

Connection: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]
API = "/api/2.0/mlflow"
SERVER = """
import sys
from pathlib import Path
from ropewalk.mlops.tracking import endpoint
from ropewalk.pipeline import Workspace
from ropewalk.project import load_project
from ropewalk.settings import load_settings

settings = load_settings({"ROPEWALK_DATABASE_URL": sys.argv[2]} if sys.argv[2] else {})
with Workspace(load_project(Path(sys.argv[1]), []), settings) as workspace:
    with endpoint(workspace) as url:
        print(url, flush=True)
        sys.stdin.read()
"""


@contextmanager
def serving(root: Path, database: str = "") -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Serve the project in a process of its own, and yield its address and the process."""
    command = [sys.executable, "-c", SERVER, str(root), database]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield process.stdout.readline().strip(), process
        # Its standard input ends with the block: so it ends by itself, also when this process is killed.
        process.kill()


@dataclass
class Writer:
    """One of the crowd: the run that it logs to, and what the server has acknowledged.

    Attributes:
        run: the run's id; two writers may share one.
        key: the metric's name, which no other writer uses.
        step: the next step.
        waits: seconds that each answer took.
    """

    run: str
    key: str
    step: int = 0
    waits: list[float] = field(default_factory=list)
    _last: bytes = b""

    def next_request(self) -> bytes:
        """Return the next request: mostly a batch, at times a single point, and at times the last one again."""
        if self._last and self.step % 7 == 3:
            again, self._last = self._last, b""
            return again
        size = 1 if self.step % 5 == 0 else 20
        points = [
            {"key": self.key, "value": step / 3, "timestamp": 1_000 + step, "step": step}
            for step in range(self.step, self.step + size)
        ]
        self.step += size
        if size == 1:
            self._last = request_bytes("runs/log-metric", {"run_id": self.run, **points[0]})
        else:
            self._last = request_bytes("runs/log-batch", {"run_id": self.run, "metrics": points})
        return self._last


def request_bytes(path: str, body: Mapping[str, Any]) -> bytes:
    """Return a whole HTTP request."""
    content = json.dumps(body).encode()
    head = f"POST {API}/{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content


def begin_runs(url: str, writers: int) -> list[Writer]:
    """Make a run for each two writers and return the writers."""
    with httpx.Client(base_url=url) as client:
        runs = [
            client.post(f"{API}/runs/create", json={}).raise_for_status().json()["run"]["info"]["run_id"]
            for _ in range((writers + 1) // 2)
        ]
    return [Writer(runs[number // 2], f"loss-{number}") for number in range(writers)]


def write_all(writers: list[Writer], address: Callable[[], str], until: Callable[[], bool]) -> None:
    """Let all write at once until it is so; a request whose answer does not come is sent again, as clients do."""
    asyncio.run(_write_all(writers, address, until))


async def _write_all(writers: list[Writer], address: Callable[[], str], until: Callable[[], bool]) -> None:
    await asyncio.gather(*(_write(writer, address, until) for writer in writers))


async def _write(writer: Writer, address: Callable[[], str], until: Callable[[], bool]) -> None:
    connection: Connection | None = None
    while not until():
        request, began, is_answered = writer.next_request(), time.perf_counter(), False
        while not is_answered:
            try:
                connection = connection or await _connect(address())
                await _send(request, *connection)
                is_answered = True
            except (OSError, asyncio.IncompleteReadError):
                await _close(connection)
                connection = None
                await asyncio.sleep(0.05)
        writer.waits.append(time.perf_counter() - began)
    await _close(connection)


async def _connect(url: str) -> Connection:
    parts = urlsplit(url)
    return await asyncio.open_connection(parts.hostname, parts.port)


async def _close(connection: Connection | None) -> None:
    if connection is not None:
        connection[1].close()
        # A server that was killed may have reset it already.
        with suppress(OSError):
            await connection[1].wait_closed()


async def _send(request: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
    body = await reader.readexactly(length)
    # Whatever is not a 200 is an error that the user of the client would see.
    assert head.startswith(b"HTTP/1.1 200"), (head, body)


def lost_or_doubled(url: str, writers: list[Writer]) -> list[str]:
    """Return the keys of writers of which the server has not exactly the points that were acknowledged."""
    with httpx.Client(base_url=url, timeout=120) as client:
        return [writer.key for writer in writers if _steps(client, writer) != list(range(writer.step))]


def _steps(client: httpx.Client, writer: Writer) -> list[int]:
    found: list[int] = []
    query: dict[str, Any] = {"run_id": writer.run, "metric_key": writer.key, "max_results": 10_000}
    while True:
        answer = client.get(f"{API}/metrics/get-history", params=query).raise_for_status().json()
        found += [point["step"] for point in answer.get("metrics", [])]
        if "next_page_token" not in answer:
            return found
        query["page_token"] = answer["next_page_token"]


def percentile(writers: list[Writer], share: float) -> float:
    """Return how many milliseconds that share of all requests took at most."""
    waits = sorted(wait for writer in writers for wait in writer.waits)
    return waits[min(int(len(waits) * share), len(waits) - 1)] * 1e3
