"""What a card tells, gathered from the registry, the run, the gate and the version's own files."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ropewalk.mlops.registry.cards.importances import read_importances
from ropewalk.mlops.registry.contents import version_content
from ropewalk.mlops.registry.errors import InvalidMLmodel
from ropewalk.mlops.registry.inspection import reading_of
from ropewalk.mlops.registry.models import get_model
from ropewalk.mlops.registry.reading.mlmodel import MLMODEL, MLmodel, read_mlmodel
from ropewalk.mlops.registry.reviews import Review, review_of
from ropewalk.pipeline import Workspace
from ropewalk.store.artifacts import Artifact
from ropewalk.store.gates import GateDecision, list_decisions
from ropewalk.store.registry import ModelVersion
from ropewalk.store.tracking.runs import find_run
from ropewalk.store.tracking.values import Run

# A JSON list of {table, snapshot, digest}, which the node kind `model` writes.
INPUTS_TAG = "ropewalk.inputs"
# The project's own text about a model: what it is for, and what it is not for.
TEXT_FOLDER = "models"
_MOST_TEXT = 100_000
_SLICED = re.compile(r"(?P<metric>[^\[\]]+)\[(?P<slice>[^\[\]]+)\]")
_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_. -]*")


@dataclass(frozen=True)
class TrainingTable:
    """A table that the version was trained on, at a snapshot."""

    table: str
    snapshot: str
    digest: str


@dataclass(frozen=True)
class CardFacts:
    """Everything that a card tells of one version.

    Attributes:
        metrics: the figures of the version, else those of its run, without those of slices.
        slices: (slice, metric, figure): metrics that are named `METRIC[SLICE]`, such as `auc[carrier=UA]`.
        importances: how much each feature counts, where the model's file says so, largest first.
        text: the project's own text.
        imports: what pickles of the version would import.
    """

    version: ModelVersion
    description: str | None
    tags: Mapping[str, str]
    content: str
    files: Sequence[Artifact]
    model: MLmodel
    run: Run | None
    review: Review
    decision: GateDecision | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    slices: Sequence[tuple[str, str, float]] = ()
    tables: Sequence[TrainingTable] = ()
    importances: Sequence[tuple[str, float]] = ()
    text: str | None = None
    example: str | None = None
    state: str = "known"
    findings: Sequence[str] = ()


def card_facts(workspace: Workspace, version: ModelVersion) -> CardFacts:
    """Return what there is to tell of a version; none of its files is executed."""
    registered = get_model(workspace, version.name)
    content, files = version_content(workspace, version)
    with workspace.database.read() as connection:
        run = find_run(connection, version.run_id) if version.run_id else None
    own = dict(version.metrics) or {key: point.value for key, point in (run.metrics.items() if run else ())}
    model = _mlmodel(workspace, files)
    state, report = reading_of(workspace, version)
    return CardFacts(
        version=version,
        description=version.description or registered.description,
        # The version's own words before those of all versions.
        tags={**registered.tags, **version.tags},
        content=content,
        files=files,
        model=model,
        run=run,
        review=review_of(workspace, version),
        decision=decision_about(version, list_decisions(workspace.database, version.name)),
        metrics={key: value for key, value in sorted(own.items()) if not _SLICED.fullmatch(key)},
        slices=_slices(run),
        tables=_tables(version),
        importances=read_importances({file.path: workspace.objects.path(file.digest) for file in files}),
        text=_text(workspace.root, version.name),
        example=_example(workspace, model, files),
        state=state,
        findings=[f"{finding.path} {finding.what}".strip() for finding in report.findings],
    )


def decision_about(version: ModelVersion, decisions: Sequence[GateDecision]) -> GateDecision | None:
    """Return the latest decision that read the figures the version was registered with."""
    # A decision is kept under the gate's key and a version under its content; the figures are what both have.
    for decision in decisions:
        read = {result.metric: result.value for result in decision.results}
        if read and all(version.metrics.get(metric) == value for metric, value in read.items()):
            return decision
    return None


def _mlmodel(workspace: Workspace, files: Sequence[Artifact]) -> MLmodel:
    place = next((file for file in files if file.path == MLMODEL), None)
    try:
        return read_mlmodel(workspace.objects.path(place.digest).read_bytes()) if place else MLmodel()
    except InvalidMLmodel:
        # That it cannot be read is among the findings.
        return MLmodel()


def _slices(run: Run | None) -> list[tuple[str, str, float]]:
    found = []
    for key, point in run.metrics.items() if run else ():
        if match := _SLICED.fullmatch(key):
            found.append((match["slice"], match["metric"], point.value))
    return sorted(found)


def _tables(version: ModelVersion) -> list[TrainingTable]:
    try:
        listed = json.loads(version.tags.get(INPUTS_TAG, "[]"))
    except ValueError:
        # A client may have put anything there.
        return []
    items = [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    return [
        TrainingTable(str(item.get("table")), str(item.get("snapshot")), str(item.get("digest")))
        for item in items
    ]


def _text(root: Path, model: str) -> str | None:
    if not _FILE_NAME.fullmatch(model):
        return None
    path = root / TEXT_FOLDER / f"{model}.md"
    if not path.is_file() or path.is_symlink():
        return None
    return path.read_text(encoding="utf-8", errors="replace")[:_MOST_TEXT].strip() or None


def _example(workspace: Workspace, model: MLmodel, files: Sequence[Artifact]) -> str | None:
    place = next((file for file in files if file.path == model.example), None)
    if place is None or place.size > _MOST_TEXT:
        return None
    text = workspace.objects.path(place.digest).read_text(encoding="utf-8", errors="replace")
    return text if text.isprintable() or text.strip().startswith(("{", "[")) else None
