"""What the machine does while a step runs, logged to its run under the names that MLflow's client uses.

Read from the kernel's own files (`proc(5)`), so nothing has to be installed; where there are none, nothing is logged.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from ropewalk.errors import RopewalkError
from ropewalk.mlops import tracking
from ropewalk.pipeline import Workspace

PROC = Path("/proc")
MEGABYTE = 1_000_000
END_S = 10.0


@contextmanager
def watched_machine(workspace: Workspace, run_id: str, proc: Path = PROC) -> Iterator[None]:
    """Log samples of the machine to the run while the context lasts, as often as the settings ask; 0 is never."""
    every_s = workspace.settings.system_metrics
    if not every_s or not (proc / "stat").is_file():
        yield
        return
    ended = threading.Event()
    thread = threading.Thread(
        target=_sample, args=(workspace, run_id, proc, ended, every_s), name="machine", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(END_S)


def _sample(workspace: Workspace, run_id: str, proc: Path, ended: threading.Event, every_s: float) -> None:
    before, step, is_over = read_counters(proc), 0, False
    # Once more at the end: also a step that is shorter than the time between samples has one.
    while not is_over:
        is_over = ended.wait(every_s)
        after = read_counters(proc)
        # A database that is busy costs a sample and not the step.
        with suppress(RopewalkError):
            tracking.log_metrics(workspace, run_id, sample(before, after, workspace.root), step)
        before, step = after, step + 1


def read_counters(proc: Path = PROC) -> dict[str, float]:
    """Return the kernel's counters: seconds of all processors busy and in all, bytes of memory, bytes of networks."""
    found = {"time": time.monotonic()}
    with suppress(OSError, ValueError, IndexError):
        ticks = [
            int(part) for part in (proc / "stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]
        ]
        # Idle, and waiting for a disk.
        found |= {"total": sum(ticks), "idle": ticks[3] + ticks[4]}
    with suppress(OSError, ValueError, IndexError):
        lines = (line.split() for line in (proc / "meminfo").read_text(encoding="ascii").splitlines())
        memory = {parts[0].rstrip(":"): int(parts[1]) * 1024 for parts in lines if len(parts) > 1}
        found |= {"memory": memory["MemTotal"], "free": memory["MemAvailable"]}
    with suppress(OSError, ValueError, IndexError):
        networks = [line.split() for line in (proc / "net/dev").read_text(encoding="ascii").splitlines()[2:]]
        others = [parts for parts in networks if parts[0] != "lo:"]
        found |= {
            "received": sum(int(parts[1]) for parts in others),
            "sent": sum(int(parts[9]) for parts in others),
        }
    return found


def sample(before: Mapping[str, float], after: Mapping[str, float], folder: Path) -> dict[str, float]:
    """Return the metrics of the time between two readings."""
    found: dict[str, float] = {}
    if "total" in before and "total" in after and after["total"] > before["total"]:
        busy = 1 - (after["idle"] - before["idle"]) / (after["total"] - before["total"])
        found["system/cpu_utilization_percentage"] = round(100 * max(busy, 0.0), 1)
    if "memory" in after:
        used = after["memory"] - after["free"]
        found["system/system_memory_usage_megabytes"] = round(used / MEGABYTE, 1)
        found["system/system_memory_usage_percentage"] = round(100 * used / after["memory"], 1)
    for name, counter in (("receive", "received"), ("transmit", "sent")):
        if counter in before and counter in after:
            moved = max(after[counter] - before[counter], 0) / MEGABYTE
            found[f"system/network_{name}_megabytes"] = round(moved, 3)
    with suppress(OSError):
        disk = os.statvfs(folder)
        size, free = disk.f_blocks * disk.f_frsize, disk.f_bavail * disk.f_frsize
        found["system/disk_usage_percentage"] = round(100 * (size - free) / size, 1) if size else 0.0
        found["system/disk_available_megabytes"] = round(free / MEGABYTE, 1)
    return found
