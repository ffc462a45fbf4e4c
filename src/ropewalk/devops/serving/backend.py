"""A ready worker as the router sees it: connections to its socket, and the requests it is answering."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from ropewalk.devops.serving.process import WorkerProcess
from ropewalk.store.deployments import Deployment

DRAIN_S = 30.0
REQUEST_TIMEOUT_S = 60.0


class Backend:
    """A ready worker, with the connections to it and the count of requests it is answering.

    Attributes:
        deployment: what it serves.
        worker: its process.
        client: the connections to its socket.
        started: when it was ready (monotonic seconds).
    """

    def __init__(self, deployment: Deployment, worker: WorkerProcess, patience: float = DRAIN_S) -> None:
        self.deployment = deployment
        self.worker = worker
        self._patience = patience
        self.started = time.monotonic()
        # Any number of connections: the worker's own queue is the limit, not this pool.
        transport = httpx.AsyncHTTPTransport(
            uds=worker.spec.socket, limits=httpx.Limits(max_connections=None, keepalive_expiry=60)
        )
        self.client = httpx.AsyncClient(
            transport=transport, base_url="http://worker", timeout=REQUEST_TIMEOUT_S, trust_env=False
        )
        self._requests = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @contextmanager
    def in_use(self) -> Iterator[httpx.AsyncClient]:
        """Count one request for as long as it is being answered, and give the client to ask with."""
        self._requests += 1
        self._idle.clear()
        try:
            yield self.client
        finally:
            self._requests -= 1
            if not self._requests:
                self._idle.set()

    async def drain(self) -> None:
        """Wait for the requests under way, at most `patience` seconds, and end the worker."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), self._patience)
        await self.client.aclose()
        await asyncio.to_thread(self.worker.stop)
