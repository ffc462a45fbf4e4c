"""The program a step's process runs: `python -m ropewalk.mlops.training.harness JOB ANSWER PARENT`.

It is an ordinary client: it reads the lake at the given snapshots and logs models with the unmodified MLflow client
to the address in MLFLOW_TRACKING_URI, as the user's own code in the step does. What the engine knows anyway
(parameters, inputs, returned numbers) is logged by the engine, so that a small step needs no client at all.
"""

from __future__ import annotations

import ctypes
import importlib.util
import math
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, cast

from ropewalk.mlops.training.client import active_run
from ropewalk.mlops.training.flavours import log_object
from ropewalk.mlops.training.job import (
    Answer,
    Job,
    MetricsInput,
    ModelInput,
    TableInput,
    read_job,
    write_answer,
)
from ropewalk.mlops.training.sdk import Metrics, Model, Table

if TYPE_CHECKING:
    import duckdb

PR_SET_PDEATHSIG = 1
LONGEST_ERROR = 2000


class WrongReturn(TypeError):
    """The step returned something else than its annotation says."""


def main(job_path: str, answer_path: str, parent: str) -> int:
    """Run the job of the process `parent` and write its answer; return the exit code."""
    _die_with_parent(int(parent))
    job = read_job(Path(job_path))
    # A process boundary: whatever the user's code raises becomes an answer.
    try:
        answer = _run(job)
    except BaseException as error:  # noqa: BLE001  # see above
        _print_user_frames(error, job)
        wrong = isinstance(error, WrongReturn)
        answer = Answer(error=_sentence(error), place=_user_place(error, job), wrong_product=wrong)
        write_answer(answer, Path(answer_path))
        return 1
    write_answer(answer, Path(answer_path))
    return 0


def _sentence(error: BaseException) -> str:
    """Return the error in one sentence, its type first unless it is ours."""
    # Some libraries explain themselves over a page, which is in the log.
    text = str(error).strip().partition("\n")[0]
    if not isinstance(error, WrongReturn):
        text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    # A file name from a foreign disk can hold what no encoding can write, and the answer must be written.
    return text[:LONGEST_ERROR].encode(errors="backslashreplace").decode()


def _run(job: Job) -> Answer:
    with active_run(job.run_id):
        function = _load_function(job)
        returned = function(*_inputs(job), **job.parameters)
        return _answer(returned, job)


def _load_function(job: Job) -> Callable[..., object]:
    path = Path(job.root) / job.path
    # Modules beside the step and modules from the project's root import as they do in a test.
    sys.path[:0] = [str(path.parent), job.root]
    # Python takes compiled code for current when source size and whole second agree, so an edit made right after
    # a run could execute the code before it. Without compiled files the code that runs is the code of the key.
    sys.dont_write_bytecode = True
    # Loaded by path, not by name: two projects may both have a `train.py`.
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec
    assert spec.loader
    module: ModuleType = importlib.util.module_from_spec(spec)
    # Registered, so that pickles and dataclasses of the user's module find it again.
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return cast("Callable[..., object]", getattr(module, job.function))


def _inputs(job: Job) -> list[Table | Model | Metrics]:
    """Return what the step's positional parameters receive, in their order."""
    return [_open_input(item, job) for item in job.inputs]


def _open_input(item: TableInput | ModelInput | MetricsInput, job: Job) -> Table | Model | Metrics:
    if isinstance(item, TableInput):
        return Table(item.table, lambda: _read_table(item, job))
    if isinstance(item, ModelInput):
        return Model(uri=item.uri)
    return Metrics(item.values)


def _read_table(item: TableInput, job: Job) -> duckdb.DuckDBPyRelation:
    # Only a step that looks into its tables pays for the lake.
    from ropewalk.dataops.lake import read_table

    return read_table(Path(job.state), item.table, item.snapshot)


def _answer(returned: object, job: Job) -> Answer:
    if job.makes == "Metrics":
        if not isinstance(returned, dict):
            raise _wrong(returned, job)
        metrics = Metrics(returned)
        _require_numbers(metrics, job)
        return Answer(metrics=dict(metrics))
    if job.makes == "Model":
        if not isinstance(returned, Model):
            raise _wrong(returned, job)
        # What log_model returned has an address; a bare model object is logged here, for the user.
        logged = hasattr(returned.made, "model_uri") or returned.made is None
        return Answer(model_uri=returned.uri if logged else log_object(returned.made))
    return Answer()


def _require_numbers(metrics: Metrics, job: Job) -> None:
    """Refuse what no gate could judge: a NaN is neither above a limit nor below it."""
    bad = [f"{name} is {value}" for name, value in metrics.items() if not math.isfinite(value)]
    if bad:
        message = f"{job.function} returned metrics that are no finite numbers: {', '.join(bad)}"
        raise WrongReturn(message)


def _wrong(returned: object, job: Job) -> WrongReturn:
    return WrongReturn(
        f"{job.function} says it returns {job.makes} and returned {type(returned).__qualname__}"
    )


def _user_place(error: BaseException, job: Job) -> tuple[str, int] | None:
    """Return the deepest frame of `error` that is the project's own code."""
    root = Path(job.root)
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        # The last frame is often deep inside a library; the user wants the line of their own file.
        if _is_users(frame.filename, job):
            return Path(frame.filename).relative_to(root).as_posix(), frame.lineno or 1
    return None


def _print_user_frames(error: BaseException, job: Job) -> None:
    """Print the traceback into the log, from the user's first frame on: what called it is none of their business."""
    found = error.__traceback__
    while found and not _is_users(found.tb_frame.f_code.co_filename, job):
        found = found.tb_next
    traceback.print_exception(error.with_traceback(found))


def _is_users(filename: str, job: Job) -> bool:
    path = Path(filename)
    return path.is_relative_to(job.root) and ".venv" not in path.parts


def _die_with_parent(parent: int) -> None:
    """Have the kernel end this process when the engine dies, however it dies (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    # The engine may have died while this process was still importing: nobody would ever end it then.
    if os.getppid() != parent:
        os._exit(1)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
