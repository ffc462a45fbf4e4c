"""Conversations that a span holds in pieces: one attribute for each part of a message, or one event for each message."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ropewalk.mlops.tracking.traces import vocabularies as facts

# The name of an event, and its attributes.
Event = tuple[str, Mapping[str, Any]]
# What exporters write where there is nothing.
_NOTHING = frozenset({"", '""', "[]", "{}", "null"})
# A conversation of a million messages is none.
_PLACE = re.compile(r"(\d{1,6})\.(.+)", re.ASCII | re.DOTALL)


def is_said(value: object) -> bool:
    """Return whether a value is more than nothing, or JSON of nothing."""
    return value not in (None, [], {}) and not (isinstance(value, str) and value in _NOTHING)


def numbered(values: Mapping[str, Any], prefix: str, fields: tuple[str, str]) -> list[dict[str, Any]] | None:
    """Return the messages of the attributes `PREFIX.N.FIELD`, in the order of N; None without any.

    `fields` are those of a role and of a content; other fields of a message keep their names.
    """
    names = dict(zip(fields, ("role", "content"), strict=True))
    found: dict[int, dict[str, Any]] = {}
    for key, value in values.items():
        place = _PLACE.fullmatch(key, len(prefix) + 1) if key.startswith(f"{prefix}.") else None
        if place and is_said(value):
            found.setdefault(int(place[1]), {})[names.get(place[2], place[2])] = value
    return [found[place] for place in sorted(found)] or None


def below(values: Mapping[str, Any], prefix: str) -> dict[str, Any] | None:
    """Return all attributes whose names begin with `prefix`, without it; None when there are none."""
    return {key.removeprefix(prefix): values[key] for key in values if key.startswith(prefix)} or None


def from_events(events: Sequence[Event], *, is_input: bool) -> Any:
    """Return what events say that a span was given, or gave back: a conversation, or None."""
    roles = facts.INPUT_EVENTS if is_input else facts.OUTPUT_EVENTS
    names = facts.INPUT_IN_EVENTS if is_input else facts.OUTPUT_IN_EVENTS
    whole = (said[name] for _, said in events for name in names if is_said(said.get(name)))
    one_each = [
        {"role": said.get("role", roles[name]), "content": said["content"]}
        for name, said in events
        if name in roles and is_said(said.get("content"))
    ]
    return next(whole, None) or one_each or None
