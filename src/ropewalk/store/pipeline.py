"""What the engine remembers: runs, actions, and what each run did with each node."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from ropewalk.store.connections import Connection, Row
from ropewalk.store.database import Database, now_ms
from ropewalk.store.environments import move_pointers

# The state of a run that somebody ended; the table keeps it beside its own word for it, `failed`.
CANCELLED = "cancelled"


@dataclass(frozen=True)
class ActionRow:
    """One successful execution: its key, what decided it and what it made (`output` is a JSON object).

    `task_key` is the key the execution was started under; `key` counts what it then observed outside. `inputs`
    has the content digest of each input by its name, `input_references` where that content was.
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
    input_references: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RunRow:
    """One `ropewalk run`; times in UTC milliseconds.

    `cause` is what asked for it (`person`, `schedule:NAME`, `plan:ID`, `sweep:ID`), `parameters` what it overrode.
    """

    id: str
    environment: str
    state: str
    git_commit: str | None
    git_branch: str | None
    is_dirty: bool
    started_at: int
    finished_at: int | None
    cause: str = "person"
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class NodeRunRow:
    """What one run did with one node; `state` is executed, restored, failed or blocked.

    `action_key` is of the action that was executed or restored.
    """

    run_id: str
    node: str
    state: str
    reasons: list[str]
    error: str | None
    started_at: int
    finished_at: int
    action_key: str | None = None
    attempts: int = 1


def start_run(database: Database, run: RunRow) -> None:
    """Record that a run started."""
    with database.write() as connection:
        connection.execute(
            "INSERT INTO pipeline_run (id, environment, state, git_commit, git_branch, is_dirty, started_at, finished_at,"
            " cause, parameters) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                run.id,
                run.environment,
                run.state,
                run.git_commit,
                run.git_branch,
                int(run.is_dirty),
                run.started_at,
                run.finished_at,
                run.cause,
                json.dumps(dict(run.parameters)),
            ),
        )


def finish_run(database: Database, run_id: str, state: str) -> None:
    """Record how a run ended (`succeeded`, `failed` or `cancelled`)."""
    with database.write() as connection:
        connection.execute(
            # A transaction of its own: how a run ended is known even when its last action was rolled back.
            "UPDATE pipeline_run SET state = ?, was_cancelled = ?, finished_at = ? WHERE id = ?",
            ("failed" if state == CANCELLED else state, int(state == CANCELLED), now_ms(), run_id),
        )


def running_runs(database: Database) -> list[str]:
    """Return the ids of the runs that are marked as running, also those that were killed."""
    with database.read() as connection:
        rows = connection.execute("SELECT id FROM pipeline_run WHERE state = 'running'").fetchall()
    return [row["id"] for row in rows]


def record_action(connection: Connection, action: ActionRow, environment: str | None) -> None:
    """Record an execution and make it current for its node in `environment`, if any, in the caller's transaction."""
    connection.execute(
        # The same key may be executed again, when what it made is gone; the later execution is what is there
        # now. Its facts and inputs are what the key stands for, so they cannot differ.
        "INSERT INTO action (key, task_key, node, facts, outside, inputs, input_references, output, run_id, cpu_ms,"
        " wall_ms, finished_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (key) DO UPDATE SET task_key = excluded.task_key, output = excluded.output, run_id = excluded.run_id,"
        " input_references = excluded.input_references, cpu_ms = excluded.cpu_ms, wall_ms = excluded.wall_ms,"
        " finished_at = excluded.finished_at",
        (
            action.key,
            action.task_key,
            action.node,
            json.dumps(dict(action.facts)),
            json.dumps(dict(action.outside)),
            json.dumps(dict(action.inputs)),
            json.dumps(dict(action.input_references)),
            action.output,
            action.run_id,
            action.cpu_ms,
            action.wall_ms,
            action.finished_at,
        ),
    )
    # In the action's own transaction: an execution that is recorded without becoming current would be done again.
    if environment is not None:
        move_pointers(connection, environment, {action.node: action.key}, f"run:{action.run_id}")


