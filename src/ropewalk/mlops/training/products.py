"""What a step returned, held against what it says it makes, and put where the engine can keep it.

This is the step's side: it runs in the step's process. The engine's side is `outputs.py`.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from ropewalk.mlops.training.flavours import log_object
from ropewalk.mlops.training.job import Answer, Job
from ropewalk.mlops.training.sdk import Files, Metrics, Model, Table
from ropewalk.processes import write_parquet


class WrongReturn(TypeError):
    """The step returned something else than its annotation says."""


def answer_of(returned: object, job: Job) -> Answer:
    """Return the answer that tells the engine what the step made.

    Raises:
        WrongReturn: it is not what the step says it makes, or cannot be kept.
    """
    make = _ANSWERS.get(job.makes or "")
    return make(returned, job) if make else Answer()


def _metrics(returned: object, job: Job) -> Answer:
    if not isinstance(returned, dict):
        raise _wrong(returned, job)
    metrics = Metrics(returned)
    # What no gate could judge: a NaN is neither above a limit nor below it.
    bad = [f"{name} is {value}" for name, value in metrics.items() if not math.isfinite(value)]
    if bad:
        message = f"{job.function} returned metrics that are no finite numbers: {', '.join(bad)}"
        raise WrongReturn(message)
    return Answer(metrics=dict(metrics))


def _model(returned: object, job: Job) -> Answer:
    if not isinstance(returned, Model):
        raise _wrong(returned, job)
    # What log_model returned has an address; a bare model object is logged here, for the user.
    logged = hasattr(returned.made, "model_uri") or returned.made is None
    return Answer(model_uri=returned.uri if logged else log_object(returned.made))


def _table(returned: object, job: Job) -> Answer:
    if not isinstance(returned, Table):
        raise _wrong(returned, job, "; return Table.of(...)")
    path = Path(job.staging) / "table.parquet"
    try:
        write_parquet(returned.relation(), str(path))
    except (TypeError, ValueError) as error:
        raise WrongReturn(f"{job.function} returned a table that cannot be kept: {error}") from error
    return Answer(table=str(path))


def _files(returned: object, job: Job) -> Answer:
    if not isinstance(returned, Files):
        raise _wrong(returned, job, "; return Files(path)")
    staging, path = Path(job.staging), returned.path.absolute()
    if not path.exists():
        raise WrongReturn(f"{job.function} returned Files of {returned.path}, where there is nothing")
    if not path.is_relative_to(staging):
        # Anything outside can be gone, or changed, by the time the engine looks: a temporary folder ends here.
        path = _copy(path.resolve(), staging / f"kept-{os.urandom(8).hex()}")
    return Answer(files=str(path))


def _copy(path: Path, folder: Path) -> Path:
    # It brings four packers along, for which every step would pay.
    import shutil

    folder.mkdir()
    target = folder / path.name
    if path.is_dir():
        # Links stay links, so that one which leads out of the folder is found by the engine.
        shutil.copytree(path, target, symlinks=True)
    else:
        shutil.copy(path, target)
    return target


def _wrong(returned: object, job: Job, hint: str = "") -> WrongReturn:
    return WrongReturn(
        f"{job.function} says it returns {job.makes} and returned {type(returned).__qualname__}{hint}"
    )


_ANSWERS: Mapping[str, Callable[[object, Job], Answer]] = {
    "Metrics": _metrics,
    "Model": _model,
    "Table": _table,
    "Files": _files,
}
