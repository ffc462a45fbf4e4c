"""One client that asks one request after the other, and what that cost the server."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode

from benchmarks.tracking.servers import Server

Request = tuple[str, str, bytes]
API = "/api/2.0/mlflow"


@dataclass(frozen=True)
class Cost:
    """What one kind of request cost: CPU of the server and median wall time, in milliseconds per request."""

    cpu_ms: float
    wall_ms: float


class Client:
    """A persistent connection to a server."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._connection = HTTPConnection("127.0.0.1", server.port, timeout=600)

    def call(self, method: str, path: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Send one request of the protocol and return its answer."""
        return dict(json.loads(self.send(prepare(method, path, values))))

    def send(self, request: Request) -> bytes:
        """Send one prepared request and return the answer's bytes."""
        method, path, body = request
        self._connection.request(method, path, body or None, {"Content-Type": "application/json"})
        response = self._connection.getresponse()
        content = response.read()
        assert response.status == 200, (self.server.name, path, response.status, content[:500])
        return content

    def cost(self, make: Callable[[int], Request], times: int, warm: int = 0) -> Cost:
        """Send so many requests, after some that are not counted, and return what one cost."""
        # Made before anything is counted, so that making them takes no time from the server.
        requests = [make(number) for number in range(warm + times)]
        # A server closes what lay idle, as this did while the other one was asked.
        self._connection.close()
        for request in requests[:warm]:
            self.send(request)
        before, walls = self.server.cpu(), []
        for request in requests[warm:]:
            started = time.perf_counter()
            self.send(request)
            walls.append(time.perf_counter() - started)
        # What it still does about them after its answers counts as well.
        time.sleep(0.3)
        return Cost((self.server.cpu() - before) / times * 1e3, statistics.median(walls) * 1e3)


def prepare(method: str, path: str, values: Mapping[str, Any]) -> Request:
    """Return a request of the protocol, ready to be sent."""
    if method == "GET":
        return method, f"{API}/{path}?{urlencode(values, doseq=True)}", b""
    return method, f"{API}/{path}", json.dumps(values).encode()
