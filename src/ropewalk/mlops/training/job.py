"""What the engine tells a step's process, and what the process answers: two small JSON files.

Read and written with the standard library alone, because a step may run in an environment that has nothing else. They
are named tuples and no dataclasses, whose module takes each step's process longer to import than all of this.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, TypeAlias

# The file of the staging folder in which the process writes down what it reads.
READS = "reads.jsonl"
# Exit code of a step's process that found no room to write its answer.
UNANSWERED = 74


class TableInput(NamedTuple):
    """A table at one snapshot of the lake; `digest` is of its content.

    Attributes:
        parquet: a file that holds its rows, for a process that cannot open the lake.
        where: the SQL condition of the rows that are seen.
    """

    parameter: str
    table: str
    snapshot: int
    digest: str
    parquet: str | None = None
    where: str | None = None


class ModelInput(NamedTuple):
    """A logged model."""

    parameter: str
    uri: str


class MetricsInput(NamedTuple):
    """The numbers another step returned."""

    parameter: str
    values: dict[str, float]


class FilesInput(NamedTuple):
    """Files another step made; `path` is this execution's own copy of them."""

    parameter: str
    path: str


StepInput: TypeAlias = TableInput | ModelInput | MetricsInput | FilesInput
_INPUTS = {kind.__name__: kind for kind in (TableInput, ModelInput, MetricsInput, FilesInput)}


class Call(NamedTuple):
    """One call of a step that makes its table in parts.

    Attributes:
        label: the interval that it is for.
        where: the SQL condition of the rows that it is given, by parameter.
    """

    label: str
    where: dict[str, str]


class Job(NamedTuple):
    """One execution of one step.

    Attributes:
        root: the project's folder.
        state: the folder with the lake.
        path: the step's file, relative to the root.
        function: the step's name.
        makes: what its annotation says.
        inputs: its inputs in the order of its parameters.
        parameters: its tracked parameters.
        run_id: the tracked run prepared for it.
        staging: a folder of this execution's own, on the disk of the object store; it ends with the execution.
        calls: the calls of a step that makes its table in parts; the others are called once.
        workers: how many processes share the calls.
    """

    root: str
    state: str
    path: str
    function: str
    makes: str | None
    inputs: list[StepInput]
    parameters: dict[str, object]
    run_id: str
    staging: str = ""
    calls: tuple[Call, ...] = ()
    workers: int = 1


class Answer(NamedTuple):
    """What a step's process found: what it made, or the error that ended it.

    Attributes:
        model_uri: a model's address.
        metrics: numbers.
        table: the Parquet file with a table's rows, or the folder with a file for each call.
        files: the file or folder in the staging folder that is to be kept.
        error: one sentence, the error's type first.
        place: file and line of the deepest frame in the project's own code.
        wrong_product: the step ran but returned something else than it said.
        raised: names of the classes of the error, the error's own first.
    """

    model_uri: str | None = None
    metrics: dict[str, float] | None = None
    table: str | None = None
    files: str | None = None
    error: str | None = None
    place: tuple[str, int] | None = None
    wrong_product: bool = False
    raised: tuple[str, ...] = ()


def write_job(job: Job, path: Path) -> None:
    """Write the job file."""
    inputs = [{"kind": type(item).__name__, **item._asdict()} for item in job.inputs]
    parameters = {name: _told(value) for name, value in job.parameters.items()}
    content = {**job._asdict(), "inputs": inputs, "parameters": parameters}
    path.write_text(json.dumps(content), encoding="utf-8")


def read_job(path: Path) -> Job:
    """Read the job file."""
    content = json.loads(path.read_text(encoding="utf-8"))
    inputs = [_input(item) for item in content.pop("inputs")]
    parameters = {name: _meant(value) for name, value in content.pop("parameters").items()}
    calls = tuple(Call(*item) for item in content.pop("calls"))
    return Job(**content, inputs=inputs, parameters=parameters, calls=calls)


def _told(value: object) -> object:
    """Return a parameter for JSON; what that has no word for (tuples, sets, bytes, infinities) travels as source."""
    if isinstance(value, str | bool | int | None) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return [repr(value)]


def _meant(told: object) -> object:
    if not isinstance(told, list):
        return told
    # Few parameters need it, and it is not cheap to import.
    import ast

    try:
        value: object = ast.literal_eval(told[0])
    except ValueError:
        # `1e999` is a literal, and what Python writes for it, `inf`, is none.
        return float(told[0])
    return value


def _input(item: Mapping[str, object]) -> StepInput:
    fields = {name: value for name, value in item.items() if name != "kind"}
    return _INPUTS[str(item["kind"])](**fields)  # type: ignore[arg-type]  # written by `write_job` from the same class


def write_answer(answer: Answer, path: Path) -> None:
    """Write the answer so that it is either whole or not there."""
    # A process killed while it answers must leave no answer, not half of one.
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(answer._asdict()), encoding="utf-8")
    partial.replace(path)


def read_answer(path: Path) -> Answer | None:
    """Read the answer; None when the process ended without one."""
    if not path.is_file():
        return None
    content = json.loads(path.read_text(encoding="utf-8"))
    place, raised = content.pop("place"), content.pop("raised")
    return Answer(**content, place=(place[0], place[1]) if place else None, raised=tuple(raised))
