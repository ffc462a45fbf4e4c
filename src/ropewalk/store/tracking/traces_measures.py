"""What is measured of many traces: one value for each trace, span or assessment, with what it is grouped by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ropewalk.store.connections import Connection

View = Literal["TRACES", "SPANS", "ASSESSMENTS"]

_NAME = "(SELECT value FROM trace_tag WHERE trace_tag.trace = trace.number AND trace_tag.key = 'mlflow.traceName')"
_USAGE = (
    "(SELECT value FROM trace_metadata WHERE trace_metadata.trace = trace.number"
    " AND trace_metadata.key = 'mlflow.trace.tokenUsage')"
)
_FIGURE = (
    "(SELECT value FROM span_figure WHERE span_figure.trace = span.trace AND span_figure.span = span.id"
    " AND span_figure.key = '{key}')"
)
_FROM: Mapping[View, str] = {
    "TRACES": "trace",
    "SPANS": "trace JOIN span ON span.trace = trace.number",
    "ASSESSMENTS": "trace JOIN assessment ON assessment.trace = trace.number",
}
# When something happened, in milliseconds: what intervals of time are told apart by.
_TIMES: Mapping[View, str] = {
    "TRACES": "trace.started_at",
    "SPANS": "(span.started_ns / 1000000)",
    "ASSESSMENTS": "assessment.created_at",
}
_DIMENSIONS: Mapping[str, str] = {
    "trace_name": _NAME,
    "trace_status": "trace.state",
    "span_name": "span.name",
    "span_type": "span.type",
    "span_status": "span.status",
    "span_model_name": "span.model",
    "span_model_provider": "span.provider",
    "assessment_name": "assessment.name",
    "assessment_value": "assessment.value",
}
_VALUES: Mapping[tuple[View, str], str] = {
    ("TRACES", "trace_count"): "1",
    ("TRACES", "latency"): "trace.duration_ms",
    ("TRACES", "tokens"): _USAGE,
    ("SPANS", "span_count"): "1",
    ("SPANS", "latency"): "((span.ended_ns - span.started_ns) / 1000000)",
    ("SPANS", "input_cost"): _FIGURE.format(key="input_cost"),
    ("SPANS", "output_cost"): _FIGURE.format(key="output_cost"),
    ("SPANS", "total_cost"): _FIGURE.format(key="total_cost"),
    ("ASSESSMENTS", "assessment_count"): "1",
    ("ASSESSMENTS", "assessment_value"): "assessment.number",
}
_TEXTS = "trace.number IN (SELECT trace FROM {table} WHERE key = ? AND value = ?)"
_CONDITIONS: Mapping[str, str] = {
    "trace.status": "trace.state = ?",
    "trace.tag": _TEXTS.format(table="trace_tag"),
    "trace.metadata": _TEXTS.format(table="trace_metadata"),
    "span.name": "span.name = ?",
    "span.status": "span.status = ?",
    "span.type": "span.type = ?",
    "assessment.name": "assessment.name = ?",
    "assessment.type": "assessment.kind = ?",
}


@dataclass(frozen=True)
class Measured:
    """What is asked.

    Attributes:
        value: the name of the value, among those of the view.
        dimensions: what it is grouped by, among those of the view.
        conditions: (name, values), such as `("trace.tag", ("env", "prod"))`.
        since: the earliest start of a trace that counts, in UTC milliseconds; `until` the latest.
    """

    view: View
    value: str
    experiment_ids: Sequence[str]
    dimensions: Sequence[str] = ()
    conditions: Sequence[tuple[str, Sequence[str]]] = ()
    since: int | None = None
    until: int | None = None


@dataclass(frozen=True)
class MeasuredRow:
    """One value (a text for tokens), when it was (UTC milliseconds), and what it is grouped by."""

    value: float | str
    time: int
    groups: tuple[str | None, ...]


def read_measures(connection: Connection, measured: Measured) -> list[MeasuredRow]:
    """Return the value of each trace, span or assessment that has one."""
    columns = [_VALUES[measured.view, measured.value], _TIMES[measured.view]]
    columns += [_DIMENSIONS[name] for name in measured.dimensions]
    named = ", ".join(f"{column} AS c{place}" for place, column in enumerate(columns))
    numbers = [int(one) for one in measured.experiment_ids if one.isdecimal()]
    # A list of numbers of our own making; none finds nothing.
    texts = [f"trace.experiment IN ({', '.join('?' * len(numbers)) or 'NULL'})"]
    parameters: list[str | int] = list(numbers)
    for name, values in measured.conditions:
        texts.append(_CONDITIONS[name])
        parameters += values
    for sign, limit in ((">=", measured.since), ("<=", measured.until)):
        if limit is not None:
            texts.append(f"trace.started_at {sign} ?")
            parameters.append(limit)
    rows = connection.execute(
        f"SELECT * FROM (SELECT {named} FROM {_FROM[measured.view]} WHERE {' AND '.join(texts)}) AS found"  # noqa: S608  # names are ours
        " WHERE c0 IS NOT NULL",
        parameters,
    )
    return [MeasuredRow(row[0], int(row[1]), tuple(row)[2:]) for row in rows]
