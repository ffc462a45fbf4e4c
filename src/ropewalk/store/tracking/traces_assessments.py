"""What people, judges and code say of traces."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ropewalk.store.connections import Connection, Row

Kind = Literal["feedback", "expectation", "issue"]
# An assessment that carries the session of its trace speaks of the whole session.
SESSION = "mlflow.trace.session"


@dataclass(frozen=True)
class Assessment:
    """One judgement of a trace or of one span of it; times in UTC milliseconds.

    Attributes:
        value: any JSON value; None for an issue.
        error: why there is no value: `error_code`, `error_message` and `stack_trace`, or None.
        overrides: the id of the assessment that this one stands in for.
        is_valid: whether none stands in for this one.
    """

    id: str
    trace_id: str
    kind: Kind
    name: str
    source_type: str
    source_id: str
    created_at: int
    updated_at: int
    value: object = None
    error: Mapping[str, str] | None = None
    span_id: str | None = None
    rationale: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    overrides: str | None = None
    is_valid: bool = True


def put_assessment(connection: Connection, trace: int, assessment: Assessment) -> None:
    """Keep an assessment of the trace of that number, in place of the one with its id."""
    columns = _columns(assessment)
    names = ", ".join(("trace", *columns))
    changed = ", ".join(f"{name} = excluded.{name}" for name in columns if name != "id")
    connection.execute(
        f"INSERT INTO assessment ({names}) VALUES ({', '.join('?' * (len(columns) + 1))})"  # noqa: S608  # names are ours
        f" ON CONFLICT (trace, id) DO UPDATE SET {changed}",
        (trace, *columns.values()),
    )


def find_assessment(connection: Connection, trace: int, trace_id: str, identifier: str) -> Assessment | None:
    """Return the assessment of that id of the trace of that number, or None."""
    row = connection.execute(
        "SELECT * FROM assessment WHERE trace = ? AND id = ?", (trace, identifier)
    ).fetchone()
    return _assessment(row, trace_id) if row else None


def set_validity(connection: Connection, trace: int, identifier: str, *, is_valid: bool) -> bool:
    """Say whether an assessment still counts; return whether there is one of that id."""
    done = connection.execute(
        "UPDATE assessment SET is_valid = ? WHERE trace = ? AND id = ?", (int(is_valid), trace, identifier)
    )
    return done.rowcount > 0


def delete_assessment(connection: Connection, trace: int, identifier: str) -> None:
    """Remove an assessment."""
    connection.execute("DELETE FROM assessment WHERE trace = ? AND id = ?", (trace, identifier))


def assessments_of(connection: Connection, traces: Mapping[int, str]) -> dict[int, tuple[Assessment, ...]]:
    """Return the assessments of each trace, oldest first; `traces` has ids by numbers."""
    found: dict[int, tuple[Assessment, ...]] = {}
    for row in connection.execute(
        "SELECT * FROM assessment WHERE trace IN (SELECT value FROM json_each(?)) ORDER BY created_at, id",
        (json.dumps(list(traces)),),
    ):
        number = int(row["trace"])
        found[number] = (*found.get(number, ()), _assessment(row, traces[number]))
    return found


def as_compared(value: object) -> str:
    """Return a value as filters compare it: a text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def as_number(value: object) -> float | None:
    """Return a value as averages count it, yes and no as 1 and 0, or None for what is no number."""
    if isinstance(value, str):
        # The words of MLflow's built-in judges.
        return {"yes": 1.0, "no": 0.0}.get(value)
    return float(value) if isinstance(value, int | float) else None


def _columns(assessment: Assessment) -> dict[str, Any]:
    return {
        "id": assessment.id,
        "span_id": assessment.span_id,
        "kind": assessment.kind,
        "name": assessment.name,
        "source_type": assessment.source_type,
        "source_id": assessment.source_id,
        "created_at": assessment.created_at,
        "updated_at": assessment.updated_at,
        "value": json.dumps(assessment.value),
        "compared": as_compared(assessment.value),
        "number": as_number(assessment.value),
        "error": json.dumps(dict(assessment.error)) if assessment.error else None,
        "rationale": assessment.rationale,
        "metadata": json.dumps(dict(assessment.metadata)),
        "overrides": assessment.overrides,
        "is_valid": int(assessment.is_valid),
        "session": assessment.metadata.get(SESSION),
    }


def _assessment(row: Row, trace_id: str) -> Assessment:
    return Assessment(
        id=row["id"],
        trace_id=trace_id,
        kind=row["kind"],
        name=row["name"],
        source_type=row["source_type"],
        source_id=row["source_id"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        value=json.loads(row["value"]),
        error=json.loads(row["error"]) if row["error"] else None,
        span_id=row["span_id"],
        rationale=row["rationale"],
        metadata=json.loads(row["metadata"]),
        overrides=row["overrides"],
        is_valid=bool(row["is_valid"]),
    )
