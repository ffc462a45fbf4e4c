"""Traces: what an application did for one request, as a tree of spans, and what is said of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ropewalk.doors import lazy_names

if TYPE_CHECKING:
    from ropewalk.mlops.tracking.traces.reading import count_traces, find_trace, search_traces
    from ropewalk.mlops.tracking.traces.waterfall import Waterfall, WaterfallSpan, trace_waterfall
__all__ = ["Waterfall", "WaterfallSpan", "count_traces", "find_trace", "search_traces", "trace_waterfall"]
__getattr__ = lazy_names(__name__, __file__)
