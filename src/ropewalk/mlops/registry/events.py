"""What is told to webhooks of models, versions and aliases: written into the outbox with the change itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from ropewalk.store import Connection
from ropewalk.store import registry as table
from ropewalk.store.registry import ModelVersion, RegisteredModel
from ropewalk.store.tracking.webhooks import add_deliveries, is_anyone_listening

# MLflow keeps a prompt as a registered model with the first tag, and its text in the second of each version.
IS_PROMPT, PROMPT_TEXT = "mlflow.prompt.is_prompt", "mlflow.prompt.text"
_INNER = frozenset({IS_PROMPT, PROMPT_TEXT, "_mlflow_prompt_type"})
_OF_PROMPTS = {
    "registered_model": "prompt",
    "registered_model_tag": "prompt_tag",
    "model_version": "prompt_version",
    "model_version_tag": "prompt_version_tag",
    "model_version_alias": "prompt_alias",
}


def announce(connection: Connection, name: str, entity: str, action: str, data: Mapping[str, object]) -> None:
    """Tell webhooks of a change to the registered model `name`, if anybody listens."""
    if not is_anyone_listening(connection):
        return
    model = table.find_model(connection, name)
    if model is not None and _is_prompt(model):
        entity = _OF_PROMPTS[entity]
    now = datetime.now(UTC).isoformat()
    content = {"entity": entity, "action": action, "timestamp": now, "data": dict(data)}
    add_deliveries(connection, f"{entity}.{action}", json.dumps(content))


def announce_model(connection: Connection, model: RegisteredModel) -> None:
    """Tell webhooks that a registered model was made."""
    # Tags by which the client keeps a prompt among models are no news to anybody.
    tags = _told_tags(model.tags) if _is_prompt(model) else dict(model.tags)
    data = {"name": model.name, "tags": tags, "description": model.description}
    announce(connection, model.name, "registered_model", "created", data)


def announce_version(connection: Connection, version: ModelVersion) -> None:
    """Tell webhooks that a version was registered; of a prompt's version its text is told, not its source."""
    if not is_anyone_listening(connection):
        return
    model = table.find_model(connection, version.name)
    data: dict[str, object] = {"name": version.name, "version": version.version}
    if model is not None and _is_prompt(model):
        data |= {"template": version.tags.get(PROMPT_TEXT), "tags": _told_tags(version.tags)}
    else:
        data |= {"source": version.source, "run_id": version.run_id, "tags": dict(version.tags)}
    data["description"] = version.description or None
    announce(connection, version.name, "model_version", "created", data)


def _told_tags(tags: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in tags.items() if key not in _INNER}


def _is_prompt(model: RegisteredModel) -> bool:
    return model.tags.get(IS_PROMPT, "").lower() == "true"
