"""What happened to registered models, and what was read of their versions' files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ropewalk.store.connections import Connection
from ropewalk.store.database import now_ms

ReadingState = Literal["known", "quarantined", "allowed"]


@dataclass(frozen=True)
class NewEvent:
    """Something that happened to a model, a version or an alias.

    Attributes:
        what: a word of the registry's: `registered`, `alias moved`, `approved` …
        before: what it was, as text; None where there was nothing.
        after: what it is now; None where there is nothing.
        actor: who did it.
        reason: why, in that person's words.
    """

    model: str
    what: str
    actor: str
    version: str | None = None
    alias: str | None = None
    before: str | None = None
    after: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class RegistryEvent(NewEvent):
    """The same with its place in time: `happened_at` in UTC milliseconds, `id` in the order of happening."""

    id: int = 0
    happened_at: int = 0


@dataclass(frozen=True)
class Reading:
    """What was read of a version's files: a report as JSON, and whether they may be loaded."""

    state: ReadingState
    report: str
    read_at: int


def add_event(connection: Connection, new: NewEvent) -> None:
    """Add to the history of a model."""
    connection.execute(
        "INSERT INTO registry_event"
        " (model, version, alias, what, state_before, state_after, actor, reason, happened_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(new.model, int(new.version) if new.version else None, new.alias, new.what),
            *(new.before, new.after, new.actor, new.reason, now_ms()),
        ),
    )


def list_events(connection: Connection, model: str, version: str | None = None) -> list[RegistryEvent]:
    """Return the history of a model, or of one version with the aliases that came to it or left it, oldest first."""
    rows = connection.execute("SELECT * FROM registry_event WHERE model = ? ORDER BY id", (model,))
    found = [
        RegistryEvent(
            model=row["model"],
            what=row["what"],
            actor=row["actor"],
            version=None if row["version"] is None else str(row["version"]),
            alias=row["alias"],
            before=row["state_before"],
            after=row["state_after"],
            reason=row["reason"],
            id=row["id"],
            happened_at=row["happened_at"],
        )
        for row in rows
    ]
    return [event for event in found if version is None or _is_about(event, version)]


def _is_about(event: RegistryEvent, version: str) -> bool:
    # An alias that moves concerns the version that it leaves as well.
    return event.version == version or (event.alias is not None and event.before == version)


def rename_events(connection: Connection, name: str, new_name: str) -> None:
    """Let the history of a model go on under its new name."""
    connection.execute("UPDATE registry_event SET model = ? WHERE model = ?", (new_name, name))


def set_reading(connection: Connection, model: str, version: str, state: ReadingState, report: str) -> None:
    """Keep what was read of a version's files, in place of what was read before."""
    connection.execute(
        "INSERT INTO version_reading (model, version, state, report, read_at) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (model, version) DO UPDATE"
        " SET state = excluded.state, report = excluded.report, read_at = excluded.read_at",
        (model, int(version), state, report, now_ms()),
    )


def find_reading(connection: Connection, model: str, version: str) -> Reading | None:
    """Return what was read of a version's files, or None when they were not read yet."""
    row = connection.execute(
        "SELECT state, report, read_at FROM version_reading WHERE model = ? AND version = ?",
        (model, int(version)),
    ).fetchone()
    return Reading(row["state"], row["report"], row["read_at"]) if row else None


def registered_with(connection: Connection, model: str, content: str) -> list[str]:
    """Return the versions of a model that were registered with this content and are there, oldest first."""
    rows = connection.execute(
        "SELECT DISTINCT registry_event.version AS number FROM registry_event"
        " JOIN model_version ON model_version.model = registry_event.model"
        " AND model_version.version = registry_event.version"
        " WHERE registry_event.model = ? AND what = 'registered' AND state_after = ? ORDER BY number",
        (model, content),
    )
    return [str(row["number"]) for row in rows]
