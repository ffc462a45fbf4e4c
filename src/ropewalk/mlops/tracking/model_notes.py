"""What clients of MLflow 2 say of each model that they log: kept in a tag of the run, as their pages read it."""

from __future__ import annotations

import json

from ropewalk.mlops.tracking import limits
from ropewalk.mlops.tracking.errors import InvalidRequest
from ropewalk.mlops.tracking.runs import require_active_run
from ropewalk.pipeline import Workspace
from ropewalk.store.tracking import runs as table

TAG = "mlflow.log-model.history"
# A run that logs a model for each of a hundred folds still fits, which MLflow's own width for tags does not allow.
WIDTH = 500_000
# Signatures and packages stand in the model's own files; with them a few models would fill the tag.
_KEPT = (
    "artifact_path",
    "flavors",
    "model_uuid",
    "run_id",
    "utc_time_created",
    "mlflow_version",
    "model_size_bytes",
)


def note_model(workspace: Workspace, run_id: str, text: str) -> None:
    """Add what a client says of a model to the run's history of models; said twice it stands there once.

    Raises:
        InvalidRequest: it is no JSON object, or misses what a model has.
        RequestTooLarge: the history would be too long.
        UnknownRun: there is no such run.
        NotActive: it is deleted.
    """
    note = _read(text)
    with workspace.database.write() as connection:
        number = require_active_run(connection, run_id).number
        history = json.loads(table.read_runs(connection, [number])[0].tags.get(TAG, "[]"))
        if note in history:
            return
        written = json.dumps([*history, note])
        limits.check_length(f"Tag value of '{TAG}'", written, WIDTH)
        table.set_run_tags(connection, number, {TAG: written})


def _read(text: str) -> dict[str, object]:
    try:
        model = json.loads(text)
    except (ValueError, RecursionError):
        model = None
    if not isinstance(model, dict):
        raise InvalidRequest("Malformed model info: 'model_json' is no JSON object")
    missing = [
        name for name in ("artifact_path", "flavors", "utc_time_created", "run_id") if name not in model
    ]
    if missing:
        raise InvalidRequest(f"Model json is missing mandatory fields: {', '.join(missing)}")
    return {name: model[name] for name in _KEPT if name in model}
