"""The corpus of edits (`make staleness`): planning misses nothing that must run again, and rarely runs in vain."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CORPUS = Path(__file__).parents[2] / "benchmarks/staleness/corpus.py"


def _judge(every: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(CORPUS), "--every", str(every)], capture_output=True, text=True, check=False
    )


def test_part_of_the_corpus():
    """One edit in forty is planned right, by the command that prints the table."""
    done = _judge(40)

    assert done.stdout.startswith("class of edit")
    assert ", 0 would not" in done.stdout, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_whole_corpus():
    """Of at least two hundred edits none is false-fresh, and at most one in twenty false-stale."""
    done = _judge(1)

    total = next(line for line in done.stdout.splitlines() if line.startswith("all "))
    assert int(total.split()[1]) >= 200
    assert done.returncode == 0, done.stdout + done.stderr
