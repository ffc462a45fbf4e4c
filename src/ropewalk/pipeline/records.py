"""Between the engine's values and the metadata database: what is current, and writing what was done."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from ropewalk.pipeline.environments import base_of, is_protected
from ropewalk.pipeline.values import Node, Output, Task
from ropewalk.pipeline.workspace import Workspace
from ropewalk.store.environments import get_environment, move_pointers
from ropewalk.store.lineage import EdgeRow, replace_edges
from ropewalk.store.pipeline import (
    ActionRow,
    NodeRunRow,
    current_actions,
    find_actions,
    observing_actions,
    record_action,
    record_node_run,
)


@dataclass(frozen=True)
class Execution:
    """One successful execution: the key of what it really used, what it made, and its cost in milliseconds."""

    key: str
    outside: Mapping[str, str]
    output: Output
    cpu_ms: int
    wall_ms: int


@dataclass(frozen=True)
class Record:
    """An action: its keys, what decided it, and what it made."""

    key: str
    task_key: str
    facts: Mapping[str, str]
    outside: Mapping[str, str]
    inputs: Mapping[str, str]
    output: Output
    run_id: str
    finished_at: int
    input_references: Mapping[str, str] = field(default_factory=dict)


def current_records(workspace: Workspace, environment: str | None = None) -> dict[str, Record]:
    """Return the current record of every node that has one in `environment` (None: the workspace's).

    The workspace's environment has, before its first use, what it will begin with.
    """
    rows = current_actions(workspace.database, environment or _beginning(workspace))
    return {node: to_record(row) for node, row in rows.items()}


def _beginning(workspace: Workspace) -> str:
    name = workspace.settings.environment
    if get_environment(workspace.database, name) is not None or is_protected(workspace.project, name):
        return name
    return base_of(workspace, name) or name


def records_of_key(workspace: Workspace, node_id: str, key: str) -> list[Record]:
    """Return the actions of the node under `key`, newest first, whatever environment they were made in."""
    return [to_record(row) for row in find_actions(workspace.database, key) if row.node == node_id]


def records_that_saw_more(workspace: Workspace, node: Node, inputs: Mapping[str, str]) -> list[Record]:
    """Return the actions that did what `node` does now with these inputs, and saw something of the outside."""
    found = map(to_record, observing_actions(workspace.database, node.id))
    return [record for record in found if record.facts == node.facts and record.inputs == inputs]


def save_success(task: Task, execution: Execution, outcome: NodeRunRow, *, environment: str | None) -> Record:
    """Record one successful execution, its lineage and its place in the run, in one transaction.

    Args:
        task: what was executed.
        execution: what it made and what it cost.
        outcome: how it ended in the run.
        environment: where it becomes current; None for one that is only tried out.
    """
    workspace, node = task.workspace, task.node
    row = ActionRow(
        key=execution.key,
        task_key=task.key,
        node=node.id,
        facts=node.facts,
        outside=execution.outside,
        inputs={name: made.digest for name, made in task.inputs.items()},
        output=json.dumps(dataclasses.asdict(execution.output)),
        run_id=task.run_id,
        cpu_ms=execution.cpu_ms,
        wall_ms=execution.wall_ms,
        finished_at=outcome.finished_at,
        input_references={name: made.reference for name, made in task.inputs.items()},
    )
    # One transaction: an action without its lineage, or a pointer without its action, can never be seen.
    with workspace.database.write() as connection:
        record_action(connection, row, environment)
        replace_edges(connection, node.id, _edges(node, task.input_ids, execution.output))
        record_node_run(connection, outcome)
    return to_record(row)


def save_restored(
    workspace: Workspace, node: Node, record: Record, input_ids: Mapping[str, str], outcome: NodeRunRow
) -> None:
    """Make an earlier action current for its node in the workspace's environment, in one transaction."""
    with workspace.database.write() as connection:
        cause = f"run:{outcome.run_id}"
        move_pointers(connection, workspace.settings.environment, {node.id: record.key}, cause)
        replace_edges(connection, node.id, _edges(node, input_ids, record.output))
        record_node_run(connection, outcome)


def _edges(node: Node, input_ids: Mapping[str, str], output: Output) -> list[EdgeRow]:
    return [
        *(EdgeRow(upstream, node.id, "input") for upstream in sorted(set(input_ids.values()))),
        *(EdgeRow(origin, node.id, "origin") for origin in sorted(set(output.origins))),
        *(EdgeRow(node.id, made, "product") for made in sorted(set(output.makes))),
    ]


def to_record(row: ActionRow) -> Record:
    """Return the row of an action as the engine's value."""
    fields = json.loads(row.output)
    # JSON knows no tuples.
    output = Output(**{**fields, "origins": tuple(fields["origins"]), "makes": tuple(fields["makes"])})
    return Record(
        row.key,
        row.task_key,
        row.facts,
        row.outside,
        row.inputs,
        output,
        row.run_id,
        row.finished_at,
        row.input_references,
    )
