"""A ready worker as the router sees it: connections to its socket, and the requests it is answering."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ropewalk.devops.serving.connections import Connections
from ropewalk.devops.serving.process import WorkerProcess
from ropewalk.store.deployments import Deployment

DRAIN_S = 30.0


class Backend:
    """A ready worker, with the connections to it and the count of requests it is answering.

    Attributes:
        deployment: what it serves.
        worker: its process.
        connections: the connections to its socket.
        started: when it was ready (monotonic seconds).
    """

    def __init__(self, deployment: Deployment, worker: WorkerProcess, patience: float = DRAIN_S) -> None:
        self.deployment = deployment
        self.worker = worker
        self._patience = patience
        self.started = time.monotonic()
        # Any number of them: the worker's own queue is the limit.
        self.connections = Connections(worker.spec.socket or "")
        self._requests = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @contextmanager
    def in_use(self) -> Iterator[Connections]:
        """Count one request for as long as it is being answered, and give the connections to ask by."""
        self._requests += 1
        self._idle.clear()
        try:
            yield self.connections
        finally:
            self._requests -= 1
            if not self._requests:
                self._idle.set()

    async def drain(self) -> None:
        """Wait for the requests under way, at most `patience` seconds, and end the worker."""
        # One request that hangs must not keep an old version's process for ever.
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), self._patience)
        await self.connections.close()
        await asyncio.to_thread(self.worker.stop)
