"""Hold the tracking server to MLflow's own tests: what stock MLflow of that version passes, ours has to pass.

    python scripts/conformance.py CHECKOUT PLUGIN [--mlflow VERSION] [--select EXPRESSION]

CHECKOUT has the folder `tests` and the file `pyproject.toml` of an MLflow release, PLUGIN the pytest plugin
`mlflow_conformance.py` that points them at a server. Neither is part of this repository. The client, the stock server and
what it passes are kept in `build/conformance/VERSION`.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
SUITES = ("tests/tracking/test_rest_tracking.py", "tests/tracking/test_model_registry.py")
VERSION = "3.11.1"
TOOLS = ("pytest", "pytest-timeout", "pytest-asyncio", "psutil")
PORT = 18_711
# MLflow's own tests need them; neither is a secret of anything.
PHRASES = {
    "MLFLOW_CRYPTO_KEK_PASSPHRASE": "test-passphrase-at-least-32-characters-long",
    "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY": "bm90LWEtc2VjcmV0LW5vdC1hLXNlY3JldC0xMjM0NTY=",
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
Outcomes = dict[str, dict[str, str]]


def main() -> None:
    """Run both servers through the suites and print how they compare; exit 1 when ours fails what stock passes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkout", type=Path)
    parser.add_argument("plugin", type=Path)
    parser.add_argument("--mlflow", default=VERSION)
    parser.add_argument("--select", help="only tests whose names match, as pytest's -k")
    arguments = parser.parse_args()
    checkout = arguments.checkout.absolute()
    if not (checkout / SUITES[0]).is_file():
        raise SystemExit(f"{checkout} has no {SUITES[0]}: name a checkout of MLflow {arguments.mlflow}")
    work = ROOT / "build/conformance" / arguments.mlflow
    python = _environment(work, arguments.mlflow)
    more = ["-k", arguments.select] if arguments.select else []
    bench = _Bench(python, checkout, arguments.plugin.absolute(), work, more)
    stock, ours = bench.stock(), bench.ours()
    missed = [
        name for name in ours if stock.get(name, {}).get("outcome") == "passed" != ours[name]["outcome"]
    ]
    for name in missed:
        sys.stdout.write(f"MISSED {name}\n       {_reason(ours[name])}\n")
    for suite in SUITES:
        sys.stdout.write(f"{suite}: {_counts(suite, ours)}, expected {_count(suite, stock, 'passed')}\n")
    raise SystemExit(1 if missed else 0)


class _Bench:
    """The suites, and what runs them."""

    def __init__(self, python: Path, checkout: Path, plugin: Path, work: Path, more: Sequence[str]) -> None:
        self.python, self.checkout, self.plugin, self.work, self.more = python, checkout, plugin, work, more

    def stock(self) -> Outcomes:
        """Return how stock MLflow does, measured once for a version."""
        kept = self.work / "stock.json"
        if not kept.is_file():
            home = _fresh(self.work / "stock")
            (home / "stock_reset.py").write_text(STOCK_RESET, encoding="utf-8")
            command = [
                self.python,
                "-m",
                "mlflow",
                "server",
                "--host",
                "127.0.0.1",
                "--port",
                PORT,
                "--workers",
                1,
            ]
            command += ["--backend-store-uri", f"sqlite:///{home}/mlflow.db"]
            command += ["--artifacts-destination", home / "artifacts"]
            variables = {"STOCK_DATABASE": f"{home}/mlflow.db", "PYTHONPATH": f"{self.plugin}:{home}"}
            with _running(command, self.checkout, PHRASES):
                outcomes = self._outcomes("stock_reset:reset", variables, ())
            kept.write_text(json.dumps(outcomes), encoding="utf-8")
        found: Outcomes = json.loads(kept.read_text(encoding="utf-8"))
        return found

    def ours(self) -> Outcomes:
        """Return how Ropewalk does, in a project of its own."""
        home = _fresh(self.work / "ropewalk")
        (home / "ropewalk.yaml").write_text("project: conformance\n", encoding="utf-8")
        command = [
            sys.executable,
            "-m",
            "ropewalk",
            "-C",
            home,
            "up",
            "--port",
            PORT,
            "--testing",
            "--no-schedule",
        ]
        with _running(command, self.checkout, {}):
            reset = f"POST http://127.0.0.1:{PORT}/-/reset"
            return self._outcomes(reset, {"PYTHONPATH": str(self.plugin)}, self.more)

    def _outcomes(self, reset: str, variables: dict[str, str], more: Sequence[str]) -> Outcomes:
        report = self.work / "report.json"
        report.unlink(missing_ok=True)
        command = [self.python, "-m", "pytest", "-p", "mlflow_conformance", "-p", "no:cacheprovider", "-q"]
        command += ["-o", "addopts=", "--timeout", 60, "--mlflow-url", f"http://127.0.0.1:{PORT}"]
        command += ["--mlflow-reset", reset, "--mlflow-report", report, *more, *SUITES]
        path = f"{self.python.parent}:{os.environ['PATH']}"
        with (self.work / "pytest.log").open("w") as log:
            subprocess.run(
                [str(part) for part in command],
                cwd=self.checkout,
                env={**os.environ, **PHRASES, **variables, "PATH": path},
                stdout=log,
                stderr=log,
                check=False,
            )
        found: Outcomes = json.loads(report.read_text(encoding="utf-8"))
        return found


def _environment(work: Path, version: str) -> Path:
    python = work / "environment/bin/python"
    if not (work / "installed").is_file():
        work.mkdir(parents=True, exist_ok=True)
        uv = Path(sys.executable).with_name("uv")
        subprocess.run(
            [uv, "venv", "--quiet", "--clear", "--python", "3.11", work / "environment"], check=True
        )
        wanted = [f"mlflow=={version}", *TOOLS]
        subprocess.run([uv, "pip", "install", "--quiet", "--python", python, *wanted], check=True)
        (work / "installed").touch()
    return python


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


@contextmanager
def _running(command: Sequence[object], folder: Path, variables: dict[str, str]) -> Iterator[None]:
    """Run a server until the block ends; it answers when the block begins."""
    with subprocess.Popen(
        [str(part) for part in command],
        cwd=folder,
        env={**os.environ, **variables},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as server:
        try:
            _wait(server)
            yield
        finally:
            # The stock server has workers of its own, which outlive it otherwise.
            os.killpg(server.pid, signal.SIGKILL)


def _wait(server: subprocess.Popen[bytes], patience_s: float = 120) -> None:
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline and server.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{PORT}/health", timeout=5).close()
        except OSError:
            time.sleep(0.5)
        else:
            return
    raise SystemExit("the server did not answer")


def _count(suite: str, outcomes: Outcomes, wanted: str) -> int:
    return sum(name.startswith(suite) and found["outcome"] == wanted for name, found in outcomes.items())


def _counts(suite: str, outcomes: Outcomes) -> str:
    return ", ".join(f"{what} {_count(suite, outcomes, what)}" for what in ("passed", "failed"))


def _reason(found: dict[str, str]) -> str:
    text = " ".join(str(value) for value in found.values() if isinstance(value, str))
    lines = re.findall(r"(?:^|\n)E +([^\n]+)", text.replace("\\n", "\n"))
    return (lines or [found["outcome"]])[-1][:160]


if __name__ == "__main__":
    main()
