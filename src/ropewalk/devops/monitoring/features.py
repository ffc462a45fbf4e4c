"""Which columns a model takes, as the signature says that it was logged with."""

from __future__ import annotations

import json

import yaml

from ropewalk.errors import NotFound
from ropewalk.mlops.registry import ModelVersion, get_version
from ropewalk.mlops.tracking import logged_model_files
from ropewalk.pipeline import Graph, Workspace, current_records

MODEL = "model:"


def signature_columns(workspace: Workspace, version: ModelVersion) -> list[str] | None:
    """Return the columns the model reads; None when it was logged without a signature that names them."""
    files = logged_model_files(workspace, version.model_id) if version.model_id else {}
    # A model that was registered by a client may live elsewhere.
    if "MLmodel" not in files:
        return None
    text = workspace.objects.path(files["MLmodel"].digest).read_text(encoding="utf-8")
    signature = yaml.safe_load(text).get("signature") or {}
    columns = json.loads(signature.get("inputs") or "[]")
    return [column["name"] for column in columns if "name" in column] or None


def step_features(workspace: Workspace, graph: Graph) -> dict[str, frozenset[str]]:
    """Return the columns, in lower case, that the current models of each step take, by the step's id.

    A step of whose models one has no signature is left out: it may read anything.
    """
    found: dict[str, set[str]] = {}
    open_steps: set[str] = set()
    for node_id, record in current_records(workspace).items():
        if not node_id.startswith(MODEL) or node_id not in graph.nodes:
            continue
        names = _columns(workspace, record.output.reference.removeprefix(MODEL))
        for step in {upstream for upstream in graph.inputs[node_id].values() if upstream.startswith("step:")}:
            if names is None:
                open_steps.add(step)
            found.setdefault(step, set()).update(name.lower() for name in names or ())
    return {step: frozenset(names) for step, names in found.items() if step not in open_steps}


def _columns(workspace: Workspace, model_version: str) -> list[str] | None:
    model, _, number = model_version.rpartition("/")
    try:
        return signature_columns(workspace, get_version(workspace, model, number))
    except NotFound:
        # It was deleted meanwhile; what it took is not known any more.
        return None
