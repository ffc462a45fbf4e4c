"""An empty lake, and processes of their own that work on it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from ropewalk.dataops.lake import Lake

StartScript = Callable[[str], subprocess.Popen[str]]


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    """Return an empty lake, closed after the test."""
    with Lake(tmp_path / "lake", wait_s=0.2) as opened:
        yield opened


@pytest.fixture
def start_script(tmp_path: Path) -> Iterator[StartScript]:
    """Return a function that starts Python code in a process that ends, at the latest, with the test.

    The code finds `folder`, the lake's folder, and says with `print` how far it is.
    """
    started: list[subprocess.Popen[str]] = []

    def start(code: str) -> subprocess.Popen[str]:
        prelude = f"from pathlib import Path\nfolder = Path({str(tmp_path / 'lake')!r})\n"
        process = subprocess.Popen(
            [sys.executable, "-u", "-c", prelude + dedent(code)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
