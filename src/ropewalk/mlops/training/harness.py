"""The program a step's process runs: started by its warden with the paths of JOB and ANSWER.

It is an ordinary client: it reads the lake at the given snapshots and logs models with the unmodified MLflow client
to the address in MLFLOW_TRACKING_URI, as the user's own code in the step does. What the engine knows anyway
(parameters, inputs, returned numbers) is logged by the engine, so that a small step needs no client at all.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from ropewalk.mlops.training.audit import note_table, record_reads
from ropewalk.mlops.training.child_reads import record_in_children
from ropewalk.mlops.training.client import active_run
from ropewalk.mlops.training.interval_workers import PARTS, claimed_calls, fork_workers
from ropewalk.mlops.training.job import (
    READS,
    UNANSWERED,
    Answer,
    FilesInput,
    Job,
    ModelInput,
    StepInput,
    TableInput,
    read_job,
    write_answer,
)
from ropewalk.mlops.training.mentions import note_mentions
from ropewalk.mlops.training.products import WrongReturn, answer_of
from ropewalk.mlops.training.sdk import Files, Metrics, Model, Table
from ropewalk.mlops.training.staging import use_staging
from ropewalk.mlops.training.variables import record_variables
from ropewalk.processes import is_projects, load_function, user_place

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import duckdb

    from ropewalk.dataops.lake import LakeHome

LONGEST_ERROR = 2000


def main(job_path: str, answer_path: str) -> int:
    """Run the job and write its answer; return the exit code."""
    # A crash in native code leaves at least the lines it came from in the log.
    faulthandler.enable()
    # Line by line, so that whoever watches sees them now, and none is lost with a process that dies.
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # a file, in a process of our own
    job = read_job(Path(job_path))
    # What a command line in the step's file would read: no arguments.
    sys.argv = [str(Path(job.root, job.path))]
    if job.workers == 1:
        return _write(_answer(job), Path(answer_path))
    # Before anything of the user's is loaded: some libraries do not bear to be forked.
    found = fork_workers(job, Path(answer_path))
    if isinstance(found, Path):
        return _write(_answer(job), found)
    return found if isinstance(found, int) else _write(found, Path(answer_path))


def _answer(job: Job) -> Answer:
    # A process boundary: whatever the user's code raises becomes an answer.
    try:
        return _run(job)
    except BaseException as error:  # noqa: BLE001  # see above
        return _told(error, job)


def _write(answer: Answer, path: Path) -> int:
    try:
        write_answer(answer, path)
    except OSError as error:
        sys.stderr.write(f"ropewalk: what the step returned could not be written down: {error}\n")
        return UNANSWERED
    return 1 if answer.error else 0


def _told(error: BaseException, job: Job) -> Answer:
    # The step may have closed the stream that its traceback goes to.
    with contextlib.suppress(OSError, ValueError):
        _print_user_frames(error, job)
    return Answer(
        error=_sentence(error),
        place=user_place(error, Path(job.root)),
        wrong_product=isinstance(error, WrongReturn),
        raised=tuple(kind.__name__ for kind in type(error).__mro__),
    )


def _sentence(error: BaseException) -> str:
    """Return the error in one sentence, its type first unless it is ours."""
    # Some libraries explain themselves over a page, which is in the log.
    text = str(error).strip().partition("\n")[0]
    if not isinstance(error, WrongReturn):
        text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    # A file name from a foreign disk can hold what no encoding can write, and the answer must be written.
    return text[:LONGEST_ERROR].encode(errors="backslashreplace").decode()


def _run(job: Job) -> Answer:
    use_staging(Path(job.staging))
    _record(job)
    with active_run(job.run_id):
        function = load_function(Path(job.root), job.path, job.function)
        answer = (
            _call_each(function, job)
            if job.calls
            else answer_of(function(*_inputs(job), **job.parameters), job)
        )
        note_mentions(Path(job.root), Path(job.state))
        return answer


def _record(job: Job) -> None:
    """Write down from now on what the step reads of the project, and which variables it looks at."""
    root, log, excluded = Path(job.root), Path(job.staging, READS), [Path(job.state)]
    # On a full disk the step itself says best what does not work.
    with contextlib.suppress(OSError):
        record_in_children(root, log, excluded)
    record_reads(root, log, excluded)
    record_variables(root)


def _call_each(function: Callable[..., object], job: Job) -> Answer:
    """Call the step once for each interval, and put the rows of each call into a file of their own."""
    folder = Path(job.staging, PARTS)
    for call, part in claimed_calls(job, folder):
        try:
            returned = function(*_inputs(job, call.where), **job.parameters)
            answer_of(returned, job._replace(staging=str(part)))
        except Exception as error:
            # The last line that the log has of it.
            error.add_note(f"in the interval {call.label}")
            raise
    return Answer(table=str(folder))


def _inputs(job: Job, where: Mapping[str, str] | None = None) -> list[Table | Model | Metrics | Files]:
    """Return what the step's positional parameters receive, in their order: of tables the rows that are asked for."""
    return [_open_input(_cut(item, where or {}), job) for item in job.inputs]


