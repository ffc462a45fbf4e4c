"""The protocol's row by which MLflow's pages keep one trial of a prompt as a run."""

from __future__ import annotations

import json

from msgspec import Struct

from ropewalk.mlops.tracking import artifacts, runs
from ropewalk.mlops.tracking.errors import InvalidRequest
from ropewalk.mlops.tracking.rows.row import Row
from ropewalk.mlops.tracking.runs import Batch, RunRequest
from ropewalk.mlops.tracking.wire import answers
from ropewalk.mlops.tracking.wire import models as wire
from ropewalk.mlops.tracking.wire import requests as ask
from ropewalk.pipeline import Workspace
from ropewalk.routes import Permission
from ropewalk.store import now_ms
from ropewalk.store.tracking.runs import RunChange

TABLE = "eval_results_table.json"
REQUIRED = (
    "experiment_id",
    "prompt_template",
    "prompt_parameters",
    "model_route",
    "model_input",
    "mlflow_version",
)


class CreatePromptlabRun(Struct, omit_defaults=True):
    """What MLflow's pages send; upstream has no message for it."""

    experiment_id: str | None = None
    run_name: str | None = None
    tags: list[wire.RunTag] = []
    prompt_template: str | None = None
    prompt_parameters: list[wire.Param] = []
    model_route: str | None = None
    model_parameters: list[wire.Param] = []
    model_input: str | None = None
    model_output: str | None = None
    model_output_parameters: list[wire.Param] = []
    mlflow_version: str | None = None
    user_id: str | None = None
    start_time: int | str | None = None


def _create(workspace: Workspace, asked: CreatePromptlabRun) -> ask.CreateRunResponse:
    for name in REQUIRED:
        if not getattr(asked, name):
            raise InvalidRequest(f"CreatePromptlabRun request must specify {name}.")
    tags = {
        **answers.entries(asked.tags),
        "mlflow.runSourceType": "PROMPT_ENGINEERING",
        "mlflow.loggedArtifacts": json.dumps([{"path": TABLE, "type": "table"}]),
    }
    started_at = now_ms() if asked.start_time is None else int(asked.start_time)
    request = RunRequest(
        answers.need(asked.experiment_id, "experiment_id"),
        asked.run_name,
        asked.user_id or "",
        started_at,
        tags,
    )
    run = runs.begin_run(workspace, request)
    params = {
        **answers.entries(asked.model_parameters),
        "model_route": answers.need(asked.model_route, "model_route"),
        "prompt_template": answers.need(asked.prompt_template, "prompt_template"),
    }
    runs.log_batch(workspace, run.id, Batch(params=params))
    _keep_table(workspace, run.artifact_uri, asked)
    runs.update_run(workspace, run.id, RunChange("FINISHED", now_ms()))
    return ask.CreateRunResponse(answers.run(runs.get_run(workspace, run.id)))


def _keep_table(workspace: Workspace, root_uri: str, asked: CreatePromptlabRun) -> None:
    """Keep the trial as the table of one row that MLflow's pages compare such runs by."""
    root = artifacts.proxied_path(root_uri)
    if root is None:
        raise InvalidRequest("The artifacts of this experiment are in a store that this server does not open")
    inputs, outputs = answers.entries(asked.prompt_parameters), answers.entries(asked.model_output_parameters)
    columns = [*inputs, "prompt", "output", *(f"MLFLOW_{name}" for name in outputs)]
    row = [*inputs.values(), asked.model_input, asked.model_output, *outputs.values()]
    content = json.dumps({"columns": columns, "data": [row]}).encode()
    artifacts.place_artifact(workspace, f"{root}/{TABLE}", workspace.objects.put_bytes(content))


ROWS = (Row("POST", "/mlflow/runs/create-promptlab-run", Permission.WRITE, CreatePromptlabRun, _create),)
