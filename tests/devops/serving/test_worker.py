"""Claims about worker processes, each on a real one: what they answer, refuse, record and survive."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import msgspec
import pytest

from ropewalk.devops.serving.errors import ModelNotServable
from ropewalk.devops.serving.process import SocketFolder, WorkerProcess
from ropewalk.devops.serving.request_body import MAX_BODY
from ropewalk.devops.serving.segments import read_segments
from ropewalk.devops.serving.words import WorkerSpec

from .conftest import RunningWorker, SavedModel, StartWorker


def recorded(folder: Path) -> list[str]:
    """The ids of all requests in the log."""
    return [entry.record.request_id for entry in read_segments(folder, {})]


def keep_asking(address: str, body: str, acknowledged: list[str]) -> None:
    """Send the request on one connection until that breaks, noting the id of each that was answered."""
    with closing(HTTPConnection("worker")) as connection, socket.socket(socket.AF_UNIX) as stream:
        stream.connect(address)
        connection.sock, connection.auto_open = stream, 0
        with suppress(OSError, HTTPException, ValueError):
            while True:
                connection.request("POST", "/invocations", body)
                reply = json.loads(connection.getresponse().read())
                acknowledged.append(reply["prediction_ids"][0].rpartition("-")[0])


def is_running(pid: int) -> bool:
    """Whether the process runs; one that only waits to be reaped does not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def test_a_worker_answers_what_the_booster_does(late_model: SavedModel, worker: RunningWorker) -> None:
    """Over HTTP and JSON the scores are still bit-equal."""
    reply = worker.client.post("/invocations", json=late_model.split(100))

    assert reply.status_code == 200
    assert reply.json()["predictions"] == late_model.booster.predict(late_model.table.head(100)).tolist()
    assert reply.json()["model_version"] == 3


def test_every_answer_is_in_the_log(late_model: SavedModel, worker: RunningWorker) -> None:
    """All columns sent, also those the model does not use, stand in the log with the predictions."""
    (row,) = late_model.rows(1)
    sent = {
        **dict(zip(late_model.table.columns, row, strict=True)),
        "flight_id": 7,
        "scheduled_at": "2013-07-01",
    }

    reply = worker.client.post("/invocations", json={"dataframe_records": [sent]}).json()

    *_, entry = read_segments(worker.predictions, {})
    assert dict(zip(entry.record.names, [values[0] for values in entry.record.columns], strict=True)) == sent
    assert entry.record.predictions == reply["predictions"]
    assert reply["prediction_ids"] == [f"{entry.record.request_id}-0"]
    assert (entry.header.model, entry.header.version, entry.header.key) == ("late", 3, "flight_id")


@pytest.mark.parametrize(
    ("content", "media_type", "status", "code"),
    [
        (b"", "application/json", 400, "RW160"),
        (b"{", "application/json", 400, "RW160"),
        (b'{"inputs": {"hour": [NaN]}}', "application/json", 400, "RW160"),
        (
            b'{"dataframe_split": {"columns": ["hour"], "data": [[1], [1, 2]]}}',
            "application/json",
            400,
            "RW160",
        ),
        (b'{"inputs": {"hour": [1]}}', "application/json", 400, "RW161"),
        (b"<hour>1</hour>", "text/xml", 415, "RW164"),
        (b" " * (MAX_BODY + 1), "application/json", 413, "RW163"),
        (b"hour\n", "text/csv", 400, "RW160"),
    ],
)
def test_what_is_refused_is_not_recorded(
    worker: RunningWorker, content: bytes, media_type: str, status: int, code: str
) -> None:
    """Every refusal is one JSON object with our code and MLflow's, and leaves no trace in the log."""
    before = recorded(worker.predictions)

    reply = worker.client.post("/invocations", content=content, headers={"content-type": media_type})

    assert (reply.status_code, reply.json()["code"]) == (status, code)
    assert reply.json()["error_code"] == "BAD_REQUEST"
    assert reply.json()["message"]
    assert recorded(worker.predictions) == before


