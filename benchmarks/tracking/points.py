"""Ten million points of one run: how long a page of them, and the thinned-out series, take."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmarks.rig.goals import Goal


def long_run(here: Path) -> Iterator[Goal]:
    """Nothing yet."""
    del here
    yield from ()
