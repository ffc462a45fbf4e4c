"""Goals: what was measured, the bound it is held to, and how a table of them is printed."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Goal:
    """One line of the table: what was measured, in words, and whether the value keeps to its bound."""

    name: str
    measured: str
    value: float
    bound: float

    def __str__(self) -> str:
        """The line, with `met` or `MISSED`."""
        verdict = "met" if self.value <= self.bound else "MISSED"
        return f"{self.name:36} {self.measured:62} {self.value:8.4g} <= {self.bound:<7.4g} {verdict}"


def print_goals(measures: Iterable[Callable[[Path], Iterator[Goal]]]) -> None:
    """Carry out the measures one after the other, in a folder that goes with the last, and print each line at once."""
    here = Path(tempfile.mkdtemp(prefix="ropewalk-bench-"))
    try:
        for measure in measures:
            for goal in measure(here):
                print(goal, flush=True)
    finally:
        shutil.rmtree(here, ignore_errors=True)
