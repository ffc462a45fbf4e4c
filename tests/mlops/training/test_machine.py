"""What the machine does while a step runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ropewalk.mlops.tracking import create_run, get_run
from ropewalk.mlops.training.machine import read_counters, sample, watched_machine

STAT = "cpu  {busy} 0 0 {idle} 0 0 0 0 0 0\ncpu0 1 1 1 1\n"
MEMINFO = "MemTotal:       1000 kB\nMemFree:  100 kB\nMemAvailable:    250 kB\n"
NETWORK = "Inter-|\n face |\n    lo: 9 0 0 0 0 0 0 0 9 0\n  eth0: {got} 0 0 0 0 0 0 0 {sent} 0\n"


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """Return a folder with the kernel's files of a small machine."""
    (tmp_path / "net").mkdir()
    write(tmp_path, busy=100, idle=100, got=0, sent=0)
    (tmp_path / "meminfo").write_text(MEMINFO, encoding="ascii")
    return tmp_path


def write(proc: Path, **values: int) -> None:
    """Let the counters stand at these values."""
    (proc / "stat").write_text(STAT.format(**values), encoding="ascii")
    (proc / "net/dev").write_text(NETWORK.format(**values), encoding="ascii")


def test_sample(proc: Path, tmp_path: Path) -> None:
    """Between two readings the share of busy time, memory in use and what networks moved are told."""
    before = read_counters(proc)
    write(proc, busy=130, idle=110, got=2_000_000, sent=500_000)

    found = sample(before, read_counters(proc), tmp_path)

    assert found["system/cpu_utilization_percentage"] == 75.0
    assert found["system/system_memory_usage_percentage"] == 75.0
    assert found["system/network_receive_megabytes"] == 2.0
    assert found["system/network_transmit_megabytes"] == 0.5
    assert found["system/disk_available_megabytes"] >= 0


def test_without_the_kernels_files(tmp_path: Path) -> None:
    """Where there are no such files, or others, what cannot be read is left out."""
    (tmp_path / "stat").write_text("nonsense", encoding="ascii")
    counters = read_counters(tmp_path)

    assert set(counters) == {"time"}
    assert "system/cpu_utilization_percentage" not in sample(counters, counters, tmp_path)


@pytest.mark.parametrize(("every_s", "is_logged"), [(0, False), (3600, True)])
def test_logged_when_asked(workspace, proc: Path, every_s: int, is_logged: bool) -> None:
    """With the setting a step has at least one sample, however short it is; without it none."""
    run_id = create_run(workspace, "machine", "r", {}, {})
    workspace.settings = replace(workspace.settings, system_metrics=every_s)

    with watched_machine(workspace, run_id, proc):
        write(proc, busy=130, idle=110, got=1, sent=1)

    metrics = get_run(workspace, run_id).metrics
    assert ("system/system_memory_usage_megabytes" in metrics) == is_logged
    assert bool(metrics) == is_logged
