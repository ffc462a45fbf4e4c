"""One run at a time, and no run's death in the way of the next."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ropewalk.pipeline import RunInProgress
from ropewalk.pipeline.run_lock import run_lock

HOLD = """
import sys, time
from pathlib import Path
from ropewalk.pipeline.run_lock import run_lock
with run_lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Return another process that holds the lock."""
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_second_is_told_who_holds_it(holder, tmp_path):
    """Whoever comes second learns the process and what to do."""
    with pytest.raises(RunInProgress, match=rf"process {holder.pid}\)") as caught, run_lock(tmp_path):
        pass

    assert "wait for it" in caught.value.hint


def test_refusal_leaves_the_holder_named(holder, tmp_path):
    """Being refused does not wipe out what the next one is told."""
    for _ in range(2):
        with pytest.raises(RunInProgress, match=str(holder.pid)), run_lock(tmp_path):
            pass


def test_killed_holder_blocks_nobody(holder, tmp_path):
    """The lock ends with its process, however that ends; the file that stays means nothing."""
    holder.send_signal(signal.SIGKILL)
    holder.wait()

    with run_lock(tmp_path):
        assert (tmp_path / "run.lock").read_text() == str(os.getpid())


def test_released_at_the_end(tmp_path):
    """One run after another is no conflict, also after an error."""
    with pytest.raises(ZeroDivisionError), run_lock(tmp_path):
        _ = 1 / 0

    with run_lock(tmp_path):
        pass


def test_shorter_id_after_a_longer_one(tmp_path):
    """No digit of an earlier process stays behind."""
    (tmp_path / "run.lock").write_text("99999999999")

    with run_lock(tmp_path):
        assert (tmp_path / "run.lock").read_text() == str(os.getpid())


def test_holder_that_wrote_nothing_yet(holder, tmp_path):
    """Between taking the lock and writing its id a holder is unknown, and refused all the same."""
    (tmp_path / "run.lock").write_text("")

    with pytest.raises(RunInProgress, match="process unknown"), run_lock(tmp_path):
        pass
