"""The program that a process which brings rows runs: started by its warden with the paths of JOB and ANSWER."""

from __future__ import annotations

import faulthandler
import importlib
import sys
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path

from ropewalk.dataops.sources.rows_job import RowsAnswer, RowsJob, read_job, write_answer
from ropewalk.dataops.sources.rows_writer import RowsWriter
from ropewalk.processes import user_place

LONGEST_ERROR = 2000
# What a reader yields besides rows: how far the source is loaded.
Items = Iterable[object]


class State(str):
    """A text that a reader yields in place of a row: how far the source is loaded once all rows before it are."""

    __slots__ = ()


class Hints(dict[str, object]):
    """How rows land when the declaration does not say so: `write` and `key`; yielded in place of a row."""


class NotThere(Exception):
    """Something that the declaration names is not there."""


def main(job_path: str, answer_path: str) -> int:
    """Run the job and write its answer; return the exit code."""
    # A crash in native code leaves at least the lines it came from in the log.
    faulthandler.enable()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # a file, in a process of our own
    job = read_job(Path(job_path))
    sys.argv = [job.reader]
    # A process boundary: whatever the user's code raises becomes an answer.
    try:
        answer = _run(job)
    except BaseException as error:  # noqa: BLE001  # see above
        traceback.print_exception(error)
        answer = _told(error, Path(job.root))
    write_answer(answer, Path(answer_path))
    return 1 if answer.error else 0


def _run(job: RowsJob) -> RowsAnswer:
    read: Callable[[RowsJob], Items] = importlib.import_module(job.reader).read
    state, hints = None, None
    with RowsWriter(Path(job.folder)) as writer:
        for item in read(job):
            if isinstance(item, State):
                state = str(item)
            elif isinstance(item, Hints):
                hints = dict(item)
            else:
                writer.write(item)
    return RowsAnswer(rows=writer.rows, state=state, hints=hints)


def _told(error: BaseException, root: Path) -> RowsAnswer:
    text = str(error).strip().partition("\n")[0]
    is_ours = isinstance(error, NotThere)
    told = text if is_ours else f"{type(error).__name__}: {text}" if text else type(error).__name__
    shown = told[:LONGEST_ERROR].encode(errors="backslashreplace").decode()
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    return RowsAnswer(error=shown, place=user_place(error, root), missing=missing, not_found=is_ours)
