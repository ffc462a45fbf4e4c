"""Who watches a run: bars on a terminal, plain lines elsewhere, always on stderr."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

import click

from ropewalk.cli.output import plain, shorten
from ropewalk.pipeline import NodeResult, Observer, Reason, State

MARKS = {State.HIT: "=", State.RESTORED: "<", State.EXECUTED: "+", State.FAILED: "x", State.BLOCKED: "-"}
LONGEST_WHY = 160


@contextmanager
def watch_run(total: int) -> Iterator[Observer]:
    """Yield an observer for a run of `total` nodes."""
    # Bars in a CI log are noise; and whoever reads stdout must never meet progress.
    if not sys.stderr.isatty():
        yield PlainProgress()
        return
    with BarProgress(total) as observer:
        yield observer


class PlainProgress:
    """One line per node that was executed, failed or blocked; nothing for hits."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def started(self, node_id: str, reasons: tuple[Reason, ...]) -> None:
        """Say nothing: the line comes when the node ended."""

    def progressed(self, node_id: str, done: float, total: float | None, text: str) -> None:
        """Say nothing: lines that overwrite each other need a terminal."""

    def ended(self, result: NodeResult) -> None:
        """Print the node's line."""
        with self._lock:
            for line in _lines(result):
                click.echo(line, err=True)


class BarProgress:
    """One bar for the run and a line for each node at work, drawn by rich."""

    def __init__(self, total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[text]}"),
            console=Console(stderr=True),
            # When the run is over the bars are gone and only the lines of what was done remain.
            transient=True,
        )
        self._all = self._progress.add_task("run", total=total, text="")
        self._nodes: dict[str, int] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def started(self, node_id: str, reasons: tuple[Reason, ...]) -> None:
        """Add a line for the node."""
        with self._lock:
            self._nodes[node_id] = self._progress.add_task(node_id, total=None, text="")

    def progressed(self, node_id: str, done: float, total: float | None, text: str) -> None:
        """Move the node's bar."""
        from rich.progress import TaskID

        self._progress.update(TaskID(self._nodes[node_id]), completed=done, total=total, text=text)

    def ended(self, result: NodeResult) -> None:
        """Take the node's line away, move the run's bar, and print what happened."""
        from rich.progress import TaskID

        with self._lock:
            task = self._nodes.pop(result.id, None)
            if task is not None:
                self._progress.remove_task(TaskID(task))
            self._progress.advance(TaskID(self._all))
            for line in _lines(result):
                self._progress.console.print(line, markup=False, highlight=False)


def _lines(result: NodeResult) -> list[str]:
    lines = []
    if result.state is not State.HIT:
        # Why it ran, or why not: the whole error comes when the run is over.
        why = result.error.message if result.error else "; ".join(map(str, result.reasons[:3]))
        why = shorten(plain(why.partition("\n")[0]), LONGEST_WHY)
        seconds = f"{result.seconds:6.1f} s" if result.state is State.EXECUTED else " " * 8
        lines.append(f"{MARKS[result.state]} {result.state.value:9}{seconds}  {result.id}  {why}".rstrip())
    note = result.output.summary.get("note") if result.output and result.state is State.EXECUTED else None
    if note:
        lines.append(f"  {result.id}: {plain(str(note))}")
    if result.warning:
        lines.append(f"! {result.id}: {result.warning}")
    return lines
