"""Reading past runs: the list of them with what each did, one by the beginning of its id, and what it did node by node."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from ropewalk.store.database import Database


@dataclass(frozen=True)
class PastRun:
    """One `ropewalk run` and how many nodes it brought to each end; times in UTC milliseconds."""

    id: str
    environment: str
    state: str
    cause: str
    git_commit: str | None
    git_branch: str | None
    is_dirty: bool
    started_at: int
    finished_at: int | None
    executed: int
    restored: int
    failed: int
    blocked: int
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PastNode:
    """What one run did with one node."""

    node: str
    state: str
    reasons: tuple[str, ...]
    error: str | None
    started_at: int
    finished_at: int
    attempts: int


def list_past_runs(
    database: Database, limit: int, *, environment: str = "", cause: str = "", prefix: str = ""
) -> list[PastRun]:
    """Return the newest runs, newest first: of one environment, of one cause, with one beginning of their id."""
    with database.read() as connection:
        rows = connection.execute(
            # Counted for the few runs that are asked for: the primary key of node_run begins with the run.
            "SELECT id, environment, CASE WHEN was_cancelled = 1 THEN 'cancelled' ELSE state END AS state, cause, git_commit, git_branch, is_dirty, started_at, finished_at,"
            " parameters,"
            " (SELECT count(*) FROM node_run AS n WHERE n.run_id = r.id AND n.state = 'executed') AS executed,"
            " (SELECT count(*) FROM node_run AS n WHERE n.run_id = r.id AND n.state = 'restored') AS restored,"
            " (SELECT count(*) FROM node_run AS n WHERE n.run_id = r.id AND n.state = 'failed') AS failed,"
            " (SELECT count(*) FROM node_run AS n WHERE n.run_id = r.id AND n.state = 'blocked') AS blocked"
            " FROM pipeline_run AS r WHERE (? = '' OR environment = ?) AND (? = '' OR cause = ?)"
            " AND substr(id, 1, ?) = ? ORDER BY started_at DESC, id LIMIT ?",
            (environment, environment, cause, cause, len(prefix), prefix, limit),
        ).fetchall()
    return [_past_run(dict(row)) for row in rows]


def _past_run(row: dict[str, object]) -> PastRun:
    return PastRun(
        **{**row, "is_dirty": bool(row["is_dirty"]), "parameters": json.loads(str(row["parameters"]))}
    )


def run_ids(database: Database, limit: int = 1000) -> list[str]:
    """Return the ids of the newest runs, newest first."""
    with database.read() as connection:
        rows = connection.execute(
            "SELECT id FROM pipeline_run ORDER BY started_at DESC, id LIMIT ?", (limit,)
        ).fetchall()
    return [row["id"] for row in rows]


def run_of_cause(database: Database, cause: str, since: int) -> tuple[str, str] | None:
    """Return id and state of the newest run with this cause that started at `since` (UTC ms) or later."""
    with database.read() as connection:
        row = connection.execute(
            "SELECT id, state FROM pipeline_run WHERE cause = ? AND started_at >= ?"
            " ORDER BY started_at DESC LIMIT 1",
            (cause, since),
        ).fetchone()
    return (row["id"], row["state"]) if row else None


def list_past_nodes(database: Database, run_id: str) -> list[PastNode]:
    """Return what one run did, in the order in which it ended."""
    with database.read() as connection:
        rows = connection.execute(
            "SELECT node, state, reasons, error, started_at, finished_at, attempts FROM node_run"
            " WHERE run_id = ? ORDER BY finished_at, node",
            (run_id,),
        ).fetchall()
    return [PastNode(**{**dict(row), "reasons": tuple(json.loads(row["reasons"]))}) for row in rows]
