"""The logs of a run's steps: which there are, their last lines, and reading on while they grow."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ropewalk.pipeline.workspace import Workspace

_NAME = re.compile(r"(?P<step>.+?)(?:\.(?P<attempt>[0-9]+))?\.log")
BLOCK = 65_536
POLL_S = 0.2


@dataclass(frozen=True, order=True)
class LogFile:
    """The log of one attempt at one step; attempts count from 1."""

    step: str
    attempt: int
    path: Path


def list_logs(workspace: Workspace, run_id: str) -> list[LogFile]:
    """Return the logs of a run that are still there, by step and attempt."""
    folder = workspace.state / "logs" / run_id
    # Listed anew each time: a step that has just begun has a log as of now.
    found = ((path, _NAME.fullmatch(path.name)) for path in sorted(folder.glob("*.log")))
    return sorted(LogFile(name["step"], int(name["attempt"] or 1), path) for path, name in found if name)


def last_lines(path: Path, count: int) -> list[str]:
    """Return the last lines of a log, without reading the rest of it; none when it is gone."""
    try:
        with path.open("rb") as stream:
            position = stream.seek(0, 2)
            blocks: list[bytes] = []
            # One more line end than lines: what stands before it is a line that is not wanted.
            while position and sum(block.count(b"\n") for block in blocks) <= count:
                size = min(BLOCK, position)
                position = stream.seek(position - size)
                blocks.insert(0, stream.read(size))
    except FileNotFoundError:
        return []
    return b"".join(blocks).decode("utf-8", "replace").splitlines()[-count:] if count else []


def read_on(path: Path, has_ended: Callable[[], bool], poll_s: float = POLL_S) -> Iterator[str]:
    """Yield what is written to a log from its present end on, whole lines at a time, until `has_ended`.

    Asked first and read afterwards, so that what was written before the end is never missed.
    """
    with path.open("rb") as stream:
        stream.seek(0, 2)
        held = b""
        while True:
            is_last = has_ended()
            held += stream.read()
            # A character of several bytes may have arrived in part.
            end = len(held) if is_last else held.rfind(b"\n") + 1
            if end:
                yield held[:end].decode("utf-8", "replace")
                held = held[end:]
            if is_last:
                return
            time.sleep(poll_s)
