"""A trace as people look at it: its spans in the order of a tree, each with its place in time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ropewalk.mlops.tracking.traces import conventions
from ropewalk.mlops.tracking.traces.reading import whole_trace
from ropewalk.mlops.tracking.traces.spans import (
    INPUTS,
    OUTPUTS,
    REQUEST_ID,
    Span,
    as_text,
    plain_attributes,
    read_span,
)
from ropewalk.pipeline import Workspace
from ropewalk.store.tracking.traces import Trace

# What a page can show and a person look through.
MOST_SPANS = 1000
MOST_TEXT = 20_000
# Shown by themselves, or of no use to people.
_OWN = frozenset({INPUTS, OUTPUTS, REQUEST_ID, "mlflow.spanType"})


@dataclass(frozen=True)
class WaterfallEvent:
    """Something that happened within a span, such as an exception."""

    name: str
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class WaterfallSpan:
    """One span; all that it says is text, to be escaped by whoever shows it.

    Attributes:
        depth: how many spans it lies within.
        begins: where it begins, from 0 to 1 of the whole trace; `share` is its length.
        duration_ms: None while it goes on.
    """

    id: str
    name: str
    type: str
    status: str
    message: str
    depth: int
    begins: float
    share: float
    duration_ms: float | None
    inputs: str | None = None
    outputs: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    events: tuple[WaterfallEvent, ...] = ()


@dataclass(frozen=True)
class Waterfall:
    """A trace, its spans in the order of the tree, and how many more there are than shown."""

    trace: Trace
    spans: tuple[WaterfallSpan, ...]
    hidden: int = 0


def trace_waterfall(workspace: Workspace, identifier: str) -> Waterfall:
    """Return a trace and its spans, also while spans are still on their way.

    Raises:
        UnknownTrace: there is none of that id.
    """
    found = whole_trace(workspace, identifier, is_partial_fine=True)
    spans = [read_span(content) for content in found.spans]
    start = min((span.started_ns for span in spans), default=0)
    length = max((span.ended_ns or span.started_ns for span in spans), default=0) - start
    ordered = _in_tree_order(spans)
    shown = tuple(_drawn(span, depth, (start, length)) for span, depth in ordered[:MOST_SPANS])
    return Waterfall(found.trace, shown, len(spans) - len(shown))


def _in_tree_order(spans: Sequence[Span]) -> list[tuple[Span, int]]:
    """Return each span once, with its depth, those below it directly behind it, by their starts."""
    below = _children(spans)
    found: dict[str, tuple[Span, int]] = {}
    # Spans that are each other's parents belong to no root; each is shown all the same, behind the roots.
    for root in (*below.get(None, ()), *spans):
        # Not by recursion: what clients nest may be deeper than Python's stack.
        waiting = [(root, 0)]
        while waiting:
            span, depth = waiting.pop()
            if span.id not in found:
                found[span.id] = (span, depth)
                waiting += [(child, depth + 1) for child in reversed(below.get(span.id, ()))]
    return list(found.values())


def _children(spans: Sequence[Span]) -> dict[str | None, list[Span]]:
    """Return the spans below each span, by their starts; below None stand those that are below none."""
    known = {span.id for span in spans}
    below: dict[str | None, list[Span]] = {}
    for span in sorted(spans, key=lambda one: (one.started_ns, one.id)):
        # A span whose parent never arrived stands by itself.
        below.setdefault(span.parent if span.parent in known else None, []).append(span)
    return below


def _drawn(span: Span, depth: int, extent: tuple[int, int]) -> WaterfallSpan:
    start, length = extent
    ended = span.ended_ns or span.started_ns
    return WaterfallSpan(
        id=span.id,
        name=span.name,
        type=conventions.span_type(span.values),
        status=span.status,
        message=_cut(span.message),
        depth=depth,
        begins=(span.started_ns - start) / length if length else 0.0,
        share=max(0.0, (ended - span.started_ns) / length) if length else 1.0,
        duration_ms=None if span.ended_ns is None else (span.ended_ns - span.started_ns) / 1_000_000,
        inputs=_shown(conventions.inputs(span.values)),
        outputs=_shown(conventions.outputs(span.values)),
        attributes={key: _cut(as_text(value)) for key, value in span.values.items() if key not in _OWN},
        events=tuple(_event(event) for event in span.content.get("events", ())),
    )


def _event(event: Mapping[str, Any]) -> WaterfallEvent:
    attributes = {key: _cut(as_text(value)) for key, value in plain_attributes(event).items()}
    return WaterfallEvent(str(event.get("name", "")), attributes)


def _shown(value: object) -> str | None:
    return None if value is None else _cut(as_text(value))


def _cut(text: str) -> str:
    return text if len(text) <= MOST_TEXT else f"{text[:MOST_TEXT]}… ({len(text)} characters)"
