"""A run killed while a step makes several intervals: none of its processes stays, and the next run makes the table."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

PATIENCE_S = 100
FILES = {
    "ropewalk.yaml": "project: p\n",
    "tables/a/trips.sql": "SELECT DATE '2013-01-01' + i::INTEGER AS day, i FROM range(4) AS r (i)",
    "steps/daily.py": """
        import os
        import time
        from pathlib import Path
        from ropewalk import Table, step

        @step(partition="day(day)")
        def daily(trips: Table) -> Table:
            folder = Path(os.environ["BEGUN"])
            (folder / str(os.getpid())).touch()
            while not (folder / "go").exists():
                time.sleep(0.01)
            return Table.of(trips.relation())
        """,
}


def wait_for(condition) -> None:
    """Wait until it holds."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_killed_run_leaves_no_interval_behind(write_project, ropewalk, tmp_path) -> None:
    """The engine is killed while two intervals are under way."""
    root, begun = write_project(FILES), tmp_path / "begun"
    begun.mkdir()
    run = subprocess.Popen(
        [sys.executable, "-m", "ropewalk.cli.main", "run"],
        cwd=root,
        env={**os.environ, "BEGUN": str(begun), "ROPEWALK_PARALLEL": "2"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    wait_for(lambda: len(list(begun.iterdir())) == 2 or run.poll() is not None)
    # A run that ends by itself has met an error, which says more than that nothing began.
    assert run.returncode is None, run.communicate()[1]

    run.send_signal(signal.SIGKILL)
    run.communicate()

    processes = [Path("/proc", file.name) for file in begun.iterdir()]
    # The kernel tells their parent of the end; who started the run has no part in it.
    wait_for(lambda: not any(process.exists() for process in processes))
    (begun / "go").touch()
    assert ropewalk("run", "--json", cwd=root, BEGUN=str(begun)).json["failed"] == 0
    rows = ropewalk("sql", "SELECT count(*) AS n FROM steps.daily", "--json", cwd=root).json["rows"]
    assert rows == [{"n": 4}]
