"""A load generator: persistent connections that send one prepared request over and over."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Measured:
    """What one server did under one load."""

    requests_per_s: float
    cpu_us: float
    p50_ms: float
    p99_ms: float
    memory_mb: float


def request_bytes(body: bytes, path: str = "/invocations") -> bytes:
    """Return a whole HTTP request."""
    head = f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def _connect(address: str | tuple[str, int]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if isinstance(address, str):
        return await asyncio.open_unix_connection(address)
    return await asyncio.open_connection(*address)


async def _client(address: str | tuple[str, int], request: bytes, until: float, times: list[float]) -> None:
    reader, writer = await _connect(address)
    while time.perf_counter() < until:
        started = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head + await reader.read(500)
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        await reader.readexactly(length)
        times.append(time.perf_counter() - started)
    writer.close()


async def _run(
    address: str | tuple[str, int], request: bytes, connections: int, seconds: float
) -> list[float]:
    times: list[float] = []
    until = time.perf_counter() + seconds
    await asyncio.gather(*(_client(address, request, until, times) for _ in range(connections)))
    return times


def measure(
    address: str | tuple[str, int], pid: int, body: bytes, connections: int, seconds: float
) -> Measured:
    """Load a server for some seconds, after a short warming up."""
    request = request_bytes(body)
    asyncio.run(_run(address, request, connections, seconds / 4))
    before = cpu_seconds(pid)
    started = time.perf_counter()
    times = sorted(asyncio.run(_run(address, request, connections, seconds)))
    wall = time.perf_counter() - started
    cpu = cpu_seconds(pid) - before
    return Measured(
        len(times) / wall,
        cpu / len(times) * 1e6,
        times[len(times) // 2] * 1e3,
        times[int(len(times) * 0.99)] * 1e3,
        memory_mb(pid),
    )


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process and its descendants."""
    return sum(_own_cpu(one) for one in _tree(pid))


def memory_mb(pid: int) -> float:
    """Return the proportional memory of a process and its descendants."""
    return sum(_own_pss(one) for one in _tree(pid))


def _own_cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def _own_pss(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def _tree(pid: int) -> list[int]:
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").iterdir():
            found += [int(child) for child in (task / "children").read_text().split()]
    return found
