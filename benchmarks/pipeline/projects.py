"""The projects that are measured, written from text: chains of trivial steps, and a large one of SQL and Python."""

from __future__ import annotations

from pathlib import Path

CHAIN = 10
PER_FILE = 5

STEP = """
@step
def step_{number}({needs}) -> Metrics:
    return Metrics(value={number} + shared.ONE)
"""
HEADER = "import shared\nfrom ropewalk import Metrics, step\n"


def write_steps(folder: Path, count: int) -> None:
    """Write a project of `count` Python steps in chains of ten."""
    _write(folder / "ropewalk.yaml", "project: bench\n")
    _write(folder / "shared.py", "ONE = 1\n")
    files: dict[int, list[str]] = {}
    for number in range(count):
        needs = f"step_{number - 1}: Metrics" if number % CHAIN else ""
        files.setdefault(number // PER_FILE, []).append(STEP.format(number=number, needs=needs))
    for index, steps in files.items():
        _write(folder / f"steps/part_{index}.py", HEADER + "\n".join(steps))


def write_mixed(folder: Path, count: int) -> None:
    """Write a project of `count` nodes: half SQL tables, half Python steps, in chains of ten."""
    half = count // 2
    write_steps(folder, half)
    for number in range(half):
        source = f"mart.t{number - 1}" if number % CHAIN else "range(10) AS r(value)"
        _write(folder / f"tables/mart/t{number}.sql", f"SELECT value + 1 AS value FROM {source}\n")


def write_files(folder: Path, count: int, kilobytes: int) -> None:
    """Write a project of `count` steps that each compute a file of so many kilobytes."""
    _write(folder / "ropewalk.yaml", "project: bench\n")
    work = """
import hashlib
from ropewalk import Files, step
{steps}
"""
    step = """
@step
def make_{number}(*, seed: int = 1) -> Files:
    block, folder = str(seed).encode(), Files.folder()
    with (folder / "data.bin").open("wb") as out:
        for _ in range({blocks}):
            block = hashlib.sha512(block).digest()
            out.write(block)
    return Files(folder)
"""
    blocks = kilobytes * 1024 // 64
    for index in range(0, count, PER_FILE):
        steps = "".join(step.format(number=index + i, blocks=blocks) for i in range(PER_FILE))
        _write(folder / f"steps/make_{index}.py", work.format(steps=steps))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
