"""Runs that start together do each thing once, and runs of different files do not disturb each other."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter

import pytest

FILES = {
    "ropewalk.yaml": "project: p\nsources:\n  rows: {kind: files, path: 'drops/*.csv'}\n",
    "drops/a.csv": "i\n" + "\n".join(str(i) for i in range(5_000)),
    "tables/staging/one.sql": "SELECT i, i % 7 AS k FROM raw.rows WHERE i % 3 <> 1",
    "tables/mart/two.sql": "SELECT k, count(*) AS n FROM staging.one GROUP BY k",
    "tables/mart/three.sql": "SELECT k, sum(i)::BIGINT AS total FROM staging.one GROUP BY k",
    "steps/score.py": """
        import time
        from ropewalk import Metrics, Table, step

        @step
        def score(two: Table) -> Metrics:
            time.sleep(0.5)
            return Metrics(groups=len(two.relation().fetchall()))

        @step
        def after(score: Metrics) -> Metrics:
            return Metrics(twice=score["groups"] * 2)
        """,
}
NODES = {"source:rows", "table:staging.one", "table:mart.two", "table:mart.three", "step:score", "step:after"}


pytestmark = pytest.mark.usefixtures("environ")


def start(root, *arguments, **environment):
    """Start `ropewalk run --json` as a process."""
    return subprocess.Popen(
        [sys.executable, "-m", "ropewalk.cli.main", "run", "--json", *arguments],
        cwd=root,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(processes):
    """Wait for all the runs and return what each printed."""
    told = [process.communicate(timeout=110) for process in processes]
    for process, (out, err) in zip(processes, told, strict=True):
        assert process.returncode == 0, err + out
    return [json.loads(out) for out, _ in told]


def test_eight_runs_at_once_execute_each_action_once(write_project):
    """All of them succeed with the same content, and in total every node was executed exactly once."""
    root = write_project(FILES)

    runs = ended([start(root) for _ in range(8)])

    states = Counter((node["id"], node["state"]) for run in runs for node in run["nodes"])
    assert {node: states[node, "executed"] for node in NODES} == dict.fromkeys(NODES, 1)
    assert {node: states[node, "failed"] + states[node, "blocked"] for node in NODES} == dict.fromkeys(
        NODES, 0
    )
    digests = {tuple(sorted((node["id"], node["digest"]) for node in run["nodes"])) for run in runs}
    assert len(digests) == 1


@pytest.mark.parametrize("environments", [("dev", "dev"), ("branch-a", "branch-b")])
def test_different_runs_at_once_are_both_right(write_project, tmp_path, run_alone, environments):
    """Two checkouts of one project, with one state, differ in a table in the middle: each reads its own rows."""
    first = write_project(FILES)
    second = tmp_path / "other"
    shutil.copytree(first, second)
    (second / "tables/staging/one.sql").write_text("SELECT i, i % 5 AS k FROM raw.rows")
    state = str(tmp_path / "state")

    both = [
        start(root, ROPEWALK_STATE_DIR=state, ROPEWALK_ENVIRONMENT=name)
        for root, name in zip((first, second), environments, strict=True)
    ]
    runs = ended(both)

    alone = [run_alone(root).json for root in (first, second)]
    made = [{node["id"]: node["digest"] for node in run["nodes"]} for run in runs]
    assert made == [{node["id"]: node["digest"] for node in run["nodes"]} for run in alone]


def test_environments_keep_their_own_rows(write_project, tmp_path, ropewalk):
    """After an edit in a branch the other environment still reads what it had, and nothing is made twice."""
    root = write_project(FILES)
    question = "SELECT count(*) AS n FROM mart.two"
    ropewalk("run", cwd=root, ROPEWALK_ENVIRONMENT="production")
    (root / "tables/staging/one.sql").write_text("SELECT i, i % 5 AS k FROM raw.rows")
    ropewalk("run", cwd=root, ROPEWALK_ENVIRONMENT="branch-x")

    counts = {
        name: ropewalk("sql", question, "--json", cwd=root, ROPEWALK_ENVIRONMENT=name).json["rows"][0]
        for name in ("production", "branch-x")
    }

    assert [list(row.values()) if isinstance(row, dict) else row for row in counts.values()] == [[7], [5]]
    (root / "tables/staging/one.sql").write_text(FILES["tables/staging/one.sql"])
    again = ropewalk("run", "--json", cwd=root, ROPEWALK_ENVIRONMENT="production").json
    assert (again["executed"], again["restored"], again["hits"]) == (0, 0, 6)
