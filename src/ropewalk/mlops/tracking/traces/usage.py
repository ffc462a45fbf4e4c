"""Tokens and costs of a whole trace, from those of its spans."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence

from ropewalk.mlops.tracking.traces.conventions import COSTS, TOKENS

TOKEN_USAGE, COST = "mlflow.trace.tokenUsage", "mlflow.trace.cost"
# These stand in every sum, also as zeros; those of caches only where a span has them.
_ALWAYS = (*TOKENS[:3], *COSTS)
SpanFigures = tuple[str, "str | None", Mapping[str, float]]


def summed(spans: Sequence[SpanFigures]) -> dict[str, str]:
    """Return the metadata that a trace has of its spans' tokens and costs, each (span, parent, figures).

    What a span counts contains what the spans below it count, as MLflow's client has it, unless it is less than that.
    """
    found = {TOKEN_USAGE: _sum(spans, TOKENS), COST: _sum(spans, COSTS)}
    return {key: json.dumps(figures) for key, figures in found.items() if figures}


def _sum(spans: Sequence[SpanFigures], names: Sequence[str]) -> dict[str, float | int]:
    totals = _totals(spans, names)
    if not totals:
        return {}
    # Tokens are whole, and clients read them so.
    found = {name: totals.get(name, 0.0) for name in names if name in _ALWAYS or name in totals}
    return {name: int(total) if name in TOKENS else total for name, total in found.items()}


def _totals(spans: Sequence[SpanFigures], names: Sequence[str]) -> dict[str, float]:
    """Add up from the leaves to the roots, each span once, however deep or broken the tree is."""
    parents = {span: parent for span, parent, _ in spans}
    waiting_for = Counter(parents[span] for span in parents)
    own = {span: {name: figures[name] for name in names if name in figures} for span, _, figures in spans}
    below: dict[str | None, dict[str, float]] = {}
    ready = [span for span in parents if not waiting_for[span]]
    while ready:
        span = ready.pop()
        # A span whose parent never arrived stands by itself.
        parent = parents.pop(span)
        above = parent if parent in own else None
        below[above] = _added(below.get(above, {}), _joined(own[span], below.pop(span, {})))
        waiting_for[parent] -= 1
        if parent in parents and not waiting_for[parent]:
            ready.append(parent)
    # Spans that are each other's parents are a mistake; each then counts by itself.
    for span in parents:
        below[None] = _added(below.get(None, {}), _joined(own[span], below.get(span, {})))
    return below.get(None, {})


def _joined(own: Mapping[str, float], below: Mapping[str, float]) -> dict[str, float]:
    """Return what a span and those below it count together."""
    # Less than the parts is not their sum: such a span counts only what it did itself.
    is_whole = bool(own) and all(own.get(name, 0.0) >= below.get(name, 0.0) for name in _ALWAYS)
    return dict(own) if is_whole else _added(own, below)


def _added(one: Mapping[str, float], other: Mapping[str, float]) -> dict[str, float]:
    return {name: one.get(name, 0.0) + other.get(name, 0.0) for name in (*one, *other)}
