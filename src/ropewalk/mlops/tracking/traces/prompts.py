"""Which versions of prompts a trace used, as clients write it into a tag."""

from __future__ import annotations

import json

LINKED_PROMPTS = "mlflow.linkedPrompts"


def prompts_of(tag: str | None) -> list[str]:
    """Return the prompts that the tag lists, each as NAME/VERSION; what is no such list names none."""
    try:
        listed = json.loads(tag or "[]")
    except (ValueError, RecursionError):
        return []
    entries = listed if isinstance(listed, list) else []
    found = [(one.get("name"), one.get("version")) for one in entries if isinstance(one, dict)]
    return [f"{name}/{version}"[:500] for name, version in found if name and version]
