"""A command to copy that asks a deployment for one prediction."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from urllib.parse import quote

from ropewalk.errors import NotFound
from ropewalk.mlops.registry import get_version
from ropewalk.mlops.tracking import logged_model_files
from ropewalk.pipeline import JSON, Workspace
from ropewalk.store.deployments import Deployment

# What MLflow writes beside a model that was logged with an example.
EXAMPLE_FILE = "serving_input_example.json"


def example_request(
    workspace: Workspace, deployment: Deployment, origin: str, time: str | None = None
) -> str:
    """Return a curl command with the example row that the model was logged with, where there is one.

    Args:
        workspace: the open project.
        deployment: whom to ask.
        origin: where this server is reached.
        time: the column that a monitor places predictions in time by.
    """
    row: dict[str, JSON] = {deployment.target.key_column: "1"}
    row |= {time: "2026-01-31T08:00:00"} if time else {}
    row |= logged_example(workspace, deployment)
    body = json.dumps({"dataframe_records": [row]}, ensure_ascii=False)
    address = f"{origin}/deployments/{quote(deployment.name, safe='')}/invocations"
    return f"curl {address} \\\n  -H 'content-type: application/json' \\\n  -d {shlex.quote(body)}"


def logged_example(workspace: Workspace, deployment: Deployment) -> Mapping[str, JSON]:
    """Return the first row of the example that the deployed model was logged with; empty when it has none."""
    target = deployment.target
    try:
        version = get_version(workspace, target.model, str(target.version))
        files = logged_model_files(workspace, version.model_id) if version.model_id else {}
        found = next((stored for path, stored in files.items() if path.endswith(EXAMPLE_FILE)), None)
        text = workspace.objects.path(found.digest).read_text(encoding="utf-8") if found else "{}"
    except NotFound:
        # The version or its files were removed meanwhile: the page still has all the rest to show.
        return {}
    return _first_row(text)


def _first_row(text: str) -> Mapping[str, JSON]:
    """Read MLflow's example, whatever a client made of it."""
    try:
        split = json.loads(text).get("dataframe_split")
        return dict(zip(split["columns"], split["data"][0], strict=True)) if split else {}
    except (ValueError, LookupError, TypeError, AttributeError):
        return {}