def test_many_clients_at_once_each_get_their_own_answer(
    late_model: SavedModel, worker: RunningWorker
) -> None:
    """Sixteen threads ask about different rows: no answer goes to the wrong one."""
    expected = late_model.booster.predict(late_model.table.head(160)).tolist()

    def ask(start: int) -> list[object]:
        reply = worker.client.post("/invocations", json=late_model.split(1, start))
        answer: list[object] = reply.json()["predictions"]
        return answer

    with ThreadPoolExecutor(16) as pool:
        found = [value for answer in pool.map(ask, range(160)) for value in answer]

    assert found == expected


def test_a_string_in_a_number_column_names_row_and_column(
    late_model: SavedModel, worker: RunningWorker
) -> None:
    """The client learns where the wrong value is, and what to do."""
    payload = late_model.split(3)
    payload["dataframe_split"]["data"][2][1] = "far"  # type: ignore[index]  # a plain dictionary

    reply = worker.client.post("/invocations", json=payload)

    assert reply.status_code == 400
    assert reply.json()["message"] == "row 2, column 'distance': \"far\" is not a number"


def test_csv_is_answered_like_json(late_model: SavedModel, worker: RunningWorker) -> None:
    """What pandas writes as CSV gives the same predictions."""
    text = late_model.table.head(20).to_csv(index=False)

    reply = worker.client.post("/invocations", content=text, headers={"content-type": "text/csv"})

    assert (
        reply.json()["predictions"]
        == worker.client.post("/invocations", json=late_model.split(20)).json()["predictions"]
    )


@pytest.mark.parametrize("path", ["/health", "/ping", "/version", "/v2/health/ready", "/v2/health/live"])
def test_probes_are_answered(worker: RunningWorker, path: str) -> None:
    """What load balancers and MLflow's clients ask is there."""
    reply = worker.client.get(path)

    assert reply.status_code == 200
    assert reply.json() in (
        {"live": True, "ready": True},
        {"model": "late", "model_version": 3, "engine": "lightgbm"},
    )


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/invocations"), ("POST", "/pong"), ("DELETE", "/ping")]
)
def test_other_paths_are_told(worker: RunningWorker, method: str, path: str) -> None:
    """A wrong path or method gets the same shape of error."""
    reply = worker.client.request(method, path)

    assert (reply.status_code, reply.json()["code"]) == (404, "RW261")


def test_nothing_acknowledged_is_lost_on_kill_9(late_model: SavedModel, start_worker: StartWorker) -> None:
    """A worker is killed under load; every answer that arrived is in the log."""
    worker = start_worker(late_model.folder)
    body, acknowledged = json.dumps(late_model.split(20)), list[str]()
    address = str(worker.process.spec.socket)
    threads = [threading.Thread(target=keep_asking, args=(address, body, acknowledged)) for _ in range(4)]
    for thread in threads:
        thread.start()
    while len(acknowledged) < 50:
        time.sleep(0.01)
    os.kill(worker.process.process.pid, signal.SIGKILL)
    for thread in threads:
        thread.join()

    found = recorded(worker.predictions)
    assert set(acknowledged) <= set(found)
    assert len(found) == len(set(found)) <= len(acknowledged) + 4


