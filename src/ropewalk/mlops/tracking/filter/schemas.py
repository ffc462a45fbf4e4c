"""What can be searched: per entity its attributes, and which named values (metrics, tags, …) it has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["number", "text"]

# Clients and MLflow's documentation use all of these; the first of each group is what searches know.
ALIASES: Mapping[str, str] = {
    "attr": "attribute",
    "attribute": "attribute",
    "attributes": "attribute",
    "run": "attribute",
    "metric": "metric",
    "metrics": "metric",
    "param": "parameter",
    "params": "parameter",
    "parameter": "parameter",
    "parameters": "parameter",
    "tag": "tag",
    "tags": "tag",
    "dataset": "dataset",
    "datasets": "dataset",
}

# A data set has these fields only; unlike tags and metrics they are known, so another one is a mistake.
_KEYS: Mapping[str, tuple[str, ...]] = {"dataset": ("name", "digest", "context")}


@dataclass(frozen=True)
class Schema:
    """What a search over one entity may name.

    Attributes:
        what: the entity, for messages.
        attributes: attribute -> whether it is a number or a text.
        entities: the named values it has, out of metric, parameter, tag and dataset.
        other_names: other spellings of attributes.
        aliases: what may stand before the dot, and the entity that it means.
        keys: per entity with fixed keys, those; `attributes.` stands for any key that begins so.
        operators: per entity, what it can be compared with, where that is not what all entities know.
        moved: attributes that stand for a named value.
        sorted_as: what is sorted by in place of a named value.
    """

    what: str
    attributes: Mapping[str, Kind]
    entities: tuple[str, ...]
    other_names: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=lambda: ALIASES)
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: _KEYS)
    operators: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    moved: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    sorted_as: Mapping[tuple[str, str], tuple[str, str]] = field(default_factory=dict)


RUNS = Schema(
    what="runs",
    # What is not listed cannot be named, so a column that is added to the table is not open to searches by
    # itself.
    attributes={
        "run_id": "text",
        "run_name": "text",
        "status": "text",
        "user_id": "text",
        "artifact_uri": "text",
        "experiment_id": "text",
        "start_time": "number",
        "end_time": "number",
    },
    entities=("metric", "parameter", "tag", "dataset"),
    # MLflow's user interface sends the headings of its columns, in every spelling that it had.
    other_names={
        "created": "start_time",
        "Created": "start_time",
        "run name": "run_name",
        "Run name": "run_name",
        "Run Name": "run_name",
    },
)
EXPERIMENTS = Schema(
    what="experiments",
    attributes={
        "name": "text",
        "experiment_id": "text",
        "creation_time": "number",
        "last_update_time": "number",
    },
    entities=("tag",),
)
REGISTERED_MODELS = Schema(
    what="registered models",
    attributes={"name": "text", "creation_timestamp": "number", "last_updated_timestamp": "number"},
    entities=("tag",),
    other_names={"timestamp": "last_updated_timestamp"},
)
MODEL_VERSIONS = Schema(
    what="model versions",
    attributes={
        "name": "text",
        "run_id": "text",
        # The client's word for what the wire calls `source`.
        "source_path": "text",
        "version_number": "number",
        "creation_timestamp": "number",
        "last_updated_timestamp": "number",
    },
    entities=("tag",),
)
LOGGED_MODELS = Schema(
    what="logged models",
    attributes={
        "name": "text",
        "model_id": "text",
        "model_type": "text",
        "source_run_id": "text",
        "status": "text",
        "experiment_id": "text",
        "creation_timestamp": "number",
        "last_updated_timestamp": "number",
    },
    entities=("metric", "parameter", "tag"),
    other_names={
        # The client, its documentation and the wire each call these by another name.
        "creation_time": "creation_timestamp",
        "creation_timestamp_ms": "creation_timestamp",
        "last_updated_time": "last_updated_timestamp",
        "last_updated_timestamp_ms": "last_updated_timestamp",
    },
)
EVALUATION_SETS = Schema(
    what="evaluation sets",
    attributes={
        "name": "text",
        "created_time": "number",
        "last_update_time": "number",
        "created_by": "text",
        "last_updated_by": "text",
    },
    entities=("tag",),
)
ISSUES = Schema(
    what="issues",
    attributes={"status": "text", "source_run_id": "text"},
    entities=(),
)
