"""The calls of a partitioned step, shared among processes: each takes the next interval that nobody has taken.

Which process makes an interval decides nothing: its rows go into a file that is named after the interval's place.
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

from ropewalk.mlops.training.job import Answer, Call, Job, read_answer

# The folder of the staging folder with a folder for each call.
PARTS = "parts"


def fork_workers(job: Job, answer: Path) -> Path | Answer | int:
    """Return in each of the job's workers where it answers, and in the process that made them what all came to.

    That is the answer, which is that of the first worker that failed, or the exit code of the first that ended without
    one. The others are ended then.

    Raises:
        OSError: the system bears no further process at all.
    """
    # Each step's process loads this file, and few ever come here.
    from ropewalk.processes import end_with_parent

    parent, workers = os.getpid(), dict[int, Path]()
    for number in range(job.workers):
        own = answer.with_name(f"{answer.stem}-{number}.json")
        try:
            child = os.fork()
        except OSError:
            # Those that are there take all the calls among them.
            if not workers:
                raise
            break
        if child == 0:
            if not end_with_parent(parent):
                os._exit(1)
            # Before the user's loggers take hold of them.
            sys.stdout, sys.stderr = (_labelled(stream) for stream in (sys.stdout, sys.stderr))
            return own
        workers[child] = own
    return _failure_among(workers, Answer(table=str(Path(job.staging, PARTS))))


def claimed_calls(job: Job, folder: Path) -> Iterator[tuple[Call, Path]]:
    """Yield each call that no other process took, with a new folder of its own below `folder`; say in the log which."""
    for number, call in enumerate(job.calls, start=1):
        part = folder / f"{number:06}"
        try:
            # One process alone can make a folder, whichever comes first.
            part.mkdir(parents=True)
        except FileExistsError:
            continue
        _label("")
        sys.stdout.write(f"interval {call.label} ({number} of {len(job.calls)})\n")
        _label(call.label)
        yield call, part
    _label("")


def _failure_among(workers: dict[int, Path], good: Answer) -> Answer | int:
    """Wait for the workers; return `good` if all came to a good end, else what the first one left that did not."""
    while workers:
        child, status = os.wait()
        told, code = read_answer(workers.pop(child)), os.waitstatus_to_exitcode(status)
        # What a process does after its answer takes nothing back.
        if told is not None and told.error is None:
            continue
        _end(workers)
        if told is None and code < 0:
            _end_by(-code)
        # Also 0, when the step's own code left without a word.
        return code if told is None else told
    return good


def _end(workers: Iterable[int]) -> None:
    for child in workers:
        os.kill(child, signal.SIGKILL)
    for child in workers:
        os.waitpid(child, 0)


def _end_by(number: int) -> None:
    """End this process as a worker was ended, which tells the engine more than an exit code."""
    # Some signals cannot be listened to in the first place.
    with contextlib.suppress(OSError):
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


class LabelledText(io.TextIOWrapper):
    """Text of which each line begins with a label, as several processes print into one log."""

    label = ""
    _is_within = False

    def write(self, text: str) -> int:
        """Write the text and return how many characters of it that were: all."""
        if text:
            start = f"{self.label} | " if self.label else ""
            # The next line's label may be another one.
            body, end = (text[:-1], "\n") if text.endswith("\n") else (text, "")
            shown = ("" if self._is_within else start) + body.replace("\n", f"\n{start}") + end
            self._is_within = not end
            super().write(shown)
        return len(text)

    def begin_line(self) -> None:
        """End a line that is under way."""
        if self._is_within:
            self.write("\n")


def _labelled(stream: TextIO) -> LabelledText:
    return LabelledText(stream.buffer, stream.encoding, stream.errors, line_buffering=True)


def _label(label: str) -> None:
    """Label what is printed from now on, in a process that shares its log with others."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, LabelledText):
            stream.begin_line()
            stream.label = label
