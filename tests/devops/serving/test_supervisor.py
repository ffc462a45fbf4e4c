"""Claims about the supervisor: the right version answers, dead workers come back, swaps lose no request."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import msgspec
import pytest

from ropewalk.devops.serving import Supervisor, running_supervisor
from ropewalk.devops.serving.errors import DeploymentMissing, WorkerMissing
from ropewalk.devops.serving.segments import read_segments
from ropewalk.pipeline import Workspace
from ropewalk.store.deployments import deployment_history

from .conftest import SavedModel, declare, move_to
from .test_worker import is_running


async def ask(supervisor: Supervisor, payload: object) -> httpx.Response:
    with supervisor.backend("late").in_use() as connections:
        reply = await connections.ask(msgspec.json.encode(payload), "application/json")
    return httpx.Response(reply.status, content=reply.body)


async def wait_until(claim: Callable[[], bool], timeout: float = 10) -> None:  # noqa: ASYNC109  # a deadline of the test
    async with asyncio.timeout(timeout):
        while not claim():  # noqa: ASYNC110  # processes and the metadata have no event to wait for
            await asyncio.sleep(0.02)


def test_each_deployment_has_a_worker(workspace: Workspace, late_model: SavedModel) -> None:
    """On entering, the version that the metadata names answers; on leaving, its process is gone."""
    move_to(workspace, late_model, 3)

    async def scenario() -> tuple[httpx.Response, int]:
        async with Supervisor(workspace) as supervisor:
            assert running_supervisor(workspace) is supervisor
            return await ask(supervisor, late_model.split(5)), supervisor.backend("late").worker.process.pid

    reply, pid = asyncio.run(scenario())

    assert reply.json()["predictions"] == late_model.booster.predict(late_model.table.head(5)).tolist()
    assert not is_running(pid)
    assert running_supervisor(workspace) is None


def test_a_moved_deployment_swaps_by_itself(
    workspace: Workspace, late_model: SavedModel, later_model: SavedModel
) -> None:
    """Without being told, the supervisor follows the metadata to the new version."""
    move_to(workspace, late_model, 1)

    async def scenario() -> httpx.Response:
        async with Supervisor(workspace) as supervisor:
            move_to(workspace, later_model, 2)
            await wait_until(lambda: supervisor.backend("late").deployment.target.version == 2)
            return await ask(supervisor, later_model.split(5))

    reply = asyncio.run(scenario())

    assert reply.json()["model_version"] == 2
    assert reply.json()["predictions"] == later_model.booster.predict(later_model.table.head(5)).tolist()


def test_no_request_fails_during_swaps(
    workspace: Workspace, late_model: SavedModel, later_model: SavedModel
) -> None:
    """Eight clients ask without a pause while the version moves twice: every request is answered and recorded."""
    move_to(workspace, late_model, 1)
    seen: list[tuple[int, int]] = []

    async def keep_asking(supervisor: Supervisor, stop: asyncio.Event) -> None:
        while not stop.is_set():
            reply = await ask(supervisor, late_model.split(3))
            seen.append((reply.status_code, reply.json()["model_version"]))

    async def scenario() -> None:
        async with Supervisor(workspace) as supervisor, asyncio.TaskGroup() as group:
            stop = asyncio.Event()
            for _ in range(8):
                group.create_task(keep_asking(supervisor, stop))
            for version, model in ((2, later_model), (3, late_model)):
                move_to(workspace, model, version)
                await supervisor.reconcile()
                # On a busy machine the first answer of the new version takes its time.
                await wait_until(lambda wanted=version: any(found == wanted for _, found in seen))
            stop.set()

    asyncio.run(scenario())

    assert {status for status, _ in seen} == {200}
    assert {version for _, version in seen} == {1, 2, 3}
    recorded = list(read_segments(workspace.state / "predictions" / "late", {}))
    assert len(recorded) == len(seen)
    assert {entry.header.version for entry in recorded} == {1, 2, 3}


def test_a_killed_worker_comes_back(workspace: Workspace, late_model: SavedModel) -> None:
    """After kill -9 of the worker a new one answers, and meanwhile clients are told to try again."""
    move_to(workspace, late_model, 3)

    async def scenario() -> tuple[int, int]:
        async with Supervisor(workspace) as supervisor:
            process = supervisor.backend("late").worker.process
            first = process.pid
            os.kill(first, signal.SIGKILL)
            process.wait()
            with pytest.raises(WorkerMissing, match="no worker is ready"):
                supervisor.backend("late")
            while True:
                await asyncio.sleep(0.1)
                with contextlib.suppress(WorkerMissing):
                    assert (await ask(supervisor, late_model.split(1))).status_code == 200
                    return first, supervisor.backend("late").worker.process.pid

    first, second = asyncio.run(scenario())

    assert first != second


def test_a_version_that_does_not_start_leaves_the_old_one_serving(
    workspace: Workspace, late_model: SavedModel, later_model: SavedModel
) -> None:
    """A broken model behind the deployment's back is no outage."""
    move_to(workspace, late_model, 1)

    async def scenario() -> tuple[httpx.Response, int]:
        async with Supervisor(workspace) as supervisor:
            move_to(workspace, later_model, 2)
            (workspace.state / "serving" / "late" / "2" / "model.lgb").write_text("broken")
            await supervisor.reconcile()
            return await ask(supervisor, late_model.split(1)), supervisor._slots["late"].failures

    reply, failures = asyncio.run(scenario())

    assert reply.json()["model_version"] == 1
    assert failures == 1


