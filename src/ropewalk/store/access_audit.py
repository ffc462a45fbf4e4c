"""The audit log: rows are added and read; no statement here changes or removes one."""

from __future__ import annotations

from dataclasses import dataclass

from ropewalk.store.connections import Connection
from ropewalk.store.database import Database, now_ms


@dataclass(frozen=True)
class AuditEntry:
    """Who did what to what, from where, when (UTC milliseconds), and how it ended."""

    id: int
    at: int
    actor: str
    action: str
    target: str
    project: str
    address: str
    outcome: str


@dataclass(frozen=True)
class Deed:
    """What is to be written down."""

    actor: str
    action: str
    target: str
    project: str = ""
    address: str = ""
    outcome: str = "done"


def write_audit(database: Database, deed: Deed) -> None:
    """Write down one deed, with the present as its time."""
    values = (deed.actor, deed.action, deed.target, deed.project, deed.address, deed.outcome)
    with database.write() as connection:
        connection.execute(
            "INSERT INTO audit_entry (at, actor, action, target, project, address, outcome)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (now_ms(), *values),
        )


def read_audit(
    connection: Connection, limit: int, *, actor: str | None = None, since_ms: int = 0
) -> list[AuditEntry]:
    """Return the newest entries first, at most `limit`, of one actor if named."""
    rows = connection.execute(
        "SELECT id, at, actor, action, target, project, address, outcome FROM audit_entry"
        " WHERE at >= ? AND actor = COALESCE(?, actor) ORDER BY id DESC LIMIT ?",
        (since_ms, actor, limit),
    )
    return [AuditEntry(*row) for row in rows]
