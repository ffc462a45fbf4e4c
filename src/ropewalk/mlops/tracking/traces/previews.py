"""The first words of what a trace was given and of what it gave back, for lists."""

from __future__ import annotations

import json
from typing import Any

# MLflow's own length.
LENGTH = 1000


def preview(value: object, role: str) -> str | None:
    """Return what a list shows of a value: of a conversation the last message of `role`, of others their beginning."""
    if value is None:
        return None
    # MLflow shows a text that is no conversation as JSON, in its quotes, unless it is JSON already.
    is_json = isinstance(value, str) and value.startswith(("{", "["))
    text = _spoken(value, role) or (str(value) if is_json else json.dumps(value, ensure_ascii=False))
    return text if len(text) <= LENGTH else f"{text[: LENGTH - 3]}..."


def _spoken(value: object, role: str) -> str:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return ""
    messages = _messages(value)
    if not messages:
        return ""
    of_role = [message for message in messages if message.get("role") == role]
    return _text((of_role or messages)[-1].get("content"))


def _messages(value: Any) -> list[dict[str, Any]]:
    """Return the messages of a conversation in the forms that OpenAI's requests and answers have."""
    if not isinstance(value, dict):
        return []
    choices = value.get("choices")
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        return _only_messages([choices[0].get("message")])
    for name in ("messages", "input", "output"):
        if isinstance(value.get(name), list):
            return _only_messages(value[name])
    # Agents wrap the request once.
    request = value.get("request")
    return _messages(request) if isinstance(request, dict) and "request" not in request else []


def _only_messages(found: list[Any]) -> list[dict[str, Any]]:
    return [one for one in found if isinstance(one, dict) and "role" in one and "content" in one]


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = (
        part if isinstance(part, str) else part.get("text") if isinstance(part, dict) else ""
        for part in parts
    )
    return next((str(text) for text in texts if text), "")
