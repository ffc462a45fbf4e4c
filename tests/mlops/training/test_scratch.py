"""Each execution has a folder of its own, which ends with it; what a killed one left is cleared later."""

from __future__ import annotations

import os
import subprocess

import pytest

from ropewalk.mlops.training.scratch import ABANDONED_S, scratch_folder


def test_folder_ends_with_the_execution(tmp_path):
    """The folder is there, is empty, and is gone afterwards with all that was put there."""
    with scratch_folder(tmp_path) as folder:
        assert list(folder.iterdir()) == []
        (folder / "inputs").mkdir()
        (folder / "inputs/a").write_text("x")
        (folder / "inputs/a").chmod(0o444)
        (folder / "inputs").chmod(0o555)

    assert list((tmp_path / "staging").iterdir()) == []


def test_each_has_its_own(tmp_path):
    """Two at once do not share."""
    with scratch_folder(tmp_path) as one, scratch_folder(tmp_path) as other:
        assert one != other


@pytest.fixture
def ended():
    """Return the number of a process that has ended."""
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


@pytest.mark.parametrize(
    ("is_running", "is_old", "stays"), [(False, True, False), (False, False, True), (True, True, True)]
)
def test_what_a_killed_execution_left(tmp_path, ended, is_running, is_old, stays):
    """A folder is cleared away when it is a day old and its process is gone; not before, and not else."""
    left = tmp_path / "staging" / f"{os.getpid() if is_running else ended}-x"
    left.mkdir(parents=True)
    if is_old:
        os.utime(left, (1, left.stat().st_mtime - ABANDONED_S - 1))

    with scratch_folder(tmp_path):
        pass

    assert left.exists() is stays
