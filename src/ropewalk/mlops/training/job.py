"""What the engine tells a step's process, and what the process answers: two small JSON files."""

from __future__ import annotations

from pathlib import Path

import msgspec


class InputFile(msgspec.Struct, frozen=True, tag_field="kind"):
    """One input of a step, by the name of its parameter."""

    parameter: str


class TableInput(InputFile, frozen=True, tag="table"):
    """A table at one snapshot of the lake; `digest` is of its content."""

    table: str
    snapshot: int
    digest: str


class ModelInput(InputFile, frozen=True, tag="model"):
    """A logged model."""

    uri: str


class MetricsInput(InputFile, frozen=True, tag="metrics"):
    """The numbers another step returned."""

    values: dict[str, float]


class Job(msgspec.Struct, frozen=True):
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
    """

    root: str
    state: str
    path: str
    function: str
    makes: str | None
    inputs: list[TableInput | ModelInput | MetricsInput]
    parameters: dict[str, object]
    run_id: str


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a step's process found: a model's address, numbers, or the error that ended it.

    Attributes:
        error: one sentence, the error's type first.
        place: file and line of the deepest frame in the project's own code.
        wrong_product: the step ran but returned something else than it said.
    """

    model_uri: str | None = None
    metrics: dict[str, float] | None = None
    error: str | None = None
    place: tuple[str, int] | None = None
    wrong_product: bool = False


def write_job(job: Job, path: Path) -> None:
    """Write the job file."""
    path.write_bytes(msgspec.json.encode(job))


def read_job(path: Path) -> Job:
    """Read the job file."""
    return msgspec.json.decode(path.read_bytes(), type=Job)


def write_answer(answer: Answer, path: Path) -> None:
    """Write the answer so that it is either whole or not there."""
    # A process killed while it answers must leave no answer, not half of one.
    partial = path.with_suffix(".partial")
    partial.write_bytes(msgspec.json.encode(answer))
    partial.replace(path)


def read_answer(path: Path) -> Answer | None:
    """Read the answer; None when the process ended without one."""
    return msgspec.json.decode(path.read_bytes(), type=Answer) if path.is_file() else None
