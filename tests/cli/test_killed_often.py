"""Fifty runs killed at random moments: nothing is torn, nobody is left behind, and what was done stays done."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

KILLS = 50
PARALLEL = 2
SQL = "SELECT i, i % 7 AS k, md5(i::VARCHAR) AS h FROM {0} WHERE i % 3 <> {1}"
STEP = """
    from ropewalk import Metrics, Table, step

    @step
    def count_{0}(three: Table) -> Metrics:
        return Metrics(rows=len(three.relation().fetchall()) + {0})
    """
FILES = {
    "ropewalk.yaml": "project: p\nsources:\n  rows: {kind: files, path: 'drops/*.csv'}\n",
    "drops/a.csv": "i\n" + "\n".join(str(i) for i in range(60_000)),
    "tables/staging/one.sql": SQL.format("raw.rows", 1),
    "tables/staging/two.sql": SQL.format("staging.one", 2),
    "tables/mart/three.sql": "SELECT k, count(*) AS n, max(h) AS h FROM staging.two GROUP BY k",
    **{f"steps/count_{number}.py": STEP.format(number) for number in range(4)},
}


def processes_of(folder: Path) -> list[int]:
    """Return the processes whose working directory or arguments are below `folder`."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                told = (entry / "cmdline").read_bytes().decode(errors="replace") + str(
                    (entry / "cwd").readlink()
                )
            except OSError:
                continue
            if str(folder) in told:
                found.append(int(entry.name))
    return found


def run_and_kill(root: Path, after_s: float) -> None:
    """Start a run and kill its engine alone, as the kernel would, after some seconds."""
    process = subprocess.Popen(
        [sys.executable, "-m", "ropewalk.cli.main", "run"],
        cwd=root,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    time.sleep(after_s)
    process.send_signal(signal.SIGKILL)
    process.wait()


def current(ropewalk, root: Path) -> dict[str, str]:
    """Return the content that is recorded for each node."""
    nodes = ropewalk("status", "--json", cwd=root).json["nodes"]
    return {node["id"]: node["digest"] for node in nodes if node.get("digest")}


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.usefixtures("environ")
def test_fifty_killed_runs(write_project, ropewalk, run_alone):
    """After each kill at most the steps in flight are lost, and the end is that of an undisturbed run."""
    root = write_project(FILES)
    chance = random.Random(20261123)
    # What an undisturbed run makes, on either database.
    whole = run_alone(root).json
    wanted = {node["id"]: node["digest"] for node in whole["nodes"]}
    seen: dict[str, str] = {}
    for number in range(KILLS):
        if number % 10 == 9:
            # Something to do again: an edit that makes other content, then the first text.
            path = root / "tables/staging/one.sql"
            other = SQL.format("raw.rows", 0)
            path.write_text(other if path.read_text() != other else FILES["tables/staging/one.sql"])
            seen = {}
        run_and_kill(root, chance.uniform(0.15, 2.5))
        after = current(ropewalk, root)
        assert seen.keys() <= after.keys(), "what was recorded stays recorded"
        seen = after
    (root / "tables/staging/one.sql").write_text(FILES["tables/staging/one.sql"])

    done = ropewalk("run", "--json", cwd=root).json

    assert done["failed"] == 0
    assert current(ropewalk, root) == wanted
    assert ropewalk("run", "--json", cwd=root).json["hits"] == len(wanted)
    deadline = time.monotonic() + 10
    while processes_of(root) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert processes_of(root) == []
