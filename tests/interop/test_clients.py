"""The unmodified client of both ends of what is supported, with the libraries that log through it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from ropewalk.mlops.tracking import endpoint
from ropewalk.pipeline import Workspace
from ropewalk.project import load_project
from ropewalk.settings import load_settings

# The first test of a client waits for its environment to be made as well.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
ROOT = Path(__file__).parents[2]
SCRIPTS = Path(__file__).parent / "clients"
VERSIONS = ("2.19.0", "3.17.2")
# This one needs a server that it may kill.
KILLED = "through_kills"
PATIENCE_S = 300
Client = Callable[..., "subprocess.Popen[str]"]


def _environment(version: str) -> Path:
    """Return the Python of that client's environment, made when it is missing."""
    folder = ROOT / "build" / "clients" / version
    python, done = folder / "bin/python", folder / "installed"
    wanted = Path(__file__).parent / f"requirements-{version}.txt"
    if not done.is_file() or done.read_text("utf-8") != wanted.read_text("utf-8"):
        uv = Path(sys.executable).with_name("uv")
        make = [uv, "venv", "--quiet", "--clear", "--python", "3.11", folder]
        fill = [uv, "pip", "install", "--quiet", "--python", python, "--requirement", wanted]
        for command in (make, fill):
            made = subprocess.run(
                [str(part) for part in command], capture_output=True, text=True, check=False
            )
            if made.returncode:
                pytest.skip(f"the environment of MLflow {version} cannot be made: {made.stderr[-300:]}")
        done.write_text(wanted.read_text("utf-8"), encoding="utf-8")
    return python


@pytest.fixture(scope="module", params=VERSIONS)
def python(request: pytest.FixtureRequest) -> Path:
    """Return the Python of one client."""
    return _environment(str(request.param))


@pytest.fixture(scope="module")
def url(
    tmp_path_factory: pytest.TempPathFactory, module_environ: dict[str, str], python: Path
) -> Iterator[str]:
    """Return the address of a server that one client has for itself."""
    root = tmp_path_factory.mktemp("served")
    (root / "ropewalk.yaml").write_text("project: clients\n", encoding="utf-8")
    with (
        Workspace(load_project(root, []), load_settings(module_environ)) as workspace,
        endpoint(workspace) as at,
    ):
        yield at


def _start(python: Path, url: str, script: str, *arguments: str) -> subprocess.Popen[str]:
    environ = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    environ |= {
        "MLFLOW_TRACKING_URI": url,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "7",
        # The client imports each model in a process of its own to list its packages; that is not ours to test.
        "MLFLOW_REQUIREMENTS_INFERENCE_TIMEOUT": "1",
        "MLFLOW_ENABLE_ASYNC_TRACE_LOGGING": "true",
        "JAX_PLATFORMS": "cpu",
    }
    return subprocess.Popen(
        [python, SCRIPTS / f"{script}.py", *arguments],
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("script", sorted(path.stem for path in SCRIPTS.glob("*.py") if path.stem != KILLED))
def test_client(python: Path, url: str, script: str) -> None:
    """What the script logs comes back to it: the script itself looks."""
    with _start(python, url, script) as client:
        _, errors = client.communicate(timeout=PATIENCE_S)

    assert client.returncode == 0, errors[-3000:]


def _serve(root: Path, port: int) -> subprocess.Popen[bytes]:
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "ropewalk",
        "-C",
        root,
        "up",
        "--port",
        str(port),
        "--no-schedule",
    ]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        assert server.poll() is None, "the server ended by itself"
        try:
            if httpx.get(f"http://127.0.0.1:{port}/health").status_code == httpx.codes.OK:
                break
        except httpx.TransportError:
            time.sleep(0.05)
    return server


def test_kills(python: Path, tmp_path: Path) -> None:
    """With its server killed three times a client that retries loses nothing acknowledged and doubles nothing."""
    (tmp_path / "ropewalk.yaml").write_text("project: killed\n", encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    count, url = 60, f"http://127.0.0.1:{port}"
    server = _serve(tmp_path, port)
    try:
        with _start(python, url, KILLED, str(count)) as client:
            assert client.stdout
            run = client.stdout.readline().strip()
            acknowledged = list[int]()
            # The client prints addresses too, as some of its versions do.
            for line in filter(lambda text: text.strip().isdecimal(), client.stdout):
                acknowledged.append(int(line))
                if acknowledged[-1] in (10, 25, 40):
                    server.send_signal(signal.SIGKILL)
                    server.wait()
                    server = _serve(tmp_path, port)
            _, errors = client.communicate(timeout=PATIENCE_S)
        assert client.returncode == 0, errors[-3000:]
        assert acknowledged == list(range(count))
        found = {key: _history(url, run, key) for key in ("loss", "batch")}
        data = httpx.get(f"{url}/api/2.0/mlflow/runs/get", params={"run_id": run}).json()["run"]["data"]
    finally:
        server.kill()
        server.wait()

    assert found["loss"] == list(range(count))
    assert found["batch"] == list(range(count * 10))
    assert len(data["params"]) == count


def _history(url: str, run: str, key: str) -> list[int]:
    """Return the steps of all points of a metric."""
    params = {"run_id": run, "metric_key": key}
    found = httpx.get(f"{url}/api/2.0/mlflow/metrics/get-history", params=params).json()
    return [point["step"] for point in found["metrics"]]
