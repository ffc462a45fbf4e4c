"""How far the demo is: a bar on a terminal, a line for each stage elsewhere; always on stderr."""

from __future__ import annotations

import re
import sys
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

NODE = re.compile(r"\b[a-z]+:[\w.]+")


class Stages:
    """A context manager that shows the stage at work and what the product says meanwhile."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._progress = Progress(
            TextColumn("{task.description:<27}"),
            BarColumn(bar_width=12),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[said]}", style="dim"),
            console=self._console,
            disable=not sys.stderr.isatty(),
            transient=True,
        )
        self._task = self._progress.add_task("", total=None, said="")
        self._stage = ""
        self._since = time.monotonic()

    def expect(self, stages: int) -> None:
        """Say how many stages there will be, so that the bar can tell how far it is."""
        self._progress.update(self._task, total=stages)

    def begin(self, stage: str) -> None:
        """End the stage before, if there is one, and show `stage`."""
        self._end()
        self._stage, self._since = stage, time.monotonic()
        self._progress.update(self._task, description=stage, said="")

    def hear(self, line: str) -> None:
        """Show what a line of the product is about beside the bar."""
        node = NODE.search(line)
        self._progress.update(self._task, said=node[0] if node else line)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._end()
        self._progress.stop()

    def _end(self) -> None:
        if self._stage:
            self._console.print(f"{time.monotonic() - self._since:6.1f} s  {self._stage}", markup=False)
            self._progress.advance(self._task)
