"""Ropewalk's engine beside DVC and ZenML, in CPU seconds of whole process trees, measured in one go.

    python -m benchmarks.pipeline.compare [--dvc PYTHON] [--zenml PYTHON] [--only NAME ...]

A line for each goal: what was measured, the goal, and whether it is met. A peer whose Python is not given is left
out, and so is the goal that is a ratio to it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.pipeline.peers import dvc_file, dvc_project, zenml_project
from benchmarks.pipeline.projects import write_files, write_mixed, write_steps
from benchmarks.rig.cpu import Command, cpu_seconds, median_cpu
from benchmarks.rig.goals import Goal, print_goals

ROPEWALK = [sys.executable, "-m", "ropewalk"]
# Longer than what changed must be old before a run leaves the note that the next one takes a glance at.
SETTLING_S = 2.5
BIG = 1 << 30
STEPS = 100
OUTPUTS = 100
KILOBYTES = 4096


@dataclass(frozen=True)
class Peers:
    """The Python of each peer's environment, where there is one."""

    dvc: Path | None
    zenml: Path | None


def ropewalk(folder: Path, *arguments: str) -> Command:
    """Return a `ropewalk` command in a project."""
    return Command([*ROPEWALK, *arguments], folder, {})


def no_op_of_ten(here: Path, peers: Peers) -> Iterator[Goal]:
    """A run of ten trivial steps of which nothing has changed."""
    folder = here / "ten"
    write_steps(folder, 10)
    cpu_seconds(ropewalk(folder, "run"))
    planned = _planned(folder)
    ours = _at_a_glance(folder)
    for name, python, write, bound in (
        ("DVC", peers.dvc, dvc_project, 1 / 8),
        ("ZenML", peers.zenml, zenml_project, 1 / 50),
    ):
        if python is not None:
            command = write(here / f"ten-{name}", python, 10)
            cpu_seconds(command)
            theirs = median_cpu(command)
            measured = f"{ours:.3f} s (planned {planned:.3f}), {name} {theirs:.3f} s"
            yield Goal(f"no-op of 10 steps / {name}", measured, ours / theirs, bound)


def _planned(folder: Path) -> float:
    """Return what a run costs that finds everything fresh by planning."""
    note = folder / ".ropewalk" / "glance"
    return median_cpu(ropewalk(folder, "run"), 5, before=lambda: note.unlink(missing_ok=True))


def _at_a_glance(folder: Path) -> float:
    """Return what a run costs after one that found everything fresh, when nothing changed since."""
    time.sleep(SETTLING_S)
    cpu_seconds(ropewalk(folder, "run"))
    return median_cpu(ropewalk(folder, "run"), 5)


def no_op_of_a_thousand(here: Path, _peers: Peers) -> Iterator[Goal]:
    """A run of a large project of which nothing has changed; half of it SQL, half Python."""
    spent, glance = {}, 0.0
    for count in (100, 1000):
        folder = here / f"mixed-{count}"
        write_mixed(folder, count)
        cpu_seconds(ropewalk(folder, "run", "--json"))
        spent[count] = _planned(folder)
        glance = _at_a_glance(folder)
    measured = f"{spent[1000]:.3f} CPU-s planned, {glance:.3f} at a glance"
    yield Goal("no-op of 1,000 nodes", measured, spent[1000], 0.5)
    growth = spent[1000] / spent[100]
    yield Goal("no-op, 1,000 nodes / 100", f"{spent[1000]:.3f} s / {spent[100]:.3f} s", growth, 8)


def cold_steps(here: Path, _peers: Peers) -> Iterator[Goal]:
    """What the engine adds to each step that is executed, without the step's own process."""
    folder = here / "cold"
    write_steps(folder, STEPS)
    cold = _engine(folder)
    again = _engine(folder)
    each = (cold["engine"] - again["engine"]) / STEPS * 1000
    process = cold["children"] / STEPS * 1000
    yield Goal(
        "cold trivial step, engine's ms", f"{each:.1f} ms beside its process's {process:.0f} ms", each, 8
    )


def rehash(here: Path, peers: Peers) -> Iterator[Goal]:
    """A touched file of a gigabyte is hashed again."""
    if peers.dvc is None:
        return
    big = here / "big.bin"
    block = os.urandom(1 << 20)
    with big.open("wb") as out:
        for _ in range(BIG >> 20):
            out.write(block)
    code = (
        "import sys; from pathlib import Path; from ropewalk.pipeline import StatCache; "
        "print(StatCache(Path(sys.argv[1])).digest(Path(sys.argv[2])))"
    )
    command = Command([sys.executable, "-c", code, str(here / "stat-cache"), str(big)], here, {})
    ours = median_cpu(command, before=big.touch)
    status = dvc_file(here / "rehash-DVC", peers.dvc, big)
    theirs = median_cpu(status, before=(here / "rehash-DVC/big.bin").touch)
    yield Goal("1 GB hashed again / DVC", f"{ours:.2f} s, DVC {theirs:.2f} s", ours / theirs, 1 / 6)


def restoring(here: Path, _peers: Peers) -> Iterator[Goal]:
    """A hundred files that were made before are restored, against computing them."""
    folder = here / "restored"
    write_files(folder, OUTPUTS, KILOBYTES)
    cpu_seconds(ropewalk(folder, "run"))
    for path in (folder / "steps").glob("*.py"):
        path.write_text(path.read_text().replace("seed: int = 1", "seed: int = 2"))
    computing = cpu_seconds(ropewalk(folder, "run"))
    for path in (folder / "steps").glob("*.py"):
        path.write_text(path.read_text().replace("seed: int = 2", "seed: int = 1"))
    restored = cpu_seconds(ropewalk(folder, "run"))
    measured = f"{restored:.2f} s, computing {computing:.1f} s"
    yield Goal("restoring 100 outputs / computing", measured, restored / computing, 1 / 20)


MEASURES: dict[str, Callable[[Path, Peers], Iterator[Goal]]] = {
    "ten": no_op_of_ten,
    "thousand": no_op_of_a_thousand,
    "cold": cold_steps,
    "rehash": rehash,
    "restoring": restoring,
}


def _engine(folder: Path) -> dict[str, float]:
    engine = str(Path(__file__).with_name("engine.py"))
    done = subprocess.run(
        [sys.executable, engine, "-C", str(folder), "run"],
        capture_output=True,
        text=True,
        check=True,
    )
    spent: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return spent


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dvc", type=Path, help="the Python of an environment that has DVC")
    parser.add_argument("--zenml", type=Path, help="the Python of an environment that has ZenML")
    parser.add_argument("--only", nargs="*", choices=MEASURES, default=list(MEASURES))
    arguments = parser.parse_args()
    # A virtual environment is known by the path it is started by: links must not be followed.
    peers = Peers(*(path and path.absolute() for path in (arguments.dvc, arguments.zenml)))
    print_goals(lambda here, name=name: MEASURES[name](here, peers) for name in arguments.only)


if __name__ == "__main__":
    main()
