"""What the engine tells a process that brings rows, and what it hears back; only modules of the interpreter itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

RECORDS = "records.ndjson"
TABLES = "table-*.parquet"


class RowsJob(NamedTuple):
    """One reading of one source.

    Attributes:
        reader: the module of ours whose `read` yields the rows.
        root: the project's folder.
        folder: where rows are to be written; this execution's own.
        options: what the reader has to know. Secrets are named in it, never held: the process looks them up itself.
        since: how far the source is loaded.
    """

    reader: str
    root: str
    folder: str
    options: Mapping[str, object]
    since: str | None = None


class RowsAnswer(NamedTuple):
    """What came of it.

    Attributes:
        rows: how many rows were written.
        state: how far the source is loaded now, where the reader knows.
        hints: how the rows land when the declaration does not say so: `write` and `key`.
        error: one sentence, the error's type first.
        place: file and line of the deepest frame in the project's own code.
        missing: the extra of our package that is not installed.
        not_found: whether the error is that something named in the declaration is not there.
    """

    rows: int = 0
    state: str | None = None
    hints: Mapping[str, object] | None = None
    error: str | None = None
    place: tuple[str, int] | None = None
    missing: str | None = None
    not_found: bool = False


def write_job(job: RowsJob, path: Path) -> None:
    """Write the job file."""
    path.write_text(json.dumps(job._asdict()), encoding="utf-8")


def read_job(path: Path) -> RowsJob:
    """Read the job file."""
    return RowsJob(**json.loads(path.read_text(encoding="utf-8")))


def write_answer(answer: RowsAnswer, path: Path) -> None:
    """Write the answer so that it is either whole or not there."""
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(answer._asdict()), encoding="utf-8")
    partial.replace(path)


def read_answer(path: Path) -> RowsAnswer | None:
    """Read the answer; None when the process ended without one."""
    if not path.is_file():
        return None
    content = json.loads(path.read_text(encoding="utf-8"))
    place = content.pop("place")
    return RowsAnswer(**content, place=(place[0], place[1]) if place else None)
