"""Spans of other vocabularies, with what they say written in MLflow's attributes beside their own.

MLflow's clients, and searches, then find the type, inputs, outputs, tokens and model of every span under one name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ropewalk.mlops.tracking.traces import conventions
from ropewalk.mlops.tracking.traces.anyvalues import Allowance, any_value, unfolded
from ropewalk.mlops.tracking.traces.messages import Event
from ropewalk.mlops.tracking.traces.spans import Span, plain, plain_attributes


def translated(span: Span, allowance: Allowance) -> Span:
    """Return a span with MLflow's attributes for what it says in other words; what it says in MLflow's stays.

    What would unfold into more values than the allowance has stays a text, or is left out where it is none.
    """
    # Spans of MLflow's own clients, nearly all, are not looked at any further.
    if not conventions.is_foreign(span.values) and not span.content.get("events"):
        return span
    found = _said(span, allowance)
    found |= {key: value for key, value in _asked({**span.values, **found}) if key not in span.values}
    type_ = conventions.span_type(span.values)
    # Clients write this one also when they know nothing, and then it is theirs to be told.
    if type_ != span.values.get(conventions.TYPE, conventions.UNKNOWN):
        found[conventions.TYPE] = type_
    return _with(span, {key: any_value(value) for key, value in found.items()}) if found else span


def _with(span: Span, found: Mapping[str, dict[str, Any]]) -> Span:
    kept = [pair for pair in span.content.get("attributes", ()) if pair.get("key") not in found]
    added = [{"key": key, "value": value} for key, value in found.items()]
    values = {key: plain(value) for key, value in found.items()}
    return Span({**span.content, "attributes": [*kept, *added]}, {**span.values, **values})


def _said(span: Span, allowance: Allowance) -> dict[str, Any]:
    """Return what a span was given, gave back and could call, as far as it does not say so in MLflow's words."""
    events: list[Event] = [
        (str(event.get("name", "")), plain_attributes(event)) for event in span.content.get("events", ())
    ]
    said = {
        conventions.INPUTS: conventions.inputs(span.values, events),
        conventions.OUTPUTS: conventions.outputs(span.values, events),
        conventions.TOOLS: conventions.tools(span.values),
    }
    wanted = {key: value for key, value in said.items() if value is not None and key not in span.values}
    read = {key: _admitted(value, allowance) for key, value in wanted.items()}
    return {key: value for key, value in read.items() if value is not None}


def _admitted(value: object, allowance: Allowance) -> object:
    """Return a value with its texts of JSON unfolded if that is allowed, else the text, or None where it is none."""
    read = _read(value)
    if allowance.admits(read):
        return read
    return value if isinstance(value, str) else None


def _read(value: object) -> object:
    # The content of messages, which are in lists, is what was said, and is no JSON to be read.
    if isinstance(value, dict):
        return {key: _each(one) for key, one in value.items()}
    return unfolded(value)


def _each(value: object) -> object:
    return [unfolded(one) for one in value] if isinstance(value, list) else unfolded(value)


def _asked(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the attributes of a span's model and figures, in MLflow's words."""
    tokens, costs = conventions.counted(values), conventions.priced(values)
    found = {
        conventions.MODEL: conventions.model(values),
        conventions.PROVIDER: conventions.provider(values),
        conventions.FORMAT: conventions.message_format(values),
        # Tokens are whole, and clients read them so.
        conventions.USAGE: {name: int(number) for name, number in tokens.items()},
        conventions.COST: costs,
    }
    yield from ((key, value) for key, value in found.items() if value)