def test_a_worker_ends_with_a_killed_parent(late_model: SavedModel, tmp_path: Path) -> None:
    """Kill -9 of the parent takes the worker with it: no process is left behind."""
    code = """
        import os, sys, time
        from pathlib import Path
        from ropewalk.devops.serving.process import WorkerProcess
        from ropewalk.devops.serving.words import WorkerSpec
        folder, here = sys.argv[1], Path(sys.argv[2])
        spec = WorkerSpec(folder, os.getpid(), str(here / "s"), str(here / "p"), "late", "late", 3, "flight_id")
        worker = WorkerProcess(spec, here / "log")
        worker.wait_ready()
        print(worker.process.pid, flush=True)
        time.sleep(60)
    """
    program = "\n".join(line.strip() for line in code.splitlines())
    command = [sys.executable, "-c", program, str(late_model.folder), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert is_running(pid)
        parent.kill()

    deadline = time.monotonic() + 5
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_running(pid)


def test_a_worker_whose_parent_is_gone_already_ends(late_model: SavedModel, tmp_path: Path) -> None:
    """A parent that died before the worker could ask to be ended with it is noticed too."""
    spec = WorkerSpec(str(late_model.folder), parent=1)

    with (
        WorkerProcess(spec, tmp_path / "log") as worker,
        pytest.raises(ModelNotServable, match="exit code 1"),
    ):
        worker.wait_ready()


def test_a_model_that_does_not_load_is_told_with_its_reason(tmp_path: Path) -> None:
    """The parent hears why, not only that the worker ended."""
    spec = WorkerSpec(str(tmp_path), os.getpid())

    with WorkerProcess(spec, tmp_path / "log") as worker, pytest.raises(ModelNotServable, match="MLmodel"):
        worker.wait_ready()


def test_a_worker_that_breaks_is_told_with_its_last_words(late_model: SavedModel, tmp_path: Path) -> None:
    """A worker that dies of something unforeseen leaves its log's end as the evidence."""
    spec = WorkerSpec(
        str(late_model.folder),
        os.getpid(),
        socket=str(tmp_path / "no" / "folder.sock"),
        predictions=str(tmp_path),
    )

    with WorkerProcess(spec, tmp_path / "log") as worker, pytest.raises(ModelNotServable) as caught:
        worker.wait_ready()

    assert "FileNotFoundError" in (caught.value.detail or "")


def test_a_worker_that_hangs_is_ended(late_model: SavedModel, tmp_path: Path) -> None:
    """Who does not answer in time is killed, and the parent goes on."""
    spec = WorkerSpec(str(late_model.folder), os.getpid())

    with WorkerProcess(spec, tmp_path / "log") as worker:
        os.kill(worker.process.pid, signal.SIGSTOP)
        with pytest.raises(ModelNotServable, match=r"did not answer within 0.1 s"):
            worker.wait_ready(timeout=0.1)

        assert not worker.is_alive


@pytest.fixture
def short_path() -> Iterator[Path]:
    """Return a folder whose path leaves room for a socket's."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def test_sockets_of_deep_projects_still_fit(tmp_path: Path) -> None:
    """A project in a deep folder gets its sockets elsewhere, and they are gone at the end."""
    deep = tmp_path / ("x" * 100)

    with SocketFolder(deep) as folder:
        assert len(os.fsencode(folder / "12345678.sock")) <= 107
        assert folder.stat().st_mode & 0o777 == 0o700

    assert not folder.exists()


def test_sockets_of_a_killed_owner_are_removed(short_path: Path) -> None:
    """The next owner removes what a killed one left, and nothing that is in use or just being made."""
    left, young = short_path / "serving" / "workers-left", short_path / "serving" / "workers-young"
    for folder in (left, young):
        folder.mkdir(parents=True)
    os.utime(left, (1, 1))

    with SocketFolder(short_path) as in_use:
        os.utime(in_use, (1, 1))
        with SocketFolder(short_path):
            assert (left.exists(), young.exists(), in_use.exists()) == (False, True, True)


def test_a_worker_loads_only_what_it_needs() -> None:
    """Neither the project's declarations nor the lake nor LightGBM's Python package stand in a worker's memory."""
    code = (
        "import sys, ropewalk.devops.serving.worker\n"
        "needless = {'pydantic', 'duckdb', 'httpx', 'pandas', 'lightgbm', 'sklearn', 'mlflow', 'structlog'}\n"
        "assert not needless & set(sys.modules), needless & set(sys.modules)\n"
    )

    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_spec_is_plain_json() -> None:
    """What a worker is told can be read in the list of processes."""
    spec = WorkerSpec("folder", 1)

    assert msgspec.json.decode(msgspec.json.encode(spec), type=WorkerSpec) == spec
    assert json.loads(msgspec.json.encode(spec))["folder"] == "folder"
