"""A run that is killed leaves nothing half-written, and the next one ends as if nothing had happened."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

SQL = "SELECT i, i % 7 AS k, md5(i::VARCHAR) AS h FROM {0} WHERE i % 3 <> 1"
FILES = {
    "ropewalk.yaml": "project: p\nsources:\n  rows: {kind: files, path: 'drops/*.csv'}\n",
    "drops/a.csv": "i\n" + "\n".join(str(i) for i in range(60_000)),
    "drops/b.csv": "i\n" + "\n".join(str(i) for i in range(60_000, 90_000)),
    "tables/staging/one.sql": SQL.format("raw.rows"),
    "tables/staging/two.sql": SQL.format("staging.one"),
    "tables/mart/three.sql": "SELECT k, count(*) AS n, max(h) AS h FROM staging.two GROUP BY k",
}


@pytest.fixture
def root(write_project):
    return write_project(FILES)


def _digests(ropewalk, root) -> dict[str, str]:
    nodes = ropewalk("status", "--json", cwd=root).json["nodes"]
    return {node["id"]: node["digest"] for node in nodes}


def _run_and_kill(root, after_s: float) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "ropewalk.cli.main", "run"],
        cwd=root,
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    time.sleep(after_s)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_killed_runs_then_the_same_hashes(root, ropewalk, tmp_path):
    """Killed at several points, the project ends with the hashes of an undisturbed run."""
    for after_s in (0.6, 0.9, 1.1, 1.3):
        _run_and_kill(root, after_s)

    done = ropewalk("run", "--json", cwd=root).json
    disturbed = _digests(ropewalk, root)
    ropewalk("run", cwd=root, ROPEWALK_STATE_DIR=str(tmp_path / "other-state"))
    undisturbed = ropewalk(
        "status", "--json", cwd=root, ROPEWALK_STATE_DIR=str(tmp_path / "other-state")
    ).json

    assert done["failed"] == 0
    assert disturbed == {node["id"]: node["digest"] for node in undisturbed["nodes"]}
    assert ropewalk("run", "--json", cwd=root).json["executed"] == 0


def test_killed_run_does_not_block_the_next(root, ropewalk):
    """Neither the run's lock nor the lake's lease outlives the process."""
    _run_and_kill(root, 1.0)

    assert ropewalk("run", "--json", cwd=root).code == 0
