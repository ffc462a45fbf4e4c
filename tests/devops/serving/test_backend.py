"""Claims about a worker as the router sees it: it ends only when its last request is answered."""

from __future__ import annotations

import asyncio

import msgspec

from ropewalk.devops.serving.backend import Backend
from ropewalk.pipeline import Workspace

from .conftest import RunningWorker, SavedModel, StartWorker, move_to
from .test_worker import is_running


def behind(workspace: Workspace, model: SavedModel, worker: RunningWorker) -> Backend:
    return Backend(move_to(workspace, model, 3), worker.process)


def test_draining_waits_for_the_last_request(
    workspace: Workspace, late_model: SavedModel, start_worker: StartWorker
) -> None:
    """A request that is under way when the drain begins is answered, and then the process is gone."""
    worker = start_worker(late_model.folder)

    async def scenario() -> int:
        backend = behind(workspace, late_model, worker)
        with backend.in_use() as connections:
            drain = asyncio.create_task(backend.drain())
            await asyncio.sleep(0.1)
            assert not drain.done()
            reply = await connections.ask(msgspec.json.encode(late_model.split(1)), "")
        await drain
        return reply.status

    assert asyncio.run(scenario()) == 200
    assert not is_running(worker.process.process.pid)


def test_draining_an_idle_worker_does_not_wait(
    workspace: Workspace, late_model: SavedModel, start_worker: StartWorker
) -> None:
    """Without requests the worker ends at once."""
    worker = start_worker(late_model.folder)

    async def scenario() -> None:
        async with asyncio.timeout(5):
            await behind(workspace, late_model, worker).drain()

    asyncio.run(scenario())
    assert not worker.process.is_alive


def test_a_request_that_never_ends_does_not_hold_the_worker(
    workspace: Workspace, late_model: SavedModel, start_worker: StartWorker
) -> None:
    """Draining has a deadline; then the worker ends whatever it is doing."""
    worker = start_worker(late_model.folder)

    async def scenario() -> None:
        backend = Backend(move_to(workspace, late_model, 3), worker.process, patience=0.1)
        with backend.in_use():
            await backend.drain()

    asyncio.run(scenario())
    assert not worker.process.is_alive
