"""Nothing that was acknowledged is lost when the server is killed, and a client that retries doubles nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ropewalk.mlops.tracking import endpoint
from ropewalk.pipeline import Workspace
from ropewalk.project import load_project
from ropewalk.settings import load_settings

SERVER = """
import os, sys, time
from pathlib import Path
from ropewalk.mlops.tracking import endpoint
from ropewalk.pipeline import Workspace
from ropewalk.project import load_project
from ropewalk.settings import load_settings

settings = load_settings({k: v for k, v in os.environ.items() if k == "ROPEWALK_DATABASE_URL"})
with Workspace(load_project(Path(sys.argv[1]), []), settings) as workspace:
    with endpoint(workspace) as url:
        print(url, flush=True)
        time.sleep(60)
"""
API = "/api/2.0/mlflow"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return an empty project."""
    (tmp_path / "ropewalk.yaml").write_text("project: test\n", encoding="utf-8")
    return tmp_path


@pytest.fixture
def server(root: Path, environ: dict[str, str]) -> Iterator[tuple[httpx.Client, subprocess.Popen[str]]]:
    """Return a client and the process that serves the project."""
    command = [sys.executable, "-c", SERVER, str(root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        with httpx.Client(base_url=process.stdout.readline().strip()) as client:
            yield client, process
        process.kill()


def _batch(run: str, number: int) -> dict[str, object]:
    points = [
        {"key": "loss", "value": number * 10 + n, "timestamp": n, "step": number * 10 + n} for n in range(10)
    ]
    return {"run_id": run, "metrics": points, "params": [{"key": f"p{number}", "value": "1"}]}


def test_kill(
    root: Path, server: tuple[httpx.Client, subprocess.Popen[str]], environ: dict[str, str]
) -> None:
    """After `kill -9` and a new start, every acknowledged batch is there, and retried ones count once."""
    client, process = server
    run = client.post(f"{API}/runs/create", json={}).json()["run"]["info"]["run_id"]
    for number in range(20):
        assert client.post(f"{API}/runs/log-batch", json=_batch(run, number)).status_code == 200
    upload = client.put("/api/2.0/mlflow-artifacts/artifacts/0/kept", content=b"kept")
    os.kill(process.pid, signal.SIGKILL)
    process.wait()

    with Workspace(load_project(root, []), load_settings(environ)) as workspace, endpoint(workspace) as url:
        for number in (18, 19):
            httpx.post(f"{url}{API}/runs/log-batch", json=_batch(run, number)).raise_for_status()
        query = {"run_id": run, "metric_key": "loss"}
        history = httpx.get(f"{url}{API}/metrics/get-history", params=query).json()["metrics"]
        found = httpx.get(f"{url}{API}/runs/get", params={"run_id": run}).json()["run"]["data"]
        kept = httpx.get(f"{url}/api/2.0/mlflow-artifacts/artifacts/0/kept")

    assert upload.status_code == 200
    assert [point["step"] for point in history] == list(range(200))
    assert len(found["params"]) == 20
    assert kept.content == b"kept"


def test_kill_within_an_upload(
    root: Path, server: tuple[httpx.Client, subprocess.Popen[str]], environ: dict[str, str]
) -> None:
    """An upload that was cut off leaves no artifact, only a temporary file."""
    client, process = server

    def blocks() -> Iterator[bytes]:
        yield b"x" * 1_000_000
        os.kill(process.pid, signal.SIGKILL)
        yield b"x" * 1_000_000

    with pytest.raises(httpx.TransportError):
        client.put("/api/2.0/mlflow-artifacts/artifacts/0/cut", content=blocks())

    with Workspace(load_project(root, []), load_settings(environ)) as workspace, endpoint(workspace) as url:
        assert httpx.get(f"{url}/api/2.0/mlflow-artifacts/artifacts/0/cut").status_code == 404
        assert httpx.get(f"{url}/api/2.0/mlflow-artifacts/artifacts").json() == {}
