"""Every event that a webhook can be told of, with an example of what it is told: MLflow's events and their fields."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime

_VERSION = {"name": "late", "version": "3"}
_PROMPT = {"name": "explain", "version": "3"}
_TAG = {"key": "reviewed", "value": "yes"}
_TAGS = {"tags": {"team": "arrivals"}, "description": "Will the flight be late?"}
_SOURCE = {
    "source": "models:/m-0f1e2d3c4b5a69788796a5b4c3d2e1f0",
    "run_id": "0123456789abcdef0123456789abcdef",
}
_BUDGET = {
    "budget_policy_id": "bp-example",
    "budget_unit": "USD",
    "budget_amount": 100.0,
    "current_spend": 105.5,
    "duration_unit": "MONTHS",
    "duration_value": 1,
    "target_scope": "ENDPOINT",
    "workspace": "default",
    "target_value": "example",
    "window_start": 1704067200000,
}
EXAMPLES: Mapping[str, Mapping[str, object]] = {
    "registered_model.created": {"name": "late", **_TAGS},
    "model_version.created": {**_VERSION, **_SOURCE, **_TAGS},
    "model_version_tag.set": {**_VERSION, **_TAG},
    "model_version_tag.deleted": {**_VERSION, "key": "reviewed"},
    "model_version_alias.created": {"name": "late", "alias": "champion", "version": "3"},
    "model_version_alias.deleted": {"name": "late", "alias": "champion"},
    "prompt.created": {"name": "explain", **_TAGS},
    "prompt_version.created": {**_PROMPT, "template": "Why is {{flight}} late?", **_TAGS},
    "prompt_tag.set": {"name": "explain", **_TAG},
    "prompt_tag.deleted": {"name": "explain", "key": "reviewed"},
    "prompt_version_tag.set": {**_PROMPT, **_TAG},
    "prompt_version_tag.deleted": {**_PROMPT, "key": "reviewed"},
    "prompt_alias.created": {"name": "explain", "alias": "champion", "version": "3"},
    "prompt_alias.deleted": {"name": "explain", "alias": "champion"},
    "budget_policy.exceeded": _BUDGET,
}


def example(event: str) -> str:
    """Return the body of an example of `event`, dated now."""
    entity, _, action = event.partition(".")
    now = datetime.now(UTC).isoformat()
    return json.dumps({"entity": entity, "action": action, "timestamp": now, "data": EXAMPLES[event]})
