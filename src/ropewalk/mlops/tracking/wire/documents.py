"""Answers made of runs that the database has written as JSON already; they are passed on as they are."""

from __future__ import annotations

import msgspec
from msgspec import Raw, Struct

from ropewalk.mlops.tracking.wire import answers
from ropewalk.store.tracking.run_documents import RunDocument


class RunAnswer(Struct):
    """MLflow's `mlflow.GetRun.Response`, its run being JSON already."""

    run: Raw


class RunsAnswer(Struct, omit_defaults=True):
    """MLflow's `mlflow.SearchRuns.Response`, its runs being JSON already."""

    runs: list[Raw] = []
    next_page_token: str | None = None


def run(found: RunDocument) -> Raw:
    """Return a run with all it logged as MLflow writes it."""
    # Most runs name nothing that they read or made.
    uses = _uses(found) if found.datasets or found.models else '"inputs":{},"outputs":{}'
    return Raw(f'{{"info":{found.info},"data":{found.data},{uses}}}'.encode())


def _uses(found: RunDocument) -> str:
    inputs, outputs = answers.run_inputs(found.datasets, found.models), answers.run_outputs(found.models)
    return f'"inputs":{_text(inputs)},"outputs":{_text(outputs)}'


def _text(content: Struct) -> str:
    return msgspec.json.encode(content).decode()
