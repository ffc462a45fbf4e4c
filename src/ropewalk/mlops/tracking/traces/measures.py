"""Figures over many traces, spans or assessments: counts, sums, averages and percentiles, in groups and over time."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from ropewalk.errors import nearest
from ropewalk.mlops.tracking.errors import InvalidFilter, InvalidRequest
from ropewalk.mlops.tracking.filter import TRACE_MEASURES, parse_filter
from ropewalk.mlops.tracking.traces.conventions import COSTS, TOKENS
from ropewalk.pipeline import Workspace
from ropewalk.store.tracking.traces_measures import Measured, MeasuredRow, View, read_measures

TIME_BUCKET = "time_bucket"
_COUNT, _SPREAD = ("COUNT",), ("AVG", "PERCENTILE", "MIN", "MAX")
_SUMMED = ("SUM", *_SPREAD)
_TRACE_GROUPS = ("trace_name", "trace_status")
_SPAN_GROUPS = ("span_name", "span_type", "span_status", "span_model_name", "span_model_provider")
_MODELS = _SPAN_GROUPS[3:]
# view -> measure -> how it can be aggregated, and what it can be grouped by; MLflow's own table.
KNOWN: Mapping[View, Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "TRACES": {
        "trace_count": (_COUNT, _TRACE_GROUPS),
        "latency": (_SPREAD, _TRACE_GROUPS),
        **dict.fromkeys(TOKENS, (_SUMMED, _TRACE_GROUPS)),
    },
    "SPANS": {
        "span_count": (_COUNT, _SPAN_GROUPS),
        "latency": (_SPREAD, _SPAN_GROUPS),
        **dict.fromkeys(COSTS, (_SUMMED, _MODELS)),
    },
    "ASSESSMENTS": {
        "assessment_count": (_COUNT, ("assessment_name", "assessment_value")),
        "assessment_value": (_SPREAD, ("assessment_name",)),
    },
}
# Which view's measures a filter on something can narrow.
_NARROWS = {"span": "SPANS", "assessment": "ASSESSMENTS"}


@dataclass(frozen=True)
class Aggregation:
    """How values become one: `COUNT`, `SUM`, `AVG`, `MIN`, `MAX`, or `PERCENTILE` with a number from 0 to 100."""

    kind: str
    percentile: float | None = None

    def __str__(self) -> str:
        """Its name in an answer."""
        return self.kind if self.percentile is None else f"P{self.percentile}"

    def of(self, values: Sequence[float]) -> float:
        """Return what becomes of values, of which there is at least one."""
        if self.kind == "COUNT":
            return len(values)
        if self.kind == "SUM":
            return math.fsum(values)
        if self.kind == "AVG":
            return math.fsum(values) / len(values)
        if self.kind in ("MIN", "MAX"):
            return min(values) if self.kind == "MIN" else max(values)
        return _percentile(sorted(values), self.percentile or 0.0)


def _percentile(values: Sequence[float], percent: float) -> float:
    """Return a percentile with linear interpolation between neighbours, as PostgreSQL and NumPy have it."""
    place = (len(values) - 1) * percent / 100
    below = math.floor(place)
    above = min(below + 1, len(values) - 1)
    return values[below] + (values[above] - values[below]) * (place - below)


@dataclass(frozen=True)
class MeasureQuery:
    """What is asked of many traces.

    Attributes:
        interval_s: seconds by which times are grouped, or None.
        since, until: limits of the traces' starts, in UTC milliseconds.
    """

    view: View
    measure: str
    experiment_ids: Sequence[str]
    aggregations: Sequence[Aggregation]
    dimensions: Sequence[str] = ()
    filters: Sequence[str] = ()
    interval_s: int | None = None
    since: int | None = None
    until: int | None = None


@dataclass(frozen=True)
class Figures:
    """The figures of one group."""

    dimensions: Mapping[str, str]
    values: Mapping[str, float]


def measure_traces(workspace: Workspace, query: MeasureQuery) -> list[Figures]:
    """Return the figures of each group, by time and then by what groups are told apart by.

    Raises:
        InvalidRequest: a measure, an aggregation or a dimension is unknown, or they do not go together.
        InvalidFilter: a filter does not parse.
    """
    _check(query)
    is_tokens = query.measure in TOKENS
    measured = Measured(
        query.view,
        "tokens" if is_tokens else query.measure,
        query.experiment_ids,
        tuple(query.dimensions),
        [_condition(query, text) for text in query.filters],
        query.since,
        query.until,
    )
    with workspace.database.read() as connection:
        rows = read_measures(connection, measured)
    if is_tokens:
        rows = [
            replace(row, value=found)
            for row in rows
            if (found := _tokens(row.value, query.measure)) is not None
        ]
    return _grouped(query, rows)


def _grouped(query: MeasureQuery, rows: Sequence[MeasuredRow]) -> list[Figures]:
    groups: dict[tuple[str, ...], list[float]] = {}
    for row in rows:
        # What has no name or model belongs to no group by it.
        if None not in row.groups:
            key = (*_bucket(query.interval_s, row.time), *map(str, row.groups))
            groups.setdefault(key, []).append(float(row.value))
    names = (*((TIME_BUCKET,) if query.interval_s else ()), *query.dimensions)
    return [
        Figures(
            dict(zip(names, key, strict=True)), {str(how): how.of(groups[key]) for how in query.aggregations}
        )
        for key in sorted(groups)
    ]


def _bucket(interval_s: int | None, time: int) -> tuple[str, ...]:
    if not interval_s:
        return ()
    start = time // 1000 // interval_s * interval_s
    # Years have four digits for as long as this format is read, so texts sort as times do.
    return (datetime.fromtimestamp(start, UTC).isoformat(),)


def _tokens(usage: float | str, name: str) -> float | None:
    try:
        found = json.loads(str(usage)).get(name)
        return None if found is None else float(found)
    except (ValueError, TypeError, AttributeError, RecursionError):
        # A client may write anything there.
        return None


def _check(query: MeasureQuery) -> None:
    known = KNOWN[query.view]
    if query.measure not in known:
        raise InvalidRequest(
            f"metric_name must be one of {list(known)}, got '{query.measure[:80]}'",
            nearest=nearest(query.measure, known),
        )
    aggregations, dimensions = known[query.measure]
    _check_known("aggregation_type(s)", [how.kind for how in query.aggregations], aggregations)
    _check_known("dimension(s)", query.dimensions, dimensions)
    _check_percentiles(query.aggregations)
    if query.interval_s is not None and query.interval_s < 1:
        raise InvalidRequest(f"time_interval_seconds must be at least 1, not {query.interval_s}")
    if query.interval_s and (query.since is None or query.until is None):
        raise InvalidRequest("start_time_ms and end_time_ms are required if time_interval_seconds is set")


def _check_percentiles(aggregations: Sequence[Aggregation]) -> None:
    for how in aggregations:
        if (how.percentile is not None) != (how.kind == "PERCENTILE"):
            raise InvalidRequest("A percentile_value belongs to the aggregation PERCENTILE, and to it only")
        if how.percentile is not None and not 0 <= how.percentile <= 100:
            raise InvalidRequest(f"percentile_value must be from 0 to 100, not {how.percentile}")


def _check_known(what: str, given: Sequence[str], known: Sequence[str]) -> None:
    wrong = sorted(set(given) - set(known))
    if wrong:
        raise InvalidRequest(f"Found invalid {what}: {wrong}. Supported: {sorted(known)}")


def _condition(query: MeasureQuery, text: str) -> tuple[str, Sequence[str]]:
    parsed = parse_filter(text, TRACE_MEASURES)
    if len(parsed) != 1:
        raise InvalidFilter(f"Invalid filter: '{text[:200]}'. Expected one filter clause.")
    [condition] = parsed
    if _NARROWS.get(condition.entity, query.view) != query.view:
        view = _NARROWS[condition.entity]
        raise InvalidFilter(
            f"Filtering by {condition.entity} is only supported for {view} view type, got {query.view}"
        )
    value = str(condition.value)
    if condition.entity != "trace":
        return f"{condition.entity}.{condition.key}", (value,)
    field, dot, name = condition.key.partition(".")
    if field == "status" and not dot:
        return "trace.status", (value,)
    if field not in ("tag", "metadata") or not name:
        raise InvalidFilter(
            f"Invalid entity '{field}' specified: use trace.status, trace.tag.NAME or trace.metadata.NAME"
        )
    return f"trace.{field}", (name.strip('`"'), value)
