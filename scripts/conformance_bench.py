"""Start the two servers that are compared, and run MLflow's own suites against one of them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
# The last three are imported by single suites.
TOOLS = (
    "pytest",
    "pytest-timeout",
    "pytest-asyncio",
    "psutil",
    "opentelemetry-exporter-otlp-proto-http",
    "polars",
    "plotly",
)
# The oldest client imports names that later releases of these no longer have.
OLD_TOOLS = ("setuptools<81", "sqlalchemy<2.1", "opentelemetry-api<1.30", "opentelemetry-sdk<1.30")
# MLflow's own tests need them; neither is a secret of anything.
PHRASES = {
    "MLFLOW_CRYPTO_KEK_PASSPHRASE": "test-passphrase-at-least-32-characters-long",
    "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY": "bm90LWEtc2VjcmV0LW5vdC1hLXNlY3JldC0xMjM0NTY=",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
# Empties every table of the stock server's database, as `POST /-/reset` does ours.
STOCK_RESET = """
import os, sqlite3

KEPT = {"alembic_version", "sqlite_sequence", "workspaces"}

def reset():
    database = sqlite3.connect(os.environ["STOCK_DATABASE"], timeout=30, isolation_level=None)
    database.execute("PRAGMA foreign_keys=OFF")
    names = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    database.execute("BEGIN IMMEDIATE")
    for name in set(names) - KEPT:
        database.execute(f"DELETE FROM {name}" + (" WHERE experiment_id <> 0" if name == "experiments" else ""))
    database.execute("UPDATE experiments SET lifecycle_stage = 'active', name = 'Default'")
    database.execute("COMMIT")
    database.close()
"""
PATIENCE_S = 180
Outcomes = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Bench:
    """One version of MLflow, its tests, and where what they need and what they said is kept."""

    version: str
    checkout: Path
    plugin: Path
    # An expression of pytest's -k, empty for all tests.
    select: str = ""

    @property
    def work(self) -> Path:
        """The folder of this version."""
        return ROOT / "build/conformance" / self.version

    def stock(self, suites: Sequence[str]) -> Outcomes:
        """Return how stock MLflow does, measured once for a version and suite, and always in full."""
        kept = self.work / "stock.json"
        found: Outcomes = json.loads(kept.read_text(encoding="utf-8")) if kept.is_file() else {}
        measured = {name.partition("::")[0] for name in found}
        missing = [suite for suite in suites if suite not in measured]
        if missing:
            found |= self._stock(missing)
            kept.write_text(json.dumps(found), encoding="utf-8")
        return found

    def ours(self, suites: Sequence[str]) -> Outcomes:
        """Return how Ropewalk does, in a project of its own."""
        home, port = _fresh(self.work / "ropewalk"), _free_port()
        (home / "ropewalk.yaml").write_text("project: conformance\n", encoding="utf-8")
        command = [sys.executable, "-m", "ropewalk", "-C", home, "up", "--port", port]
        with _running(
            [*command, "--testing", "--no-schedule"], self.checkout, port=port, log=self.work / "ropewalk.log"
        ):
            reset = f"POST http://127.0.0.1:{port}/-/reset"
            more = ["-k", self.select] if self.select else []
            return self._outcomes(port, reset, {"PYTHONPATH": str(self.plugin)}, [*more, *suites])

    def _stock(self, suites: Sequence[str]) -> Outcomes:
        home, port = _fresh(self.work / "stock"), _free_port()
        (home / "stock_reset.py").write_text(STOCK_RESET, encoding="utf-8")
        command = [self._python(), "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", port]
        command += ["--workers", 1, "--backend-store-uri", f"sqlite:///{home}/mlflow.db"]
        command += ["--artifacts-destination", home / "artifacts"]
        variables = {"STOCK_DATABASE": f"{home}/mlflow.db", "PYTHONPATH": f"{self.plugin}:{home}"}
        needed = {**PHRASES, "PATH": self._path()}
        with _running(command, self.checkout, port=port, log=self.work / "stock.log", variables=needed):
            return self._outcomes(port, "stock_reset:reset", variables, suites)

    def _outcomes(self, port: int, reset: str, variables: dict[str, str], more: Sequence[str]) -> Outcomes:
        report = self.work / "report.json"
        report.unlink(missing_ok=True)
        command = [self._python(), "-m", "pytest", "-p", "mlflow_conformance", "-p", "no:cacheprovider", "-q"]
        command += ["-o", "addopts=", "--timeout", 60, "--mlflow-url", f"http://127.0.0.1:{port}"]
        command += ["--mlflow-reset", reset, "--mlflow-report", report, *more]
        with (self.work / "pytest.log").open("w") as log:
            subprocess.run(
                [str(part) for part in command],
                cwd=self.checkout,
                env={**os.environ, **PHRASES, **variables, "PATH": self._path()},
                stdout=log,
                stderr=log,
                check=False,
            )
        if not report.is_file():
            raise SystemExit(f"MLflow's tests did not run: see {log.name}")
        found: Outcomes = json.loads(report.read_text(encoding="utf-8"))
        return found

    def _path(self) -> str:
        # Tests and servers of MLflow start programs of its environment by name.
        return f"{self._python().parent}:{os.environ['PATH']}"

    def _python(self) -> Path:
        """Return the Python of MLflow's environment, made when it is missing."""
        python, done = self.work / "environment/bin/python", self.work / "installed"
        wanted = [f"mlflow=={self.version}", *TOOLS, *(OLD_TOOLS if self.version < "3" else ())]
        if not done.is_file() or done.read_text(encoding="utf-8") != " ".join(wanted):
            self.work.mkdir(parents=True, exist_ok=True)
            uv = Path(sys.executable).with_name("uv")
            folder = self.work / "environment"
            subprocess.run([uv, "venv", "--quiet", "--clear", "--python", "3.11", folder], check=True)
            subprocess.run([uv, "pip", "install", "--quiet", "--python", python, *wanted], check=True)
            done.write_text(" ".join(wanted), encoding="utf-8")
        return python


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


@contextmanager
def _running(
    command: Sequence[object], folder: Path, *, port: int, log: Path, variables: dict[str, str] | None = None
) -> Iterator[None]:
    """Run a server until the block ends; it answers when the block begins."""
    with (
        log.open("w") as said,
        subprocess.Popen(
            [str(part) for part in command],
            cwd=folder,
            env={**os.environ, **(variables or {})},
            stdout=said,
            stderr=said,
            start_new_session=True,
        ) as server,
    ):
        try:
            _wait(server, port, log)
            yield
        finally:
            # The stock server has workers of its own, which outlive it otherwise.
            with suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGKILL)


def _wait(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and server.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5).close()
        except OSError:
            time.sleep(0.5)
        else:
            return
    raise SystemExit(f"the server did not answer: see {log}")