def _cut(item: StepInput, where: Mapping[str, str]) -> StepInput:
    return item._replace(where=where.get(item.parameter)) if isinstance(item, TableInput) else item


def _open_input(item: StepInput, job: Job) -> Table | Model | Metrics | Files:
    if isinstance(item, TableInput):
        return Table(item.table, lambda: _read_table(item, job), lambda moment: _read_past(item, moment, job))
    if isinstance(item, ModelInput):
        return Model(uri=item.uri)
    if isinstance(item, FilesInput):
        return Files(item.path)
    return Metrics(item.values)


def _read_table(item: TableInput, job: Job) -> duckdb.DuckDBPyRelation:
    rows = _read_whole(item, job)
    return rows.filter(item.where) if item.where else rows


def _read_whole(item: TableInput, job: Job) -> duckdb.DuckDBPyRelation:
    if item.parquet:
        # An environment of the step's own, where Ropewalk's other packages need not be.
        import duckdb

        return duckdb.read_parquet(item.parquet)
    # Only a step that looks into its tables pays for the lake.
    from ropewalk.dataops.lake import read_table

    return read_table(_lake_home(job), item.table, item.snapshot)


def _read_past(item: TableInput, moment: str, job: Job) -> duckdb.DuckDBPyRelation:
    """Return the table as it was at `moment`, and write down that it was read."""
    # Only a step that asks for the past pays for it.
    from ropewalk.dataops.lake import Lake, moment_fact, moment_of_table

    lake = Lake(_lake_home(job))
    snapshot = moment_of_table(lake, item.table, moment)
    note_table(Path(job.staging, READS), f"{item.table}@{moment}", moment_fact(lake, item.table, moment))
    return _cut_past(lake.read_at(item.table, snapshot), item, moment)


def _cut_past(rows: duckdb.DuckDBPyRelation, item: TableInput, moment: str) -> duckdb.DuckDBPyRelation:
    """Return what `rows`, the table as it was, holds of the interval that the step is called for."""
    if item.where is None:
        return rows
    import duckdb

    try:
        return rows.filter(item.where)
    except duckdb.Error as error:
        why = str(error).partition("\n")[0]
        message = f"{item.table} at {moment} cannot be cut to the interval that the step makes: {why}"
        raise ValueError(message) from error


def _lake_home(job: Job) -> LakeHome:
    from ropewalk.dataops.lake import find_home
    from ropewalk.settings import load_settings

    # The engine's variables are the process's too; what they hold must not be written into the job's file.
    return find_home(load_settings(os.environ), Path(job.state), Path(job.root))


def _print_user_frames(error: BaseException, job: Job) -> None:
    """Print the traceback into the log, from the user's first frame on: what called it is none of their business."""
    found = error.__traceback__
    while found and not is_projects(Path(found.tb_frame.f_code.co_filename), Path(job.root)):
        found = found.tb_next
    traceback.print_exception(error.with_traceback(found))
