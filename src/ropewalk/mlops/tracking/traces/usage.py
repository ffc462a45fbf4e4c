"""Tokens and costs of a whole trace, from those of its spans."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from ropewalk.mlops.tracking.traces.conventions import COSTS, TOKENS

TOKEN_USAGE, COST = "mlflow.trace.tokenUsage", "mlflow.trace.cost"
# These stand in every sum, also as zeros; those of caches only where a span has them.
_ALWAYS = (*TOKENS[:3], *COSTS)
SpanFigures = tuple[str, "str | None", Mapping[str, float]]


def summed(spans: Sequence[SpanFigures]) -> dict[str, str]:
    """Return the metadata that a trace has of its spans' tokens and costs, each (span, parent, figures).

    What a span counts contains what the spans below it count, as MLflow's client has it: so those are passed over.
    """
    found = {TOKEN_USAGE: _sum(spans, TOKENS), COST: _sum(spans, COSTS)}
    return {key: json.dumps(figures) for key, figures in found.items() if figures}


def _sum(spans: Sequence[SpanFigures], names: Sequence[str]) -> dict[str, float | int]:
    outermost = _outermost(spans, names)
    if not outermost:
        return {}
    # Those of caches only where a span has them.
    wanted = [name for name in names if name in _ALWAYS or any(name in figures for figures in outermost)]
    totals = {name: sum(figures.get(name, 0.0) for figures in outermost) for name in wanted}
    # Tokens are whole, and clients read them so.
    return {name: int(total) if name in TOKENS else total for name, total in totals.items()}


def _outermost(spans: Sequence[SpanFigures], names: Sequence[str]) -> list[Mapping[str, float]]:
    """Return the figures of the spans that count something of `names` and lie below none that does."""
    counting = {span for span, _, figures in spans if figures.keys() & set(names)}
    parents = {span: parent for span, parent, _ in spans}
    own = [(parent, figures) for span, parent, figures in spans if span in counting]
    return [figures for parent, figures in own if not _is_below(parent, parents, counting)]


def _is_below(parent: str | None, parents: Mapping[str, str | None], counting: set[str]) -> bool:
    seen = set[str]()
    # Spans that are each other's parents are a mistake, and no reason to go round for ever.
    while parent is not None and parent not in seen:
        if parent in counting:
            return True
        seen.add(parent)
        parent = parents.get(parent)
    return False