def record_node_run(connection: Connection, row: NodeRunRow) -> None:
    """Record what a run did with a node, in the caller's transaction."""
    connection.execute(
        # A node has one outcome in a run; where a kind reports twice, the later one counts.
        "INSERT INTO node_run (run_id, node, state, reasons, error, started_at, finished_at, action_key, attempts)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (run_id, node) DO UPDATE SET state = excluded.state, reasons = excluded.reasons,"
        " error = excluded.error, started_at = excluded.started_at, finished_at = excluded.finished_at,"
        " action_key = excluded.action_key, attempts = excluded.attempts",
        (
            row.run_id,
            row.node,
            row.state,
            json.dumps(row.reasons),
            row.error,
            row.started_at,
            row.finished_at,
            row.action_key,
            row.attempts,
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


def find_actions(database: Database, key: str) -> list[ActionRow]:
    """Return the actions that were executed under `key`, or started under it and observed more; newest first."""
    with database.read() as connection:
        rows = connection.execute(
            "SELECT * FROM action WHERE key = ? OR task_key = ? ORDER BY finished_at DESC, key", (key, key)
        ).fetchall()
    return [_action(row) for row in rows]


def observing_actions(database: Database, node: str, limit: int = 100) -> list[ActionRow]:
    """Return the newest actions of the node that saw anything of the outside, newest first."""
    with database.read() as connection:
        rows = connection.execute(
            "SELECT * FROM action WHERE node = ? AND outside <> '{}' ORDER BY finished_at DESC, key LIMIT ?",
            (node, limit),
        ).fetchall()
    return [_action(row) for row in rows]


def get_action(database: Database, key: str) -> ActionRow | None:
    """Return the action of that key, or None."""
    with database.read() as connection:
        row = connection.execute("SELECT * FROM action WHERE key = ?", (key,)).fetchone()
    return _action(row) if row else None


def node_actions(database: Database, node: str) -> list[ActionRow]:
    """Return every action of the node, newest first."""
    with database.read() as connection:
        rows = connection.execute(
            "SELECT * FROM action WHERE node = ? ORDER BY finished_at DESC, key", (node,)
        ).fetchall()
    return [_action(row) for row in rows]


def run_of_product(database: Database, product: str) -> str | None:
    """Return the run in which a versioned thing was made, such as `run:<id>` for a tracked run; None if none was."""
    with database.read() as connection:
        # The edge names the node in question, so that only that node's few actions are looked through.
        rows = connection.execute(
            "SELECT run_id, output FROM action JOIN lineage_edge ON node = upstream WHERE downstream = ?"
            " ORDER BY finished_at",
            (product,),
        ).fetchall()
    return next((row["run_id"] for row in rows if product in json.loads(row["output"])["makes"]), None)


def wall_times(database: Database) -> dict[str, int]:
    """Return how many milliseconds the newest execution of each node took."""
    with database.read() as connection:
        rows = connection.execute(
            "SELECT node, wall_ms FROM action JOIN (SELECT node AS named, max(finished_at) AS newest FROM action"
            " GROUP BY node) AS last ON node = named AND finished_at = newest"
        ).fetchall()
    return {row["node"]: row["wall_ms"] for row in rows}


def list_pipeline_runs(database: Database, limit: int = 50, environment: str | None = None) -> list[RunRow]:
    """Return the newest runs, newest first; of one environment, if it is given."""
    with database.read() as connection:
        rows = connection.execute(
            "SELECT * FROM pipeline_run WHERE environment = COALESCE(?, environment)"
            " ORDER BY started_at DESC, id DESC LIMIT ?",
            (environment, limit),
        ).fetchall()
    return [_run(row) for row in rows]


def list_node_runs(database: Database, run_id: str) -> list[NodeRunRow]:
    """Return what one run did, in the order in which it ended."""
    with database.read() as connection:
        rows = connection.execute(
            "SELECT * FROM node_run WHERE run_id = ? ORDER BY finished_at, node", (run_id,)
        ).fetchall()
    return [NodeRunRow(**{**dict(row), "reasons": json.loads(row["reasons"])}) for row in rows]


def _run(row: Row) -> RunRow:
    read = {"is_dirty": bool(row["is_dirty"]), "parameters": json.loads(row["parameters"])}
    fields = {**dict(row), **read}
    if fields.pop("was_cancelled"):
        fields["state"] = CANCELLED
    return RunRow(**fields)


def _action(row: Row) -> ActionRow:
    # Read here, so that no caller ever sees that these are kept as text.
    names = ("facts", "outside", "inputs", "input_references")
    return ActionRow(**{**dict(row), **{name: json.loads(row[name]) for name in names}})


def past_outputs(database: Database, environment: str, node: str, limit: int) -> list[str]:
    """Return the outputs (JSON objects) that were current for the node in the environment, newest first."""
    with database.read() as connection:
        rows = connection.execute(
            "SELECT a.output FROM environment_change c JOIN action a ON a.key = c.action_key"
            " WHERE c.environment = ? AND c.node = ? ORDER BY c.version DESC LIMIT ?",
            (environment, node, limit),
        ).fetchall()
    return [row["output"] for row in rows]
