"""Projects that are measured: written from text, run in processes of their own, and made new before each run."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from benchmarks.rig.cpu import Command, cpu_seconds, median_cpu

ROPEWALK = [sys.executable, "-m", "ropewalk"]


def write_project(folder: Path, files: Mapping[str, str]) -> Path:
    """Write the files (path -> text) as a project and return its folder."""
    for name, text in {"ropewalk.yaml": "project: bench\n", **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def ropewalk(folder: Path, *arguments: str, **environment: str) -> Command:
    """Return a `ropewalk` command in a project."""
    return Command([*ROPEWALK, *arguments], folder, environment)


def from_nothing(command: Command) -> float:
    """Return the median CPU seconds of a command in a project that has no state yet."""
    state = command.folder / ".ropewalk"
    return median_cpu(command, before=lambda: shutil.rmtree(state, ignore_errors=True))


def run(folder: Path, *arguments: str, **environment: str) -> float:
    """Run `ropewalk` once and return its CPU seconds."""
    return cpu_seconds(ropewalk(folder, *arguments, **environment))


def plain_load(here: Path, relation: str, *more: str) -> float:
    """Return the median CPU seconds of DuckDB alone copying the relation into a fresh lake."""
    folder = here / "plain"
    program = str(Path(__file__).with_name("plain.py"))
    command = Command([sys.executable, program, relation, str(folder), *more], here, {})
    return median_cpu(command, before=lambda: shutil.rmtree(folder, ignore_errors=True))
