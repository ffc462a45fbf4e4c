"""Trials of prompts, as MLflow's pages keep them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from ropewalk.mlops.tracking.rows.prompts import REQUIRED

Call = Callable[..., dict[str, Any]]
TRIAL = {
    "run_name": "trial",
    "prompt_template": "Say {{what}}",
    "prompt_parameters": [{"key": "what", "value": "hello"}],
    "model_route": "chat",
    "model_parameters": [{"key": "temperature", "value": "0.1"}],
    "model_input": "Say hello",
    "model_output": "hello",
    "model_output_parameters": [{"key": "latency", "value": "100"}],
    "mlflow_version": "3.11.1",
    "user_id": "ada",
    "start_time": "456",
}


def test_a_trial(call: Call, http: httpx.Client, experiment: str) -> None:
    """A trial is a finished run with what was asked as parameters, and one row of a table."""
    run = call("POST", "runs/create-promptlab-run", json={**TRIAL, "experiment_id": experiment})["run"]
    table = http.get(
        "/get-artifact", params={"run_id": run["info"]["run_id"], "path": "eval_results_table.json"}
    )

    assert (run["info"]["status"], run["info"]["start_time"], run["info"]["user_id"]) == (
        "FINISHED",
        456,
        "ada",
    )
    assert {"key": "temperature", "value": "0.1"} in run["data"]["params"]
    assert {"key": "mlflow.runSourceType", "value": "PROMPT_ENGINEERING"} in run["data"]["tags"]
    assert json.loads(table.content) == {
        "columns": ["what", "prompt", "output", "MLFLOW_latency"],
        "data": [["hello", "Say hello", "hello", "100"]],
    }


@pytest.mark.parametrize("name", REQUIRED)
def test_what_is_missing(call: Call, experiment: str, name: str) -> None:
    """What is missing is named, and no run is begun."""
    body = {**TRIAL, "experiment_id": experiment}
    del body[name]

    refused = call("POST", "runs/create-promptlab-run", 400, json=body)

    assert refused["message"] == f"CreatePromptlabRun request must specify {name}."


def test_unknown_experiment(call: Call) -> None:
    """A trial in no experiment is refused."""
    call("POST", "runs/create-promptlab-run", 404, json={**TRIAL, "experiment_id": "999"})
