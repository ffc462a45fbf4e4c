"""The table as the environment has it before it is built again: what a build may keep of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ropewalk.dataops.lake import LakeTransaction, holds_table, snapshot_of
from ropewalk.pipeline import JSON, Task, current_records


@dataclass(frozen=True)
class Standing:
    """What stands there, and how it came about.

    Attributes:
        snapshot: where its rows are.
        digest: of its content.
        facts: the definition it was made by.
        inputs: the digest of each input it was made from.
        snapshots: the snapshot of each of them, where it was a table.
        summary: what was told of it.
    """

    snapshot: int
    digest: str
    facts: Mapping[str, str]
    inputs: Mapping[str, str]
    snapshots: Mapping[str, int]
    summary: Mapping[str, JSON]

    def is_head(self, transaction: LakeTransaction, task: Task) -> bool:
        """Return whether the lake's head is this version: it may be what another environment wrote."""
        head = transaction.read_book("builds", task.node.id)
        return bool(head) and head[0][2] == self.digest and transaction.columns(task.node.name) is not None


def find_standing(task: Task) -> Standing | None:
    """Return the table as the environment has it, or None when it has none, or the lake lost it."""
    record = current_records(task.workspace).get(task.node.id)
    snapshot = snapshot_of(record.output) if record else None
    if record is None or snapshot is None:
        return None
    if not holds_table(task.node, record.task_key, record.output, task.workspace):
        return None
    places = {name: _number(reference) for name, reference in record.input_references.items()}
    return Standing(
        snapshot,
        record.output.digest,
        record.facts,
        record.inputs,
        {name: number for name, number in places.items() if number is not None},
        record.output.summary,
    )


def _number(reference: str) -> int | None:
    kind, _, number = reference.partition(":")
    return int(number) if kind == "snapshot" and number.isdigit() else None
