"""What can be searched of traces, and by what their measures can be narrowed."""

from __future__ import annotations

from ropewalk.mlops.tracking.filter.schemas import Schema

# Patterns of regular expressions are read for traces only, as in MLflow.
_TEXTS = ("=", "!=", "LIKE", "ILIKE", "RLIKE")
_PRESENCE = ("IS NULL", "IS NOT NULL")
_LISTS = ("IN", "NOT IN")

TRACES = Schema(
    what="traces",
    attributes={
        "request_id": "text",
        "client_request_id": "text",
        "experiment_id": "text",
        "status": "text",
        "timestamp_ms": "number",
        "execution_time_ms": "number",
        "end_time_ms": "number",
    },
    entities=("tag", "metadata", "span", "feedback", "expectation", "issue"),
    other_names={
        "trace_id": "request_id",
        "state": "status",
        "timestamp": "timestamp_ms",
        "request_time": "timestamp_ms",
        "execution_time": "execution_time_ms",
        "execution_duration": "execution_time_ms",
        "end_time": "end_time_ms",
    },
    aliases={
        "attribute": "attribute",
        "attributes": "attribute",
        "trace": "attribute",
        "tag": "tag",
        "tags": "tag",
        "metadata": "metadata",
        "request_metadata": "metadata",
        "span": "span",
        "feedback": "feedback",
        "expectation": "expectation",
        "issue": "issue",
    },
    keys={
        "span": ("name", "type", "status", "id", "content", "attributes."),
        "issue": ("id",),
    },
    operators={
        "attribute": (*_TEXTS, *_LISTS),
        # The name of a trace is a tag, and can be asked for as both.
        "tag": (*_TEXTS, *_PRESENCE, *_LISTS),
        "metadata": (*_TEXTS, *_PRESENCE),
        "span": (*_TEXTS, *_LISTS),
        "span.content": ("LIKE", "ILIKE", "RLIKE"),
        "feedback": (*_TEXTS, *_PRESENCE),
        "expectation": (*_TEXTS, *_PRESENCE),
        "issue": ("=",),
        "run": ("=", "!=", "LIKE", "ILIKE", *_LISTS),
        "prompt": ("=",),
    },
    moved={
        "name": ("tag", "mlflow.traceName"),
        "run_id": ("run", "id"),
        "prompt": ("prompt", "id"),
        "text": ("span", "content"),
    },
    sorted_as={("run", "id"): ("metadata", "mlflow.sourceRun")},
)
TRACE_MEASURES = Schema(
    what="measures of traces",
    attributes={},
    entities=("trace", "span", "assessment"),
    aliases={"trace": "trace", "span": "span", "assessment": "assessment"},
    # A tag's name stands behind `tag.`, so the keys of a trace are checked where they are used.
    keys={"span": ("name", "status", "type"), "assessment": ("name", "type")},
    operators={"trace": ("=",), "span": ("=",), "assessment": ("=",)},
)