def test_pauses_between_starts_grow(workspace: Workspace, late_model: SavedModel) -> None:
    """A deployment that never starts is tried at growing distances, and its error is in the hint's detail."""
    move_to(workspace, late_model, 1)
    (workspace.state / "serving" / "late" / "1" / "model.lgb").write_text("broken")

    async def scenario() -> None:
        async with Supervisor(workspace) as supervisor:
            slot = supervisor._slots["late"]
            for _ in range(3):
                await supervisor.reconcile()
            assert slot.failures == 2
            with pytest.raises(WorkerMissing) as caught:
                supervisor.backend("late")
            assert "not a LightGBM model file" in (caught.value.detail or "")
            assert [slot.fail(None) for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]

    asyncio.run(scenario())


def test_a_deployment_taken_out_of_the_project_loses_its_worker(
    workspace: Workspace, late_model: SavedModel
) -> None:
    """Its worker ends while `up` runs; put back, the name is served again at the version of its history."""
    move_to(workspace, late_model, 3)

    async def scenario() -> int:
        async with Supervisor(workspace) as supervisor:
            pid = supervisor.backend("late").worker.process.pid
            declare(workspace)
            await wait_until(lambda: not supervisor.names and not is_running(pid))
            with pytest.raises(DeploymentMissing, match="not declared any more"):
                supervisor.backend("late")
            declare(workspace, "late")
            await supervisor.reconcile()
            return supervisor.backend("late").deployment.target.version

    assert asyncio.run(scenario()) == 3
    assert [found.revision for found in deployment_history(workspace.database, "dev", "late")] == [1]


def test_a_project_file_that_breaks_ends_nothing(workspace: Workspace, late_model: SavedModel) -> None:
    """While the file cannot be read, what it declared before is served on."""
    move_to(workspace, late_model, 3)

    async def scenario() -> httpx.Response:
        async with Supervisor(workspace) as supervisor:
            for text in ("deploy: {late: [", "project: test\ndeploiment: {}\n"):
                (workspace.root / "ropewalk.yaml").write_text(text)
                await supervisor.reconcile()
            (workspace.root / "ropewalk.yaml").unlink()
            await supervisor.reconcile()
            return await ask(supervisor, late_model.split(1))

    assert asyncio.run(scenario()).status_code == 200


def test_an_unknown_deployment_is_told_with_the_nearest(workspace: Workspace, late_model: SavedModel) -> None:
    """A misspelt name is answered with the right one."""
    move_to(workspace, late_model, 1)

    async def scenario() -> None:
        async with Supervisor(workspace) as supervisor:
            with pytest.raises(DeploymentMissing) as caught:
                supervisor.backend("lat")
            assert caught.value.nearest == "late"

    asyncio.run(scenario())


def test_leaving_while_a_worker_starts_does_not_wait_for_it(
    workspace: Workspace, late_model: SavedModel
) -> None:
    """Ctrl-C during a start ends at once and leaves no process."""

    async def scenario() -> int:
        async with Supervisor(workspace) as supervisor:
            move_to(workspace, late_model, 1)
            supervisor._begin_steps()
            await wait_until(lambda: supervisor._slots["late"].starting is not None)
            worker = supervisor._slots["late"].starting
            assert worker is not None
            return worker.process.pid

    assert not is_running(asyncio.run(scenario()))


def test_workers_end_with_a_killed_supervisor(
    workspace: Workspace, late_model: SavedModel, tmp_path: Path
) -> None:
    """Kill -9 of the process that supervises leaves no worker behind."""
    move_to(workspace, late_model, 3)
    program = tmp_path / "supervise.py"
    program.write_text(
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from ropewalk import plugins\n"
        "from ropewalk.devops.serving import Supervisor\n"
        "from ropewalk.pipeline import Workspace\n"
        "from ropewalk.project import load_project\n"
        "from ropewalk.settings import load_settings\n"
        "async def main():\n"
        "    workspace = Workspace(load_project(Path(sys.argv[1]), plugins.sections()), load_settings({}))\n"
        "    async with Supervisor(workspace) as supervisor:\n"
        "        print(supervisor.backend('late').worker.process.pid, flush=True)\n"
        "        await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    command = [sys.executable, str(program), str(workspace.root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        lines = iter(parent.stdout.readline, "")
        pid = int(next(line for line in lines if line.strip().isdigit()))
        assert is_running(pid)
        parent.kill()

    asyncio.run(wait_until(lambda: not is_running(pid), 5))
