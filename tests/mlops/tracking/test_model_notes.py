"""What clients of MLflow 2 say of the models that they log."""

from __future__ import annotations

import json

import pytest

from ropewalk.mlops.tracking import create_run, get_run
from ropewalk.mlops.tracking.errors import InvalidRequest, NotActive, RequestTooLarge, UnknownRun
from ropewalk.mlops.tracking.model_notes import TAG, note_model
from ropewalk.mlops.tracking.runs import move_run
from ropewalk.pipeline import Workspace

MODEL = {"artifact_path": "model", "flavors": {"sklearn": {}}, "utc_time_created": "2024", "run_id": "r"}


def test_history(workspace: Workspace) -> None:
    """Each model stands in the run's history once, without what its own files hold."""
    run = create_run(workspace, "notes", "two", {}, {})
    for path in ("a", "b", "a"):
        note_model(workspace, run, json.dumps({**MODEL, "artifact_path": path, "signature": {"inputs": "x"}}))

    history = json.loads(get_run(workspace, run).tags[TAG])
    assert [note["artifact_path"] for note in history] == ["a", "b"]
    assert "signature" not in history[0]


@pytest.mark.parametrize("text", ["", "1", "[]", "{}", json.dumps({**MODEL, "run_id": 1})[:-9]])
def test_bad_notes(workspace: Workspace, text: str) -> None:
    """A note is an object with what every model has."""
    run = create_run(workspace, "notes", "bad", {}, {})

    with pytest.raises(InvalidRequest):
        note_model(workspace, run, text)
    assert TAG not in get_run(workspace, run).tags


def test_a_history_has_an_end(workspace: Workspace) -> None:
    """The tag does not grow without bound."""
    run = create_run(workspace, "notes", "long", {}, {})

    with pytest.raises(RequestTooLarge):
        note_model(workspace, run, json.dumps({**MODEL, "flavors": {"x": "y" * 500_000}}))


def test_runs_that_take_no_notes(workspace: Workspace) -> None:
    """A run has to be there, and not deleted."""
    run = create_run(workspace, "notes", "gone", {}, {})
    move_run(workspace, run, "deleted")

    with pytest.raises(NotActive):
        note_model(workspace, run, json.dumps(MODEL))
    with pytest.raises(UnknownRun):
        note_model(workspace, "no", json.dumps(MODEL))
