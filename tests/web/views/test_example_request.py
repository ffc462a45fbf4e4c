"""The command to copy: it names this server, the key and the example the model was logged with."""

from __future__ import annotations

import json
import shlex

import pytest

from ropewalk.pipeline import Workspace
from ropewalk.store.deployments import Deployment, Target, current_deployment
from ropewalk.web.views.example_request import _first_row, example_request


def body_of(command: str) -> dict:
    """Return what a shell would send."""
    return json.loads(shlex.split(command.replace("\\\n", ""))[-1])


def test_request_names_key_and_time(flights: Workspace) -> None:
    """The row identifies what is predicted, and places it in time where a monitor looks."""
    deployment = current_deployment(flights.database, "dev", "late")
    assert deployment

    command = example_request(flights, deployment, "http://127.0.0.1:1", "scheduled_at")

    assert command.startswith("curl http://127.0.0.1:1/deployments/late/invocations ")
    assert set(body_of(command)["dataframe_records"][0]) == {"flight_id", "scheduled_at"}


def test_names_are_quoted_for_the_shell(flights: Workspace) -> None:
    """A name cannot end the command and begin another."""
    deployment = Deployment("dev", "a/b c", 1, Target("gone", 1, "d", "it's; rm -rf ~"), None, 0)

    command = example_request(flights, deployment, "http://127.0.0.1:1")

    assert "/deployments/a%2Fb%20c/invocations" in command
    assert body_of(command) == {"dataframe_records": [{"it's; rm -rf ~": "1"}]}


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ('{"dataframe_split": {"columns": ["a", "b"], "data": [[1, "x"], [2, "y"]]}}', {"a": 1, "b": "x"}),
        ('{"dataframe_split": {"columns": ["a"], "data": []}}', {}),
        ('{"dataframe_split": {"columns": ["a"], "data": [[1, 2]]}}', {}),
        ('{"dataframe_split": 3}', {}),
        ('{"inputs": [1]}', {}),
        ("[]", {}),
        ("nonsense", {}),
        ("", {}),
    ],
)
def test_example_of_any_shape(text: str, row: dict) -> None:
    """MLflow's example is read, and anything else does no harm."""
    assert _first_row(text) == row
