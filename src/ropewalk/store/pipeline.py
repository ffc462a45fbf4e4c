"""What the engine remembers: runs, actions, and which action is current in an environment."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from ropewalk.store.database import Database, now_ms


@dataclass(frozen=True)
class ActionRow:
    """One successful execution: its key, what decided it and what it made (`output` is a JSON object).

    `task_key` is the key the execution was started under; `key` counts what it then observed outside.
    """

    key: str
    task_key: str
    node: str
    facts: Mapping[str, str]
    outside: Mapping[str, str]
    inputs: Mapping[str, str]
    output: str
    run_id: str
    cpu_ms: int
    wall_ms: int
    finished_at: int


@dataclass(frozen=True)
class RunRow:
    """One `ropewalk run`; times in UTC milliseconds."""

    id: str
    environment: str
    state: str
    git_commit: str | None
    git_branch: str | None
    is_dirty: bool
    started_at: int
    finished_at: int | None


@dataclass(frozen=True)
class NodeRunRow:
    """What one run did with one node; `state` is executed, failed or blocked."""

    run_id: str
    node: str
    state: str
    reasons: list[str]
    error: str | None
    started_at: int
    finished_at: int


def start_run(database: Database, run: RunRow) -> None:
    """Record that a run started; runs still marked as running were killed and become failed."""
    with database.write() as connection:
        # The caller holds the project's run lock, so whoever was marked as running is gone; without this it would
        # be shown as running for ever.
        connection.execute(
            "UPDATE pipeline_run SET state = 'failed', finished_at = ? WHERE state = 'running'", (now_ms(),)
        )
        connection.execute(
            "INSERT INTO pipeline_run (id, environment, state, git_commit, git_branch, is_dirty, started_at, finished_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                run.id,
                run.environment,
                run.state,
                run.git_commit,
                run.git_branch,
                run.is_dirty,
                run.started_at,
                run.finished_at,
            ),
        )


def finish_run(database: Database, run_id: str, state: str) -> None:
    """Record how a run ended (`succeeded` or `failed`)."""
    with database.write() as connection:
        connection.execute(
            # A transaction of its own: how a run ended is known even when its last action was rolled back.
            "UPDATE pipeline_run SET state = ?, finished_at = ? WHERE id = ?",
            (state, now_ms(), run_id),
        )


def record_action(connection: sqlite3.Connection, action: ActionRow, environment: str) -> None:
    """Record an execution and make it current for its node in `environment`, in the caller's transaction."""
    connection.execute(
        # The same key may be executed again, when what it made is gone; the later execution is what is there
        # now. Its facts and inputs are what the key stands for, so they cannot differ.
        "INSERT INTO action (key, task_key, node, facts, outside, inputs, output, run_id, cpu_ms, wall_ms, finished_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (key) DO UPDATE SET task_key = excluded.task_key, output = excluded.output, run_id = excluded.run_id,"
        " cpu_ms = excluded.cpu_ms, wall_ms = excluded.wall_ms, finished_at = excluded.finished_at",
        (
            action.key,
            action.task_key,
            action.node,
            json.dumps(dict(action.facts)),
            json.dumps(dict(action.outside)),
            json.dumps(dict(action.inputs)),
            action.output,
            action.run_id,
            action.cpu_ms,
            action.wall_ms,
            action.finished_at,
        ),
    )
    connection.execute(
        # In the action's own transaction: an execution that is recorded without becoming current would be done
        # again.
        "INSERT INTO environment_pointer VALUES (?, ?, ?, ?)"
        " ON CONFLICT (environment, node) DO UPDATE SET action_key = excluded.action_key,"
        " moved_at = excluded.moved_at",
        (environment, action.node, action.key, action.finished_at),
    )


def record_node_run(connection: sqlite3.Connection, row: NodeRunRow) -> None:
    """Record what a run did with a node, in the caller's transaction."""
    connection.execute(
        # A node has one outcome in a run; where a kind reports twice, the later one counts.
        "INSERT INTO node_run (run_id, node, state, reasons, error, started_at, finished_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (run_id, node) DO UPDATE SET state = excluded.state, reasons = excluded.reasons,"
        " error = excluded.error, started_at = excluded.started_at, finished_at = excluded.finished_at",
        (
            row.run_id,
            row.node,
            row.state,
            json.dumps(row.reasons),
            row.error,
            row.started_at,
            row.finished_at,
        ),
    )


def current_actions(database: Database, environment: str) -> dict[str, ActionRow]:
    """Return the action that is current in `environment` for each node that has one."""
    with database.read() as connection:
        rows = connection.execute(
            "SELECT action.* FROM environment_pointer JOIN action ON action.key = action_key WHERE environment = ?",
            (environment,),
        ).fetchall()
    return {row["node"]: _action(row) for row in rows}


def list_pipeline_runs(database: Database, limit: int = 50) -> list[RunRow]:
    """Return the newest runs, newest first."""
    with database.read() as connection:
        rows = connection.execute(
            # Two runs may start in one millisecond; `rowid` then says which came later.
            "SELECT * FROM pipeline_run ORDER BY started_at DESC, rowid DESC LIMIT ?",
            (limit,),
        ).fetchall()
    return [
        RunRow(
            row["id"],
            row["environment"],
            row["state"],
            row["git_commit"],
            row["git_branch"],
            bool(row["is_dirty"]),
            row["started_at"],
            row["finished_at"],
        )
        for row in rows
    ]


def list_node_runs(database: Database, run_id: str) -> list[NodeRunRow]:
    """Return what one run did, in the order in which it ended."""
    with database.read() as connection:
        rows = connection.execute(
            "SELECT * FROM node_run WHERE run_id = ? ORDER BY finished_at, node", (run_id,)
        ).fetchall()
    names = ("run_id", "node", "state", "error", "started_at", "finished_at")
    return [
        NodeRunRow(**{name: row[name] for name in names}, reasons=json.loads(row["reasons"])) for row in rows
    ]


def _action(row: sqlite3.Row) -> ActionRow:
    # Read here, so that no caller ever sees that these are kept as text.
    documents = {name: json.loads(row[name]) for name in ("facts", "outside", "inputs")}
    names = ("key", "task_key", "node", "output", "run_id", "cpu_ms", "wall_ms", "finished_at")
    return ActionRow(**{name: row[name] for name in names}, **documents)
