"""Spans: compressed segments that hold them whole, and beside these what is searched of each."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
from blake3 import blake3

from ropewalk.store.connections import Connection

# Fast, because every export waits for it; the stronger levels save a tenth more.
LEVEL = 3
# How much of a name an index keeps; the whole one is in the segment.
NAME = 500


@dataclass(frozen=True)
class SpanRow:
    """One span as it is kept.

    Attributes:
        started_ns: nanoseconds since 1970.
        attributes: texts that searches find, by name; the empty name has those without one.
        figures: tokens and costs, by name.
        content: the whole span as JSON.
    """

    id: str
    parent: str | None
    name: str
    type: str
    status: str
    started_ns: int
    ended_ns: int | None
    content: bytes
    model: str | None = None
    provider: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    figures: Mapping[str, float] = field(default_factory=dict)


def add_spans(connection: Connection, trace: int, spans: Sequence[SpanRow]) -> bool:
    """Keep spans of the trace of that number; return whether any of them was not there before."""
    newer = _newer(connection, trace, spans)
    segment = _add_segment(connection, trace, newer) if newer else None
    # An export that is sent again finds its segment there.
    if segment is None:
        return False
    connection.executemany(
        "INSERT INTO span (trace, id, parent, name, type, status, started_ns, ended_ns, model, provider, segment)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (trace, id) DO UPDATE SET parent = excluded.parent,"
        " name = excluded.name, type = excluded.type, status = excluded.status, started_ns = excluded.started_ns,"
        " ended_ns = excluded.ended_ns, model = excluded.model, provider = excluded.provider,"
        " segment = excluded.segment",
        [
            (
                *(trace, s.id, s.parent, s.name[:NAME], s.type[:NAME], s.status, s.started_ns, s.ended_ns),
                *(s.model, s.provider, segment),
            )
            for s in newer
        ],
    )
    _index(connection, trace, newer)
    # What later versions of its spans have replaced takes room for nothing.
    connection.execute(
        "DELETE FROM span_segment WHERE trace = ? AND id NOT IN (SELECT segment FROM span WHERE trace = ?)",
        (trace, trace),
    )
    return True


def _newer(connection: Connection, trace: int, spans: Sequence[SpanRow]) -> list[SpanRow]:
    """Return the last version of each span, but none that has not ended where one that has is known."""
    latest = {span.id: span for span in sorted(spans, key=lambda span: span.ended_ns is not None)}
    rows = connection.execute(
        "SELECT id FROM span WHERE trace = ? AND ended_ns IS NOT NULL AND id IN (SELECT value FROM json_each(?))",
        (trace, json.dumps(list(latest))),
    )
    ended = {row["id"] for row in rows}
    return [span for span in latest.values() if span.ended_ns is not None or span.id not in ended]


def _add_segment(connection: Connection, trace: int, spans: Sequence[SpanRow]) -> int | None:
    # In the order of their ids, so that the digest depends on the spans only.
    whole = msgspec.json.encode({s.id: msgspec.Raw(s.content) for s in sorted(spans, key=lambda s: s.id)})
    row = connection.execute(
        "INSERT INTO span_segment (trace, digest, content) VALUES (?, ?, ?) ON CONFLICT DO NOTHING RETURNING id",
        (trace, blake3(whole).digest(length=16), zlib.compress(whole, LEVEL)),
    ).fetchone()
    return int(row["id"]) if row else None


def _index(connection: Connection, trace: int, spans: Sequence[SpanRow]) -> None:
    listed = json.dumps([span.id for span in spans])
    for table in ("span_attribute", "span_figure"):
        connection.execute(
            f"DELETE FROM {table} WHERE trace = ? AND span IN (SELECT value FROM json_each(?))",  # noqa: S608  # names are ours
            (trace, listed),
        )
    connection.executemany(
        "INSERT INTO span_attribute (trace, span, key, value) VALUES (?, ?, ?, ?)",
        [(trace, span.id, key, value) for span in spans for key, value in span.attributes.items()],
    )
    connection.executemany(
        "INSERT INTO span_figure (trace, span, key, value) VALUES (?, ?, ?, ?)",
        [(trace, span.id, key, value) for span in spans for key, value in span.figures.items()],
    )


def count_spans(connection: Connection, traces: Iterable[int]) -> dict[int, int]:
    """Return how many spans each trace has; those without any are left out."""
    rows = connection.execute(
        "SELECT trace, count(*) AS spans FROM span WHERE trace IN (SELECT value FROM json_each(?)) GROUP BY trace",
        (json.dumps(list(traces)),),
    )
    return {int(row["trace"]): int(row["spans"]) for row in rows}


def read_spans(connection: Connection, traces: Iterable[int]) -> dict[int, list[bytes]]:
    """Return the spans of each trace as JSON, those without a parent first, then by their start."""
    wanted = json.dumps(list(traces))
    segments = connection.execute(
        "SELECT id, content FROM span_segment WHERE trace IN (SELECT value FROM json_each(?))", (wanted,)
    )
    reader = msgspec.json.Decoder(dict[str, msgspec.Raw])
    contents = {row["id"]: reader.decode(zlib.decompress(row["content"])) for row in segments}
    found: dict[int, list[bytes]] = {}
    for row in connection.execute(
        "SELECT trace, id, segment FROM span WHERE trace IN (SELECT value FROM json_each(?))"
        " ORDER BY CASE WHEN parent IS NULL THEN 0 ELSE 1 END, started_ns, id",
        (wanted,),
    ):
        found.setdefault(int(row["trace"]), []).append(bytes(contents[row["segment"]][row["id"]]))
    return found


def trace_figures(connection: Connection, trace: int) -> list[tuple[str, str | None, dict[str, float]]]:
    """Return (span, its parent, its tokens and costs) of all spans of a trace."""
    figures: dict[str, dict[str, float]] = {}
    for row in connection.execute("SELECT span, key, value FROM span_figure WHERE trace = ?", (trace,)):
        figures.setdefault(row["span"], {})[row["key"]] = row["value"]
    # Most spans count nothing, and of a trace without figures none need be read.
    if not figures:
        return []
    rows = connection.execute("SELECT id, parent FROM span WHERE trace = ? ORDER BY id", (trace,))
    return [(row["id"], row["parent"], figures.get(row["id"], {})) for row in rows]
