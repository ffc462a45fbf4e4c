"""Traces in the metadata database: what a trace is, with its tags and metadata."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ropewalk.store.connections import Connection, Row
from ropewalk.store.tracking.traces_assessments import Assessment, assessments_of
from ropewalk.store.tracking.values import Tags

ARTIFACT_URI = (
    "(SELECT artifact_location FROM experiment WHERE experiment.id = trace.experiment)"
    " || '/traces/' || trace.id || '/artifacts'"
)
# Those that refer to others stand before them.
TABLES = (
    "trace_prompt",
    "trace_run",
    "assessment",
    "span_figure",
    "span_attribute",
    "span",
    "span_segment",
    "trace_metadata",
    "trace_tag",
)


@dataclass(frozen=True)
class Trace:
    """What an application did for one request; its spans are read by themselves.

    Attributes:
        number: short number inside the store.
        started_at: UTC milliseconds.
        duration_ms: how long it took, or None while it goes on.
        state: `OK`, `ERROR`, `IN_PROGRESS` or `STATE_UNSPECIFIED`.
        artifact_uri: where clients put its files, and those that send no spans their spans.
    """

    number: int
    id: str
    experiment_id: str
    started_at: int
    duration_ms: int | None
    state: str
    client_request_id: str | None = None
    request_preview: str | None = None
    response_preview: str | None = None
    artifact_uri: str = ""
    tags: Tags = field(default_factory=dict)
    metadata: Tags = field(default_factory=dict)
    assessments: tuple[Assessment, ...] = ()


@dataclass(frozen=True)
class TraceExtent:
    """What an export of spans tells of their trace: when it was, how it ended, its first words and last."""

    started_at: int
    ended_at: int | None = None
    state: str | None = None
    request_preview: str | None = None
    response_preview: str | None = None


def put_trace(connection: Connection, trace: Trace) -> int:
    """Keep a trace as its client describes it, over what spans told of it before; return its number."""
    row = connection.execute(
        "INSERT INTO trace (id, experiment, started_at, duration_ms, state, client_request_id, request_preview,"
        " response_preview) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
        " experiment = excluded.experiment, started_at = excluded.started_at, duration_ms = excluded.duration_ms,"
        " state = excluded.state, client_request_id = coalesce(excluded.client_request_id, trace.client_request_id),"
        " request_preview = coalesce(excluded.request_preview, trace.request_preview),"
        " response_preview = coalesce(excluded.response_preview, trace.response_preview) RETURNING number",
        (
            trace.id,
            int(trace.experiment_id),
            trace.started_at,
            trace.duration_ms,
            trace.state,
            trace.client_request_id,
            trace.request_preview,
            trace.response_preview,
        ),
    ).fetchone()
    number = int(row["number"])
    set_trace_texts(connection, "trace_tag", number, trace.tags)
    set_trace_texts(connection, "trace_metadata", number, trace.metadata)
    return number


def begin_trace(connection: Connection, identifier: str, experiment_id: str, started_at: int) -> int:
    """Return the number of the trace of that id, which begins when nobody knows it yet."""
    connection.execute(
        "INSERT INTO trace (id, experiment, started_at, state) VALUES (?, ?, ?, 'IN_PROGRESS') ON CONFLICT DO NOTHING",
        (identifier, int(experiment_id), started_at),
    )
    # Read back, because a trace that began elsewhere stays where it began.
    row = connection.execute("SELECT number FROM trace WHERE id = ?", (identifier,)).fetchone()
    return int(row["number"])


def extend_trace(connection: Connection, trace: int, extent: TraceExtent) -> None:
    """Let the trace of that number reach over `extent`; what it says of itself already stays."""
    connection.execute(
        # The end moves forwards and the start backwards, in whatever order the exports arrive.
        "UPDATE trace SET duration_ms = CASE"
        "  WHEN coalesce(started_at + duration_ms, ?2) > coalesce(?2, started_at + duration_ms)"
        "  THEN started_at + duration_ms ELSE coalesce(?2, started_at + duration_ms) END"
        "  - CASE WHEN started_at < ?1 THEN started_at ELSE ?1 END,"
        " started_at = CASE WHEN started_at < ?1 THEN started_at ELSE ?1 END,"
        " state = CASE WHEN state IN ('IN_PROGRESS', 'STATE_UNSPECIFIED') THEN coalesce(?3, state) ELSE state END,"
        " request_preview = coalesce(request_preview, ?4), response_preview = coalesce(response_preview, ?5)"
        " WHERE number = ?6",
        (
            extent.started_at,
            extent.ended_at,
            extent.state,
            extent.request_preview,
            extent.response_preview,
            trace,
        ),
    )


def end_trace(connection: Connection, trace: int, ended_at: int, state: str) -> None:
    """Let the trace of that number end."""
    connection.execute(
        "UPDATE trace SET duration_ms = ? - started_at, state = ? WHERE number = ?", (ended_at, state, trace)
    )


def set_trace_texts(
    connection: Connection, table: str, trace: int, texts: Mapping[str, str], *, is_derived: bool = False
) -> None:
    """Set tags (`trace_tag`) or metadata (`trace_metadata`); what is derived never replaces what was said."""
    connection.executemany(
        f"INSERT INTO {table} (trace, key, value, is_derived) VALUES (?, ?, ?, ?) ON CONFLICT (trace, key)"  # noqa: S608  # names are ours
        " DO UPDATE SET value = excluded.value, is_derived = excluded.is_derived"
        f" WHERE {table}.is_derived >= excluded.is_derived",
        [(trace, key, value, int(is_derived)) for key, value in texts.items()],
    )


def delete_trace_tag(connection: Connection, trace: int, key: str) -> bool:
    """Remove one tag of the trace of that number and return whether it was there."""
    done = connection.execute("DELETE FROM trace_tag WHERE trace = ? AND key = ?", (trace, key))
    return done.rowcount > 0


def find_trace_number(connection: Connection, identifier: str) -> int | None:
    """Return the number of the trace of that id, or None."""
    row = connection.execute("SELECT number FROM trace WHERE id = ?", (identifier,)).fetchone()
    return int(row["number"]) if row else None


def find_traces(connection: Connection, identifiers: Sequence[str]) -> list[Trace]:
    """Return those of the traces that there are, in the order of their ids."""
    rows = connection.execute(
        "SELECT id, number FROM trace WHERE id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(identifiers)),),
    )
    numbers = {row["id"]: int(row["number"]) for row in rows}
    return read_traces(connection, [numbers[one] for one in dict.fromkeys(identifiers) if one in numbers])


def read_traces(connection: Connection, numbers: Sequence[int]) -> list[Trace]:
    """Return the traces of these numbers, in this order, with tags, metadata and assessments."""
    wanted = json.dumps(list(numbers))
    rows = connection.execute(
        f"SELECT *, {ARTIFACT_URI} AS artifact_uri FROM trace"  # noqa: S608  # the expression is ours
        " WHERE number IN (SELECT value FROM json_each(?))",
        (wanted,),
    ).fetchall()
    tags, metadata = _texts(connection, "trace_tag", wanted), _texts(connection, "trace_metadata", wanted)
    names = {int(row["number"]): str(row["id"]) for row in rows}
    assessments = assessments_of(connection, names)
    found = {
        row["number"]: _trace(
            row,
            tags.get(row["number"], {}),
            metadata.get(row["number"], {}),
            assessments.get(row["number"], ()),
        )
        for row in rows
    }
    return [found[number] for number in numbers]


def link_run(connection: Connection, traces: Iterable[int], run_id: str) -> None:
    """Let traces belong to a run too; a second time changes nothing."""
    connection.executemany(
        "INSERT INTO trace_run (trace, run_id) VALUES (?, ?) ON CONFLICT DO NOTHING",
        [(trace, run_id) for trace in traces],
    )


def link_prompts(connection: Connection, trace: int, prompts: Iterable[str]) -> None:
    """Note that the trace of that number used these versions of prompts, each as NAME/VERSION."""
    connection.executemany(
        "INSERT INTO trace_prompt (trace, prompt) VALUES (?, ?) ON CONFLICT DO NOTHING",
        [(trace, prompt) for prompt in prompts],
    )


def delete_traces(connection: Connection, numbers: Sequence[int]) -> int:
    """Remove the traces of these numbers with all that belongs to them; return how many there were."""
    wanted = json.dumps(list(numbers))
    for table in TABLES:
        connection.execute(
            f"DELETE FROM {table} WHERE trace IN (SELECT value FROM json_each(?))",  # noqa: S608  # names from above
            (wanted,),
        )
    done = connection.execute("DELETE FROM trace WHERE number IN (SELECT value FROM json_each(?))", (wanted,))
    return done.rowcount


def _texts(connection: Connection, table: str, wanted: str) -> dict[int, dict[str, str]]:
    found: dict[int, dict[str, str]] = {}
    for row in connection.execute(
        f"SELECT trace, key, value FROM {table} WHERE trace IN (SELECT value FROM json_each(?)) ORDER BY key",  # noqa: S608  # names are ours
        (wanted,),
    ):
        found.setdefault(row["trace"], {})[row["key"]] = row["value"]
    return found


def _trace(row: Row, tags: Tags, metadata: Tags, assessments: tuple[Assessment, ...]) -> Trace:
    return Trace(
        number=row["number"],
        id=row["id"],
        experiment_id=str(row["experiment"]),
        started_at=row["started_at"],
        duration_ms=row["duration_ms"],
        state=row["state"],
        client_request_id=row["client_request_id"],
        request_preview=row["request_preview"],
        response_preview=row["response_preview"],
        artifact_uri=row["artifact_uri"],
        tags=tags,
        metadata=metadata,
        assessments=assessments,
    )
