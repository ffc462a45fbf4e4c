"""Bringing traces and evaluation sets in: each whole or not at all, and held against the source."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from ropewalk.mlops.migration.checks import Outcome, evaluation_digest, trace_digest
from ropewalk.mlops.migration.records import EvaluationSetRecord
from ropewalk.mlops.migration.stored import ProjectSource
from ropewalk.mlops.tracking import MovedTrace, keep_moved
from ropewalk.pipeline import Workspace
from ropewalk.store import Connection
from ropewalk.store.artifacts import Artifact
from ropewalk.store.tracking import evaluation_sets as table

Place = Callable[[Connection, str, list[Artifact]], None]


@dataclass
class EvaluationImport:
    """The part of an import that is about traces and evaluation sets; `here` is what is here by now."""

    workspace: Workspace
    outcome: Outcome
    here: ProjectSource

    def bring_trace(self, moved: MovedTrace, experiment: str, files: list[Artifact], place: Place) -> None:
        """Bring one trace in, with files whose bytes are stored already; `place` names these in the transaction."""
        digest = trace_digest(moved, files)
        self.outcome.digests[f"trace {moved.id}"] = digest
        known = self.here.trace(moved.id)
        is_new = known is None
        if known is None:
            with self.workspace.database.write() as connection:
                kept = keep_moved(connection, moved, experiment)
                place(connection, kept.artifact_uri, files)
            known = self.here.trace(moved.id)
        assert known is not None  # written above
        here = trace_digest(known, self.here.artifacts(known))
        self.outcome.tally("traces").judge(f"trace {moved.id}", is_new=is_new, is_alike=here == digest)

    def bring_set(self, found: EvaluationSetRecord, experiments: Mapping[str, str]) -> None:
        """Bring one evaluation set in; `experiments` says which ids the source's experiments have here."""
        described = found.described
        digest = evaluation_digest(found)
        self.outcome.digests[f"evaluation set {described.id}"] = digest
        known = self.here.evaluation_set(described.id)
        is_new = known is None
        if known is None:
            linked = tuple(experiments[one] for one in described.experiment_ids if one in experiments)
            with self.workspace.database.write() as connection:
                table.insert_evaluation_set(connection, replace(described, experiment_ids=linked))
                table.change_evaluation_set(connection, described)
                table.put_records(connection, found.records)
            known = self.here.evaluation_set(described.id)
        assert known is not None  # written above
        is_alike = evaluation_digest(known) == digest
        tally = self.outcome.tally("evaluation sets")
        tally.judge(f"evaluation set {described.id}", is_new=is_new, is_alike=is_alike)
        records = self.outcome.tally("evaluation records")
        records.there += len(found.records)
        if is_new:
            records.added += len(found.records)
        else:
            records.kept += len(found.records)
