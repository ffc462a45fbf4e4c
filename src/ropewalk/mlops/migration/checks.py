"""Whether what is here is what was there: one digest per thing, made the same way of both sides."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field

from blake3 import blake3

from ropewalk.mlops.migration.records import (
    EvaluationSetRecord,
    LoggedModelRecord,
    Point,
    RegisteredRecord,
    RunRecord,
)
from ropewalk.mlops.tracking import PLACES, MovedTrace
from ropewalk.store.artifacts import Artifact

# What people said of versions; what else the history tells follows from what is compared anyway.
REVIEWED = frozenset({"approval asked", "commented", "approved", "rejected"})
_POINT = struct.Struct("<qqd")


@dataclass
class Tally:
    """How many of one kind there were, how many are here now, and how many of those are alike.

    Attributes:
        there: in the source.
        added: brought in now.
        kept: here before, and alike.
        differing: here, and not alike.
    """

    there: int = 0
    added: int = 0
    kept: int = 0
    differing: list[str] = field(default_factory=list)

    def judge(self, name: str, *, is_new: bool, is_alike: bool) -> None:
        """Count one thing of the source: whether it was added now, and whether it is the same here."""
        self.there += 1
        self.added += is_new
        self.kept += is_alike and not is_new
        if not is_alike:
            self.differing.append(name)


@dataclass
class Outcome:
    """What an import did and found.

    Attributes:
        source: what was imported.
        tallies: by kind: experiments, runs, points, files, logged models, traces, evaluation sets, registered models,
            versions.
        notes: what was done otherwise than in the source, as sentences.
        digest: of all digests of what is in the source, in the order of their names: two imports of one source agree.
    """

    source: str
    tallies: dict[str, Tally] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    digests: dict[str, str] = field(default_factory=dict)

    def tally(self, kind: str) -> Tally:
        """Return the tally of a kind."""
        return self.tallies.setdefault(kind, Tally())

    @property
    def digest(self) -> str:
        """One digest for everything that is in the source."""
        return blake3(json.dumps(sorted(self.digests.items())).encode()).hexdigest()

    @property
    def differing(self) -> list[str]:
        """What is not alike."""
        return [name for tally in self.tallies.values() for name in tally.differing]


def points_digest(points: Iterable[Point]) -> tuple[int, str]:
    """Return how many different points a series has, and one digest for them in any order."""
    # NaN does not equal itself; packed, every NaN is the same eight bytes.
    packed = {
        _POINT.pack(step, time, math.nan if math.isnan(value) else value) for step, time, value in points
    }
    return len(packed), blake3(b"".join(sorted(packed))).hexdigest()


def run_digest(run: RunRecord, series: Mapping[str, str], files: Iterable[Artifact]) -> str:
    """Return one digest for a run with its series and files."""
    document = {
        **{
            name: getattr(run, name)
            for name in ("id", "name", "user_id", "status", "stage", "started_at", "ended_at")
        },
        "params": dict(run.params),
        "tags": dict(run.tags),
        "series": dict(series),
        "datasets": sorted(
            json.dumps({**asdict(item), "tags": dict(item.tags)}, sort_keys=True) for item in run.datasets
        ),
        "models": sorted((use.role, use.model_id, use.step) for use in run.models),
        "files": _files(files),
    }
    return _digest(document)


def logged_model_digest(model: LoggedModelRecord, files: Iterable[Artifact]) -> str:
    """Return one digest for a logged model with its files."""
    names = ("id", "name", "model_type", "source_run_id", "status")
    # A model keeps the newest point of each key, run and data set, here and there.
    newest = {
        (point.key, point.run_id, point.dataset_name, point.dataset_digest): point
        for point in sorted(model.metrics, key=lambda point: (point.step, point.time))
    }
    document = {
        **{name: getattr(model, name) for name in names},
        "params": dict(model.params),
        "tags": dict(model.tags),
        "metrics": sorted(
            repr((key, float(point.value), point.step, point.time)) for key, point in newest.items()
        ),
        "files": _files(files),
    }
    return _digest(document)


def trace_digest(moved: MovedTrace, files: Iterable[Artifact]) -> str:
    """Return one digest for a trace with its spans, what is said of it, and its files."""
    trace = asdict(moved.trace)
    # The experiment may have another id here, and the numbers are each store's own.
    for name in ("number", "experiment_id", "artifact_uri"):
        del trace[name]
    trace["tags"] = {key: value for key, value in moved.trace.tags.items() if key not in PLACES}
    trace["assessments"] = sorted(trace["assessments"], key=lambda one: one["id"])
    spans = sorted(json.dumps(span, sort_keys=True) for span in moved.spans)
    links = (sorted(moved.runs), sorted(moved.prompts))
    return _digest({"trace": trace, "spans": spans, "links": links, "files": _files(files)})


def evaluation_digest(found: EvaluationSetRecord) -> str:
    """Return one digest for an evaluation set with its records, in whatever order they stand."""
    described = asdict(found.described)
    del described["experiment_ids"]
    records = sorted(json.dumps({**asdict(record), "number": 0}, sort_keys=True) for record in found.records)
    return _digest({"set": described, "records": records})


def registered_digest(model: RegisteredRecord) -> str:
    """Return one digest for a registered model with its versions; where files lie is not part of it."""
    versions = [
        {
            "version": version.version,
            "description": version.description or None,
            "run_id": version.run_id,
            "model_id": version.model_id,
            "stage": version.stage,
            "tags": dict(version.tags),
        }
        for version in sorted(model.versions, key=lambda version: int(version.version))
    ]
    document: dict[str, object] = {
        "name": model.name,
        "description": model.description or None,
        "tags": dict(model.tags),
        "aliases": {alias: str(version) for alias, version in model.aliases.items()},
        "versions": versions,
    }
    if model.history is not None:
        document["reviews"] = [
            (event.version, event.what, event.actor, event.reason, event.happened_at)
            for event in model.history
            if event.what in REVIEWED
        ]
    return _digest(document)


def _files(files: Iterable[Artifact]) -> list[tuple[str, str]]:
    return sorted((file.path, file.digest) for file in files)


def _digest(document: object) -> str:
    return blake3(json.dumps(document, sort_keys=True).encode()).hexdigest()
