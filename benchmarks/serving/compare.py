"""Ropewalk's worker, alone and behind its router, beside a plain handler and, where its Python is given, `mlflow models serve`.

    python benchmarks/serving/compare.py [--seconds 4] [--mlflow /path/to/python]

One LightGBM model (100 trees of 31 leaves, 20 numbers) for all. CPU per request is of the server's whole tree of
processes; it is the robust number on a shared machine, the others are indicative.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import lightgbm
import numpy as np
import pandas as pd
from load import measure

from ropewalk.devops.serving.process import WorkerProcess
from ropewalk.devops.serving.words import WorkerSpec

Address = str | tuple[str, int]
COLUMNS = [f"f{index}" for index in range(20)]


def save_model(folder: Path) -> None:
    """Train and save the model that all serve."""
    warnings.simplefilter("ignore")
    import mlflow.lightgbm
    from mlflow.models import infer_signature

    random = np.random.default_rng(0)
    table = pd.DataFrame(random.normal(size=(20_000, 20)), columns=COLUMNS)
    labels = (table.f0 + table.f1 * table.f2 > 0).astype(int)
    booster = lightgbm.train({"objective": "binary", "verbosity": -1}, lightgbm.Dataset(table, labels), 100)
    signature = infer_signature(table, booster.predict(table.head()))
    mlflow.lightgbm.save_model(booster, str(folder), signature=signature, pip_requirements=["lightgbm"])


def body(rows: int) -> bytes:
    """Return a request of so many rows."""
    data = np.random.default_rng(1).normal(size=(rows, 20)).round(6).tolist()
    return json.dumps({"dataframe_split": {"columns": COLUMNS, "data": data}}).encode()


@contextmanager
def our_worker(folder: Path, here: Path) -> Iterator[tuple[Address, int]]:
    """Start Ropewalk's worker: schema check and prediction log on."""
    spec = WorkerSpec(
        str(folder), os.getpid(), str(here / "ours.sock"), str(here / "log"), "bench", "bench", 1, "id"
    )
    with WorkerProcess(spec, here / "ours.log") as worker:
        worker.wait_ready()
        yield str(spec.socket), worker.process.pid


def own_server(script: str) -> Callable[[Path, Path], object]:
    """Return what starts a script of this folder on a socket: `peers.py` or `routed.py`."""

    @contextmanager
    def start(folder: Path, here: Path) -> Iterator[tuple[Address, int]]:
        path = here / f"{script}.sock"
        command = [sys.executable, str(Path(__file__).with_name(script)), str(folder), str(path)]
        with started(command, path.exists) as pid:
            yield str(path), pid

    return start


def mlflow_server(python: str) -> Callable[[Path, Path], object]:
    """Return what starts `mlflow models serve` with that Python."""

    @contextmanager
    def start(folder: Path, _: Path) -> Iterator[tuple[Address, int]]:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = [python, "-m", "mlflow", "models", "serve", "-m", str(folder), "-p", str(port)]
        command += ["--env-manager", "local", "-w", "1"]
        with started(command, lambda: answers(port)) as pid:
            yield ("127.0.0.1", port), pid

    return start


@contextmanager
def started(command: list[str], is_ready: Callable[[], bool]) -> Iterator[int]:
    """Run a server for the length of the block."""
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "PATH": f"{Path(command[0]).parent}:{os.environ['PATH']}",
    }
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment, start_new_session=True
    ) as process:
        while not is_ready():
            assert process.poll() is None, f"{command} ended with {process.returncode}"
            time.sleep(0.05)
        try:
            yield process.pid
        finally:
            os.killpg(process.pid, 15)


def answers(port: int) -> bool:
    """Return whether something listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def main() -> None:
    """Print one line per server and load."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--mlflow", help="a Python in which the whole of mlflow is installed")
    options = parser.parse_args()
    servers: dict[str, Callable[[Path, Path], object]] = {
        "ropewalk": our_worker,
        "routed": own_server("routed.py"),
        "handler": own_server("peers.py"),
    }
    if options.mlflow:
        servers["mlflow"] = mlflow_server(options.mlflow)
    with tempfile.TemporaryDirectory() as text:
        here = Path(text)
        save_model(here / "model")
        print(
            f"{'server':10} {'rows':>5} {'conns':>5} {'req/s':>9} {'cpu us':>9} {'p50 ms':>8} {'p99 ms':>8} {'MB':>6} {'start s':>7}"
        )
        for name, start in servers.items():
            begun = time.perf_counter()
            with start(here / "model", here) as (address, pid):  # type: ignore[attr-defined]
                start_s = time.perf_counter() - begun
                for rows, connections in ((1, 1), (1, 16), (100, 8)):
                    found = measure(address, pid, body(rows), connections, options.seconds)
                    print(
                        f"{name:10} {rows:5} {connections:5} {found.requests_per_s:9.0f} {found.cpu_us:9.0f}"
                        f" {found.p50_ms:8.2f} {found.p99_ms:8.2f} {found.memory_mb:6.0f} {start_s:7.1f}",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
