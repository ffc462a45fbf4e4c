"""Keeping one worker per deployment at the version the metadata names, for as long as `ropewalk up` runs.

What is served is what the workspace's environment has; other environments have their own `ropewalk up`.
Only what the project declares is served: a deployment taken out of `ropewalk.yaml` loses its worker, and keeps its
history. A moved deployment gets its new worker first; requests go over to it by one assignment, and the old worker ends
when its last request is answered. A version that does not start leaves the old one serving.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass
from typing import Self

from ropewalk.devops.serving.backend import Backend
from ropewalk.devops.serving.deployments import (
    list_deployments,
    missing_deployment,
    worker_log,
    worker_spec,
)
from ropewalk.devops.serving.errors import WorkerMissing
from ropewalk.devops.serving.places import full_name
from ropewalk.devops.serving.process import SocketFolder, WorkerProcess
from ropewalk.errors import RopewalkError
from ropewalk.logs import get_logger
from ropewalk.pipeline import Workspace
from ropewalk.store.deployments import Deployment, current_deployments

POLL_S = 0.5
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
# A worker that lived this long was healthy: its next failure is the first again.
HEALTHY_S = 60.0


class _Running:
    """Where a workspace keeps its supervisor while one runs."""

    supervisor: Supervisor | None = None


def running_supervisor(workspace: Workspace) -> Supervisor | None:
    """Return the supervisor that runs for `workspace` in this process, if one does."""
    return _running(workspace).supervisor


def _running(workspace: Workspace) -> _Running:
    return workspace.once("serving.supervisor", lambda: contextlib.nullcontext(_Running()))


@dataclass
class Slot:
    """The place of one deployment: who serves it, and how its last starts went.

    Attributes:
        backend: the worker that answers; None before the first is ready.
        failures: how many starts or lives in a row were short.
        not_before: when the next start may be tried (monotonic seconds).
        error: why the last start failed.
        task: the step under way.
        starting: the process that is not ready yet.
    """

    backend: Backend | None = None
    failures: int = 0
    not_before: float = 0.0
    error: Exception | None = None
    task: asyncio.Task[None] | None = None
    starting: WorkerProcess | None = None

    def fail(self, error: Exception | None) -> float:
        """Note a failure; return the pause before the next start."""
        # The first failure is mended at once; only repeated ones are worth a pause.
        pause = min(FIRST_PAUSE_S * 2.0 ** (self.failures - 1), LONGEST_PAUSE_S) if self.failures else 0.0
        self.failures += 1
        self.error = error
        self.not_before = time.monotonic() + pause
        return pause

    def succeed(self, backend: Backend) -> Backend | None:
        """Let `backend` answer from now on; return the one that did before."""
        before, self.backend = self.backend, backend
        self.error = None
        return before


class Supervisor:
    """The workers of all deployments of one project; an async context manager.

    Entering it starts a worker for each deployment and waits until each is ready or has failed. From then on it
    follows the metadata by itself; `reconcile` does so at once. All workers end with it, and with its process.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._slots: dict[str, Slot] = {}
        self._drains: set[asyncio.Task[None]] = set()
        self._sockets = SocketFolder(workspace.state)
        self._counter = 0

    async def __aenter__(self) -> Self:
        self._folder = self._sockets.__enter__()
        await self.reconcile()
        self._tell_of_undeclared()
        self._poller = asyncio.create_task(self._poll())
        _running(self._workspace).supervisor = self
        return self

    async def __aexit__(self, *_: object) -> None:
        _running(self._workspace).supervisor = None
        self._poller.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._poller
        for slot in self._slots.values():
            # Nobody waits for this start any more; its step ends with the process.
            if slot.starting:
                slot.starting.process.kill()
        await self._settle()
        for slot in self._slots.values():
            self._drain(slot.backend)
        await asyncio.gather(*self._drains)
        self._sockets.__exit__()

    async def reconcile(self) -> None:
        """Bring every deployment's worker to what the metadata names, and wait until that is done or has failed."""
        self._begin_steps()
        await self._settle()

    def backend(self, name: str) -> Backend:
        """Return who answers for a deployment.

        Raises:
            DeploymentMissing: there is no such deployment.
            WorkerMissing: no worker is ready at the moment.
        """
        slot = self._slots.get(name)
        if slot is None:
            raise missing_deployment(self._workspace, name)
        if slot.backend is None or not slot.backend.worker.is_alive:
            raise WorkerMissing(
                f"no worker is ready for deployment {name!r}",
                hint="try again in a moment: it is being started",
                detail=str(slot.error) if slot.error else None,
            )
        return slot.backend

    @property
    def names(self) -> list[str]:
        """The deployments, by name."""
        return sorted(self._slots)

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(POLL_S)
            try:
                self._begin_steps()
            except RopewalkError as error:
                get_logger().warning("deployments_unreadable", error=error.message)

    def _begin_steps(self) -> None:
        declared = list_deployments(self._workspace)
        self._end_others({deployment.name for deployment in declared})
        for deployment in declared:
            slot = self._slots.setdefault(deployment.name, Slot())
            # A step that is under way sees the next move at the next poll.
            if slot.task is None or slot.task.done():
                slot.task = asyncio.create_task(self._step(deployment, slot))

    def _end_others(self, declared: set[str]) -> None:
        """End the workers of deployments that were taken out of the project, once they have answered."""
        for name in self._slots.keys() - declared:
            slot = self._slots[name]
            # A worker that is starting comes to its slot first; the next poll ends it.
            if slot.task is None or slot.task.done():
                del self._slots[name]
                self._drain(slot.backend)
                _tell_unserved(name)

    def _tell_of_undeclared(self) -> None:
        """Say at the start which deployments of the metadata are not served."""
        environment = self._workspace.settings.environment
        for deployment in current_deployments(self._workspace.database, environment):
            if deployment.name not in self._slots:
                _tell_unserved(deployment.name)

    async def _settle(self) -> None:
        # Steps report their failures themselves; what comes out here is a fault of ours.
        tasks = [slot.task for slot in self._slots.values() if slot.task]
        await asyncio.gather(*tasks)

    async def _step(self, deployment: Deployment, slot: Slot) -> None:
        """Do what one deployment needs: nothing, a restart, or a swap."""
        self._bury(slot)
        is_current = slot.backend is not None and slot.backend.deployment.target == deployment.target
        if is_current or time.monotonic() < slot.not_before:
            return
        try:
            backend = await self._start(deployment, slot)
        except (RopewalkError, OSError) as error:
            # A broken start must not end the watch over the other deployments.
            pause = slot.fail(error)
            get_logger().error(
                "worker_failed", deployment=deployment.name, error=str(error), retry_in_s=pause
            )
            return
        self._drain(slot.succeed(backend))
        get_logger().info("worker_ready", deployment=deployment.name, version=deployment.target.version)

    def _drain(self, backend: Backend | None) -> None:
        if backend:
            drain = asyncio.create_task(backend.drain())
            self._drains.add(drain)
            drain.add_done_callback(self._drains.discard)

    def _bury(self, slot: Slot) -> None:
        """Notice a worker that ended by itself."""
        dead = slot.backend
        if dead is None or dead.worker.is_alive:
            return
        slot.backend = None
        self._drain(dead)
        if time.monotonic() - dead.started > HEALTHY_S:
            slot.failures = 0
        pause = slot.fail(None)
        code = dead.worker.process.returncode
        get_logger().error("worker_ended", deployment=dead.deployment.name, exit_code=code, retry_in_s=pause)

    async def _start(self, deployment: Deployment, slot: Slot) -> Backend:
        workspace = self._workspace
        self._counter += 1
        socket = str(self._folder / f"{self._counter}.sock")
        spec = await asyncio.to_thread(worker_spec, workspace, deployment, socket)
        # Started in this thread: the kernel ends a worker with the thread that started it.
        slot.starting = WorkerProcess(spec, worker_log(workspace, full_name(workspace, deployment.name)))
        try:
            await asyncio.to_thread(slot.starting.wait_ready)
            return Backend(deployment, slot.starting)
        finally:
            slot.starting = None


def _tell_unserved(name: str) -> None:
    get_logger().warning("deployment_not_declared", deployment=name, served=False, history="kept")
