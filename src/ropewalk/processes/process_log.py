"""The log of one execution: what its processes print, bounded in size, with secrets hidden.

What a step prints must never stop it: a full disk costs the log its lines, and not the step its result.
"""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import BinaryIO, Self

from ropewalk.processes.masking import Mask

LAST_LINES = 20
LONGEST_LINE = 400
# A line without an end is written in pieces of this size.
LONGEST_HELD = 1 << 16
# What is kept of the end of a log that is too long; it waits in memory until the end is known.
LARGEST_TAIL = 4 << 20
# Enough for the last lines, also when some are long.
_RECENT = 64 * 1024


class ProcessLog:
    """Takes what a step prints and keeps its head and its tail; a context manager around the writing.

    Attributes:
        path: the file.
        mask: what hides the secrets in it.
        problem: why the file holds less than was printed, when it could not be written.
    """

    def __init__(self, path: Path, limit: int, mask: Mask) -> None:
        """Make the file.

        Raises:
            OSError: it cannot be made.
        """
        self.path = path
        self.problem: str | None = None
        self.mask = mask
        self._tail_size = min(limit // 4, LARGEST_TAIL)
        self._room = limit - self._tail_size
        self._held = b""
        self._tail: deque[bytes] = deque()
        self._in_tail = 0
        self._dropped = 0
        self._recent = b""
        path.parent.mkdir(parents=True, exist_ok=True)
        # Read back only when the step deletes it, so that what was written is not lost with its name.
        self._file: BinaryIO = path.open("w+b", buffering=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def feed(self, content: bytes) -> None:
        """Take the next bytes that the step printed."""
        # A secret can arrive in two parts, so lines are written once they are whole, and of a line that does not
        # end the part is held back in which a secret may have begun.
        content = self.mask.hide(self._held + content)
        end = max(content.rfind(b"\n"), content.rfind(b"\r")) + 1
        if len(content) - end > LONGEST_HELD:
            end = max(end, len(content) - self.mask.longest)
        self._held = content[end:]
        if end:
            self._keep(content[:end])

    def last_line(self) -> str:
        """Return the last whole line that says something; of a line under way, some programs print one word a time."""
        return (_lines(self._recent) or _lines(self._held) or [""])[-1]

    def tail(self) -> str:
        """Return the last lines."""
        return "\n".join(_lines(self._recent + self._held)[-LAST_LINES:])

    def close(self) -> None:
        """Write what is still held back, with one line that says what was dropped."""
        if self._file.closed:
            return
        if self._held:
            self._keep(self._held)
            self._held = b""
        if self._dropped:
            self._write(f"\nropewalk: {self._dropped:,} bytes of this log were dropped here\n".encode())
        for part in self._tail:
            self._write(part)
        self._restore()
        self._file.close()

    def _keep(self, content: bytes) -> None:
        self._recent = (self._recent + content[-_RECENT:])[-_RECENT:]
        head, rest = content[: self._room], content[self._room :]
        self._room -= len(head)
        if head:
            self._write(head)
        if rest:
            self._keep_in_tail(rest)

    def _keep_in_tail(self, content: bytes) -> None:
        self._tail.append(content)
        self._in_tail += len(content)
        while self._in_tail > self._tail_size:
            oldest = self._tail.popleft()
            spare = self._in_tail - self._tail_size
            kept = oldest[spare:]
            if kept:
                self._tail.appendleft(kept)
            self._in_tail -= len(oldest) - len(kept)
            self._dropped += len(oldest) - len(kept)

    def _write(self, content: bytes) -> None:
        if self.problem:
            return
        try:
            # Unbuffered files may take less than they are given; a disk that is full says so at the next call.
            while content:
                content = content[self._file.write(content) :]
        except OSError as error:
            self.problem = error.strerror or type(error).__name__

    def _restore(self) -> None:
        """Write the log again if the step deleted it."""
        if self.path.exists():
            return
        try:
            self._file.seek(0)
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_bytes(self._file.read())
        except OSError as error:
            self.problem = error.strerror or type(error).__name__


def _lines(content: bytes) -> list[str]:
    """Return the lines that say something, each cut where nobody would read on."""
    lines = content.replace(b"\r", b"\n").decode(errors="replace").splitlines()
    return [line[:LONGEST_LINE] for line in lines if line.strip()]


def log_path(folder: Path, name: str, attempt: int) -> Path:
    """Return the log of an attempt, in the folder of its run."""
    return folder / (f"{name}.log" if attempt == 1 else f"{name}.{attempt}.log")
