"""Steps that make their table in parts: called once for each interval that is missing, with their inputs cut to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

from ropewalk.dataops.lake import LakeTransaction, TableDigest, literal, table_of
from ropewalk.dataops.transform import (
    BOOKS_OF_PARTS,
    Interval,
    Parted,
    Partition,
    Parts,
    keep_parts,
    plan_parts,
    probe_parts,
    sorted_labels,
)
from ropewalk.mlops.training.job import Call
from ropewalk.mlops.training.undeclared import current_inputs
from ropewalk.pipeline import JSON, Node, Output, Probe, Task, Workspace, current_records
from ropewalk.project import StepDeclaration

# Parts of a key that are not about what the rows of one interval are.
_WHOLE = ("contract",)


@dataclass(frozen=True)
class StepParts:
    """What an execution of a partitioned step does to which intervals.

    Attributes:
        parted: the table that it makes.
        parts: the intervals.
        seen: what the step was seen to read that nobody declared, as it is now.
    """

    parted: Parted
    parts: Parts
    seen: Mapping[str, str]

    def calls(self, task: Task, step: StepDeclaration) -> list[Call]:
        """Return how the step's function is called; of no rows at all when there is nothing to compute."""
        cuts = {
            name: cut
            for name, _ in step.needs
            if (cut := self.parts.cuts.get(table_of(task.input_ids[name]) or ""))
        }
        # Of nothing there is still a table, with the columns that the step gives it.
        if not self.parts.computed:
            return [Call("no rows", dict.fromkeys(cuts, "false"))]
        return [
            Call(str(label), {name: cut.only(label) for name, cut in cuts.items()})
            for label in sorted_labels(self.parts.computed)
        ]

    def having_seen(self, observed: Mapping[str, str]) -> StepParts:
        """Return this after the step ran and was seen to read `observed`."""
        # What only earlier intervals read counts as long as one of them stays.
        seen = {**(self.seen if self.parts.kept else {}), **observed}
        facts: dict[str, JSON] = dict(sorted(seen.items()))
        parted = replace(self.parted, definition=[self.parted.definition[0], facts])
        return replace(self, parted=parted, seen=seen)

    def observed(self) -> dict[str, str]:
        """Return what counts in the key beside the declared inputs."""
        return {**self.seen, **self.parts.observed()}

    def keep(self, transaction: LakeTransaction, folder: Path, task: Task) -> TableDigest:
        """Put the rows that the calls returned, a file each below `folder`, in their places.

        Raises:
            TableFailed: a row is of another interval than was computed, or does not tell its interval.
        """
        files = literal(str(folder / "*" / "table.parquet"))
        transaction.stage(f"FROM read_parquet({files}, union_by_name = true)")
        return keep_parts(transaction, self.parts, self.parted, task)


def plan_step_parts(task: Task, step: StepDeclaration) -> StepParts | None:
    """Return what is to be done to which intervals, or None for a step that is not partitioned.

    Raises:
        TableFailed: no input has the column.
        InvalidSpan: the span that was asked for is not two times.
    """
    told = task.node.facts.get("partition")
    table = table_of(task.node.id)
    if told is None or table is None:
        return None
    record = current_records(task.workspace).get(task.node.id)
    seen = current_inputs(_files(record.output.observed if record else None), task.workspace)
    own: dict[str, JSON] = {name: fact for name, fact in task.node.facts.items() if name not in _WHOLE}
    facts: dict[str, JSON] = dict(sorted(seen.items()))
    parted = Parted(table, read_partition(told, step.place.line or 1), step.place, [own, facts], "step")
    return StepParts(parted, plan_parts(task, parted), seen)


def probe_step_parts(node: Node, workspace: Workspace, last: Output | None) -> Probe:
    """Return the state of what the step was seen to read, and which intervals are to be there after a run.

    Raises:
        InvalidSpan: the span is not two times.
    """
    del node
    files = current_inputs(_files(last.observed if last else None), workspace)
    return Probe({**files, **probe_parts(workspace, last).facts})


def read_partition(text: str, line: int) -> Partition:
    """Return what `day(flown_on)`, which the options have checked, means."""
    by, _, rest = text.partition("(")
    length: dict[str, Interval] = {name: name for name in get_args(Interval)}
    return Partition(length[by], rest.removesuffix(")"), line)


def books_of(node: Node) -> dict[str, str]:
    """Return what the lake remembers of the step's table beside its rows."""
    table = table_of(node.id)
    return dict.fromkeys(BOOKS_OF_PARTS, table) if table and "partition" in node.facts else {}


def _files(observed: Mapping[str, str] | None) -> dict[str, str]:
    # A kind and a name, where what is told of the intervals is one word.
    return {name: digest for name, digest in (observed or {}).items() if " " in name}
