"""`ropewalk runs`: the list, one run, and ending one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ropewalk.cli.commands.runs import took

FILES = {
    "ropewalk.yaml": "project: shop\nsources: {orders: {kind: files, path: 'drops/*.csv'}}\n",
    "drops/one.csv": "id\n1\n",
    "tables/staging/orders.sql": "SELECT id FROM raw.orders\n",
    "tables/mart/broken.sql": "SELECT id / 0 AS x, error('no such luck') AS y FROM staging.orders\n",
}
SLOW = {
    "ropewalk.yaml": "project: slow\n",
    "steps/slow.py": """
        import time
        from ropewalk import Metrics, step

        @step
        def slow() -> Metrics:
            print("began", flush=True)
            time.sleep(60)
            return Metrics(x=1.0)
        """,
}


@pytest.fixture(scope="module")
def ran(make_project) -> Path:
    """Return the root of a project whose only run has failed in one table."""
    from ropewalk.cli.main import run

    root = make_project(FILES, ran=False)
    assert run(["-C", str(root), "run"]) == 1
    return root


@pytest.fixture
def at_work(make_project) -> Iterator[tuple[Path, subprocess.Popen[bytes]]]:
    """Return a project with a run at work in a step of a minute, and the run's process."""
    root = make_project(SLOW, ran=False)
    command = [sys.executable, "-m", "ropewalk.cli.main", "-C", str(root), "run"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 30
    while not list(root.glob(".ropewalk/logs/*/slow.log")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    yield root, process
    process.terminate()
    process.communicate()


def test_list(ropewalk, ran: Path) -> None:
    """Each run has a line: where, how it ended, why it ran, and what it did."""
    said = ropewalk("runs", cwd=ran)

    header, line = said.out.splitlines()
    assert header.split()[:4] == ["run", "environment", "state", "cause"]
    assert line.split()[1:4] == ["dev", "failed", "person"]
    assert line.split()[-3:] == ["2", "0", "1"]


def test_list_as_json(ropewalk, ran: Path) -> None:
    """The same for programs, with whole ids and times."""
    (found,) = ropewalk("runs", "--json", cwd=ran).json["runs"]

    assert (found["executed"], found["failed"], found["blocked"]) == (2, 1, 0)
    assert len(found["id"]) == 32
    assert found["started_at"].endswith("+00:00")
    assert found["seconds"] > 0


def test_filters(ropewalk, ran: Path) -> None:
    """Another environment has no runs, which is said; the limit is one."""
    assert "no run in this environment" in ropewalk("runs", "-e", "mr-4", cwd=ran).out
    assert ropewalk("runs", "--limit", "0", cwd=ran).code == 2


def test_show(ropewalk, ran: Path) -> None:
    """One run shows its nodes with their reasons, and the error of the one that failed."""
    run_id = ropewalk("runs", "--json", cwd=ran).json["runs"][0]["id"]
    said = ropewalk("runs", "show", run_id[:6], cwd=ran)

    assert said.out.startswith(f"run {run_id}  (dev, failed, by person)")
    assert "new: never executed" in said.out
    (broken,) = [line for line in said.out.splitlines() if line.startswith("table:mart.broken")]
    assert "failed" in broken
    assert "no such luck" in broken


def test_show_as_json(ropewalk, ran: Path) -> None:
    """For programs every node has state, seconds, attempts, reasons and error."""
    document = ropewalk("runs", "show", "", "--json", cwd=ran).json
    nodes = {node["id"]: node for node in document["nodes"]}

    assert document["state"] == "failed"
    assert nodes["source:orders"]["reasons"] == ["new: never executed"]
    assert nodes["source:orders"]["attempts"] == 1
    assert "no such luck" in nodes["table:mart.broken"]["error"]


def test_unknown_run(ropewalk, ran: Path) -> None:
    """A run that is none is not found, with its code."""
    said = ropewalk("runs", "show", "zzz", cwd=ran)

    assert said.code == 3
    assert "error[RW214]: no run begins with 'zzz'" in said.err


def test_before_the_first_run(ropewalk, write_project) -> None:
    """A new project is told how to begin."""
    root = write_project({})

    assert "`ropewalk run` starts the first" in ropewalk("runs", cwd=root).out
    assert ropewalk("runs", "--json", cwd=root).json == {"runs": []}
    assert ropewalk("runs", "show", "a", cwd=root).code == 3


def test_a_fresh_run(ropewalk, own_shop: Path) -> None:
    """A run that found everything fresh says so."""
    ropewalk("run", cwd=own_shop)

    assert "every node was fresh" in ropewalk("runs", "show", "", cwd=own_shop).out


def test_cancel(ropewalk, at_work) -> None:
    """Cancelling ends the run with its steps; it is then called cancelled, and cannot be ended again."""
    root, process = at_work
    run_id = ropewalk("runs", "--json", cwd=root).json["runs"][0]["id"]
    said = ropewalk("runs", "cancel", run_id[:5], cwd=root)

    assert said.out == f"run {run_id[:8]} has ended: it was cancelled\n"
    assert process.wait(60) == 130
    again = ropewalk("runs", "cancel", run_id, cwd=root)
    assert again.code == 4
    assert "has ended already: it was cancelled" in again.err
    assert ropewalk("runs", cwd=root).out.splitlines()[1].split()[2] == "cancelled"


def test_killed(ropewalk, at_work) -> None:
    """A run that was killed is listed as such, without a time it took; cancelling it tidies up."""
    root, process = at_work
    os.kill(process.pid, signal.SIGKILL)
    process.wait()

    assert ropewalk("runs", cwd=root).out.splitlines()[1].split()[2] == "killed"
    run_id = ropewalk("runs", "--json", cwd=root).json["runs"][0]["id"]
    assert ropewalk("runs", "cancel", run_id, "--json", cwd=root).json == {"id": run_id, "state": "killed"}
    assert ropewalk("runs", cwd=root).out.splitlines()[1].split()[2] == "failed"


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.04, "0.0 s"), (59.94, "59.9 s"), (725.2, "12 m 5 s"), (10_930, "3 h 2 m")]
)
def test_took(seconds: float, said: str) -> None:
    """A length of time reads in two units at most."""
    assert took(seconds) == said
