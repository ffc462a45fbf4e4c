"""Between the engine's values and the metadata database: what is current, and writing what was done."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass

from ropewalk.pipeline.values import Node, Output, Task
from ropewalk.pipeline.workspace import Workspace
from ropewalk.store.lineage import EdgeRow, replace_edges
from ropewalk.store.pipeline import ActionRow, NodeRunRow, current_actions, record_action, record_node_run


@dataclass(frozen=True)
class Record:
    """The action that is current for a node: its keys, what decided it, and what it made."""

    key: str
    task_key: str
    facts: Mapping[str, str]
    outside: Mapping[str, str]
    inputs: Mapping[str, str]
    output: Output
    run_id: str
    finished_at: int


def current_records(workspace: Workspace) -> dict[str, Record]:
    """Return the current record of every node that has one in the workspace's environment."""
    rows = current_actions(workspace.database, workspace.settings.environment)
    return {node: _record(row) for node, row in rows.items()}


def save_success(
    task: Task, key: str, outside: Mapping[str, str], output: Output, outcome: NodeRunRow, cpu_ms: int
) -> None:
    """Record one successful execution, its lineage and its place in the run, in one transaction."""
    workspace, node = task.workspace, task.node
    row = ActionRow(
        key=key,
        task_key=task.key,
        node=node.id,
        facts=node.facts,
        outside=outside,
        inputs={name: made.digest for name, made in task.inputs.items()},
        output=json.dumps(dataclasses.asdict(output)),
        run_id=task.run_id,
        cpu_ms=cpu_ms,
        wall_ms=outcome.finished_at - outcome.started_at,
        finished_at=outcome.finished_at,
    )
    # One transaction: an action without its lineage, or a pointer without its action, can never be seen.
    with workspace.database.write() as connection:
        record_action(connection, row, workspace.settings.environment)
        replace_edges(connection, node.id, _edges(node, task, output))
        record_node_run(connection, outcome)


def _edges(node: Node, task: Task, output: Output) -> list[EdgeRow]:
    return [
        *(EdgeRow(upstream, node.id, "input") for upstream in sorted(set(task.input_ids.values()))),
        *(EdgeRow(origin, node.id, "origin") for origin in sorted(set(output.origins))),
        *(EdgeRow(node.id, made, "product") for made in sorted(set(output.makes))),
    ]


def _record(row: ActionRow) -> Record:
    fields = json.loads(row.output)
    # JSON knows no tuples.
    output = Output(**{**fields, "origins": tuple(fields["origins"]), "makes": tuple(fields["makes"])})
    return Record(
        row.key, row.task_key, row.facts, row.outside, row.inputs, output, row.run_id, row.finished_at
    )
