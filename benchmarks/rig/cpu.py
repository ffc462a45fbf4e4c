"""CPU seconds of whole process trees, as the kernel counts them for those who have ended."""

from __future__ import annotations

import os
import statistics
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Command:
    """A command, where it runs, and what it finds in its environment besides ours."""

    arguments: Sequence[str]
    folder: Path
    environment: Mapping[str, str]


def cpu_seconds(command: Command) -> float:
    """Run the command and return the CPU seconds of it and all its descendants that it waited for."""
    # Byte code that is not kept would be compiled at every start, and that would be measured.
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with subprocess.Popen(
        command.arguments,
        cwd=command.folder,
        env={**inherited, **command.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        output = process.stdout.read() if process.stdout else ""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command.arguments)} failed:\n{output[-3000:]}")
    return usage.ru_utime + usage.ru_stime


def median_cpu(command: Command, times: int = 3, before: Callable[[], object] | None = None) -> float:
    """Return the median of several runs, each after `before`."""
    found = []
    for _ in range(times):
        if before is not None:
            before()
        found.append(cpu_seconds(command))
    return statistics.median(found)
