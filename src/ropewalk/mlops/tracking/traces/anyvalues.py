"""Plain values as OpenTelemetry's `AnyValue` in JSON, and texts of JSON as plain values, within bounds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ropewalk.mlops.tracking.wire.compat import wire_number

# Readers of protobuf go a hundred messages deep, and an object within an object is three of them.
DEPTH = 24
# A conversation with long documents; longer texts stay texts.
MOST_TEXT = 1 << 20
_LARGEST = 1 << 63


class Allowance:
    """How many values one export may unfold into: a short text of JSON can be very many."""

    def __init__(self, values: int = 200_000) -> None:
        """Allow so many values."""
        self.left = values

    def admits(self, value: object) -> bool:
        """Return whether a value fits, and count what is in it when it does."""
        taken = 0
        for depth in _depths(value):
            taken += 1
            if depth > DEPTH or taken > self.left:
                return False
        self.left -= taken
        return True


def _depths(value: object) -> Iterator[int]:
    """Yield how deep each value lies within one."""
    waiting: list[tuple[object, int]] = [(value, 0)]
    while waiting:
        one, depth = waiting.pop()
        yield depth
        if isinstance(one, dict | list):
            within = one.values() if isinstance(one, dict) else one
            waiting += [(each, depth + 1) for each in within]


def unfolded(value: object) -> object:
    """Return what a text of JSON says when it is an object, a list or a text; any other value as it is."""
    if not isinstance(value, str) or len(value) > MOST_TEXT or not value.lstrip().startswith(("{", "[", '"')):
        return value
    try:
        read: object = json.loads(value, parse_constant=_refused)
    except (ValueError, RecursionError):
        return value
    return read


def _refused(name: str) -> object:
    raise ValueError(f"{name} is no JSON")


def any_value(value: Any) -> dict[str, Any]:
    """Return a plain value as `AnyValue`; what it cannot hold is written as text."""
    if value is None:
        return {}
    if isinstance(value, dict):
        pairs = [{"key": _clean(str(key)), "value": any_value(one)} for key, one in value.items()]
        return {"kvlist_value": {"values": pairs}}
    if isinstance(value, list):
        return {"array_value": {"values": [any_value(one) for one in value]}}
    return _scalar(value)


def _scalar(value: object) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"bool_value": value}
    if isinstance(value, int) and -_LARGEST <= value < _LARGEST:
        return {"int_value": value}
    if isinstance(value, float):
        return {"double_value": wire_number(value)}
    return {"string_value": _clean(str(value))}


def _clean(text: str) -> str:
    # No database keeps the first, and no encoding the halves of a character that JSON can name.
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
