"""What a step is given: each output that it needs, in the form in which its process can take it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from ropewalk.dataops.lake import TableName, literal, open_lake, table_of
from ropewalk.mlops.tracking import Dataset
from ropewalk.mlops.training.attempt import Attempt
from ropewalk.mlops.training.errors import InvalidStep
from ropewalk.mlops.training.files_product import place_files, read_manifest
from ropewalk.mlops.training.held import FILES
from ropewalk.mlops.training.job import FilesInput, MetricsInput, ModelInput, StepInput, TableInput
from ropewalk.pipeline import JSON, Output, Workspace
from ropewalk.project import StepDeclaration


def step_inputs(attempt: Attempt) -> list[StepInput]:
    """Return what the step's positional parameters stand for, in their order.

    What its process cannot reach by itself is put into the attempt's folder.

    Raises:
        InvalidStep: the step cannot take one of them.
        ObjectMissing: a file's bytes are not in the store.
    """
    task, step = attempt.task, attempt.step
    found = [_input(name, task.input_ids[name], task.inputs[name], step) for name, _ in step.needs]
    return [_placed(item, attempt) for item in found]


def datasets(inputs: Iterable[StepInput]) -> list[Dataset]:
    """Return which snapshots the run reads, as MLflow's clients describe data sets."""
    return [
        Dataset(
            name=item.table,
            # MLflow allows 36 characters for a digest.
            digest=item.digest[:36],
            source_type="ropewalk",
            source=json.dumps({"table": item.table, "snapshot": item.snapshot}),
            tags={"mlflow.data.context": "training"},
        )
        for item in inputs
        if isinstance(item, TableInput)
    ]


def tables_read(inputs: Iterable[StepInput]) -> list[JSON]:
    """Return the snapshots the step read, as the registry keeps them."""
    return [
        {"table": item.table, "snapshot": item.snapshot, "digest": item.digest}
        for item in inputs
        if isinstance(item, TableInput)
    ]


def _input(name: str, node_id: str, output: Output, step: StepDeclaration) -> StepInput:
    kind, _, rest = output.reference.partition(":")
    # The step reads the content that its key was computed from, even if the lake moves on meanwhile.
    if kind == "snapshot":
        return TableInput(name, table_of(node_id) or node_id, int(rest), output.digest)
    if kind == "logged_model":
        return ModelInput(name, f"models:/{rest}")
    if kind == FILES:
        return FilesInput(name, rest)
    metrics = output.summary.get("metrics")
    if isinstance(metrics, dict):
        return MetricsInput(name, {metric: float(str(value)) for metric, value in metrics.items()})
    raise InvalidStep(f"step {step.name!r} cannot take {node_id} as its input {name!r}", place=step.place)


def _placed(item: StepInput, attempt: Attempt) -> StepInput:
    workspace, folder = attempt.task.workspace, attempt.folder / "inputs" / item.parameter
    if isinstance(item, FilesInput):
        path = place_files(read_manifest(item.path, workspace.objects), workspace.objects, folder)
        return FilesInput(item.parameter, str(path))
    # An environment of the step's own need not have what opens the lake.
    if isinstance(item, TableInput) and attempt.interpreter.is_own:
        folder.mkdir(parents=True)
        return _exported(item, folder / "rows.parquet", workspace)
    return item


def _exported(item: TableInput, path: Path, workspace: Workspace) -> TableInput:
    rows = TableName.parse(item.table).at(item.snapshot)
    with open_lake(workspace).cursor() as connection:
        connection.execute(f"COPY (FROM {rows}) TO {literal(str(path))} (FORMAT parquet)")
    return item._replace(parquet=str(path))
