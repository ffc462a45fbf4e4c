"""Finding traces: by their own fields, by what belongs to them, and by their spans."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ropewalk.store.connections import Connection
from ropewalk.store.search import (
    Condition,
    Ordering,
    Page,
    Satellite,
    Searched,
    compare,
    count,
    search,
)
from ropewalk.store.tracking.traces import Trace, read_traces

# An assessment of a session counts for each trace of the session, which its metadata names.
_ASSESSED = (
    "(SELECT trace, name AS key, compared AS value FROM assessment WHERE kind = '{kind}' AND is_valid = 1"
    " UNION SELECT other.trace, said.name, said.compared FROM assessment AS said"
    " JOIN trace_metadata AS other ON other.key = 'mlflow.trace.session' AND other.value = said.session"
    " WHERE said.kind = '{kind}' AND said.is_valid = 1)"
)
_RUNS = (
    "(SELECT trace, value AS run_id FROM trace_metadata WHERE key = 'mlflow.sourceRun'"
    " UNION SELECT trace, run_id FROM trace_run)"
)
TRACES = Searched(
    table="trace",
    identity=("number",),
    attributes={
        "request_id": "trace.id",
        "experiment_id": "trace.experiment",
        "timestamp_ms": "trace.started_at",
        "execution_time_ms": "trace.duration_ms",
        "end_time_ms": "(trace.started_at + coalesce(trace.duration_ms, 0))",
        "status": "trace.state",
        "client_request_id": "trace.client_request_id",
    },
    satellites={
        "tag": Satellite("trace_tag", ("trace",)),
        "metadata": Satellite("trace_metadata", ("trace",)),
        "feedback": Satellite(_ASSESSED.format(kind="feedback") + " AS feedback", ("trace",)),
        "expectation": Satellite(_ASSESSED.format(kind="expectation") + " AS expectation", ("trace",)),
        "issue": Satellite(
            "(SELECT trace, name FROM assessment WHERE kind = 'issue') AS issue",
            ("trace",),
            key="",
            columns={"id": "name"},
        ),
        "run": Satellite(_RUNS + " AS run_of", ("trace",), key="", columns={"id": "run_id"}),
        "prompt": Satellite("trace_prompt", ("trace",), key="", columns={"id": "prompt"}),
    },
    # MLflow's own order, and the index `trace_by_start`'s.
    ties="trace.started_at DESC, trace.id",
    numbers=frozenset({"experiment_id"}),
)
# Columns of spans that have a name of their own.
_COLUMNS = {"name": "name", "type": "type", "status": "status", "id": "id"}


@dataclass(frozen=True)
class TraceSearch:
    """Conditions on traces, and on the spans of one trace.

    Attributes:
        conditions: on the trace and what belongs to it.
        spans: conditions that one and the same span of the trace meets, all of them.
    """

    conditions: Sequence[Condition]
    spans: Sequence[Condition] = ()


def search_traces(
    connection: Connection, wanted: TraceSearch, orderings: Sequence[Ordering], page: Page
) -> list[Trace]:
    """Return one page of the traces that meet all conditions, newest first unless ordered."""
    searched, conditions = _searched(wanted)
    rows = search(connection, searched, conditions, orderings, page)
    return read_traces(connection, [row["number"] for row in rows])


def search_numbers(
    connection: Connection, wanted: TraceSearch, orderings: Sequence[Ordering], page: Page
) -> list[int]:
    """Return what `search_traces` finds as numbers of traces."""
    searched, conditions = _searched(wanted)
    return [int(row["number"]) for row in search(connection, searched, conditions, orderings, page)]


def count_traces(connection: Connection, wanted: TraceSearch) -> int:
    """Return how many traces meet all conditions."""
    return count(connection, *_searched(wanted))


def joint_count(connection: Connection, wanted: Sequence[TraceSearch]) -> int:
    """Return how many traces meet the conditions of all these searches, each with a span of its own."""
    return count(connection, *_searched(*wanted))


def _searched(*wanted: TraceSearch) -> tuple[Searched, list[Condition]]:
    satellites, conditions = dict(TRACES.satellites), list[Condition]()
    for number, one in enumerate(wanted):
        conditions += one.conditions
        if one.spans:
            satellites[f"spans_{number}"] = _with_span(one.spans)
            conditions.append(Condition(f"spans_{number}", "", "IS NOT NULL"))
    return replace(TRACES, satellites=satellites), conditions


def _with_span(conditions: Sequence[Condition]) -> Satellite:
    """Return the traces of which one span meets all conditions, as a table."""
    compared = [_span_condition(condition) for condition in conditions]
    where = " AND ".join(text for text, _ in compared)
    values = tuple(value for _, found in compared for value in found)
    table = f"(SELECT trace FROM span WHERE {where}) AS spans_found"  # noqa: S608  # names are ours, values bound
    return Satellite(table, ("trace",), key="", bound=values)


def _span_condition(condition: Condition) -> tuple[str, list[str]]:
    attributes = (
        "EXISTS (SELECT 1 FROM span_attribute AS said WHERE said.trace = span.trace AND said.span = span.id"
    )
    if condition.key in _COLUMNS:
        text, values = compare(f"span.{_COLUMNS[condition.key]}", condition)
        return text, [str(value) for value in values]
    text, values = compare("said.value", condition)
    bound = [str(value) for value in values]
    # A search for text looks into all that the span says.
    if condition.key == "content":
        return f"{attributes} AND {text})", bound
    return f"{attributes} AND said.key = ? AND {text})", [condition.key.removeprefix("attributes."), *bound]


def named_values(connection: Connection, condition: Condition, most: int) -> list[str]:
    """Return the different values that a condition is about, whatever it compares them with, at most so many."""
    if condition.entity == "span":
        table, column, key = _span_column(condition.key)
    elif condition.entity == "attribute":
        table, column, key = "trace", TRACES.attributes[condition.key], ""
    else:
        satellite = TRACES.satellites[condition.entity]
        table, column, key = satellite.table, "value", condition.key if satellite.key else ""
    picked = "key = ?" if key else "TRUE"
    rows = connection.execute(
        f"SELECT DISTINCT {column} AS value FROM {table} WHERE {picked} AND {column} IS NOT NULL LIMIT ?",  # noqa: S608  # names are ours
        ([key] if key else []) + [most],
    )
    return [str(row["value"]) for row in rows]


def _span_column(key: str) -> tuple[str, str, str]:
    if key in _COLUMNS:
        return "span", _COLUMNS[key], ""
    return "span_attribute", "value", key.removeprefix("attributes.") if key != "content" else ""
