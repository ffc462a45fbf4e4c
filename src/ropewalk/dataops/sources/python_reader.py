"""In its own process: calling a function below `sources/` and yielding what it yields."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import cast

from ropewalk.dataops.sources.rows_harness import NotThere
from ropewalk.dataops.sources.rows_job import RowsJob
from ropewalk.processes import load_function


def read(job: RowsJob) -> Iterator[object]:
    """Yield the items of the function that the job names.

    Raises:
        NotThere: its file does not have it.
        Exception: whatever the function raises.
    """
    path, _, name = str(job.options["function"]).partition(":")
    try:
        function = load_function(Path(job.root), path, name)
    except AttributeError:
        raise NotThere(f"{path} has no function {name!r}") from None
    parameters = cast("Mapping[str, str]", job.options["parameters"])
    given = {key: _value(text) for key, text in parameters.items()}
    if job.options["takes_since"]:
        given["since"] = job.since
    made = function(**given)
    # A function may also return all its rows at once: a frame, a list, a relation.
    yield from cast("Iterator[object]", made) if isinstance(made, Iterator) else _once(made)


def _once(made: object) -> Iterator[object]:
    if made is not None:
        yield made


def _value(text: str) -> object:
    try:
        value: object = ast.literal_eval(text)
    except ValueError:
        # `1e999` is a literal, and what Python writes for it, `inf`, is none.
        return float(text)
    return value
