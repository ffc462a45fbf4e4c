"""The table `ropewalk_publications` beside a publication's target: what was written there, in the same transaction."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from ropewalk.dataops.lake import literal
from ropewalk.dataops.publish.dialects import Sent
from ropewalk.dataops.publish.session import Target, TargetSession
from ropewalk.dataops.publish.values import Order

LEDGER = "ropewalk_publications"
Columns = tuple[tuple[str, str], ...]
_FIELDS = (
    "name",
    "environment",
    "target",
    "sequence",
    "snapshot",
    "digest",
    "rows",
    "columns",
    "published_at",
)
# Short enough for MySQL's index, in which a letter counts for four bytes.
_TYPES = ("varchar(128)", "varchar(64)", "varchar(200)", "bigint", "bigint", "varchar(64)", "bigint", "text")


@dataclass(frozen=True)
class Entry:
    """One line of the ledger.

    Attributes:
        sequence: its number among those of the publication in its environment.
        digest: of what was written; empty for the announcement of a change that MySQL cannot make at once.
        sent: the columns as they were asked for.
        seen: the columns as the target had them afterwards.
    """

    sequence: int
    digest: str
    sent: Columns
    seen: Columns


@dataclass(frozen=True)
class Ledger:
    """What a publication has written in one environment, newest first."""

    entries: tuple[Entry, ...]

    @property
    def last(self) -> Entry | None:
        """The newest entry that rows were written with."""
        return next((entry for entry in self.entries if entry.digest), None)

    @property
    def is_announced(self) -> bool:
        """Whether a change was begun, and how far it came is not written."""
        return bool(self.entries) and not self.entries[0].digest

    @property
    def next(self) -> int:
        """The number of the next entry."""
        return self.entries[0].sequence + 1 if self.entries else 1


def ledger_place(target: Target) -> Target:
    """Return where the ledger is of what is published at `target`."""
    return Target(target.schema, LEDGER)


def open_ledger(session: TargetSession, target: Target) -> None:
    """Make the ledger, unless it is there."""
    place = ledger_place(target)
    # Asked first, so that a user who may only write rows can go on with a ledger that another one made.
    if session.columns(place) is not None:
        return
    if session.dialect.kind == "postgres":
        session.execute(f"CREATE SCHEMA IF NOT EXISTS {session.dialect.quote(target.schema)}")
    clock = "timestamptz" if session.dialect.kind == "postgres" else "datetime(6)"
    columns = [Sent(name, kind, "") for name, kind in zip(_FIELDS, (*_TYPES, clock), strict=True)]
    session.create(place, columns, ("name", "environment", "sequence"))


def read_ledger(session: TargetSession, target: Target, order: Order) -> Ledger:
    """Return what the publication has written at the target in the order's environment."""
    place = ledger_place(target)
    where = f"name = {literal(order.spec.name)} AND environment = {literal(order.environment)}"
    rows = session.scan(place, ("sequence", "digest", "columns"), f"{where} ORDER BY sequence DESC")
    return Ledger(tuple(_entry(number, digest, columns) for number, digest, columns in rows))


def find_owner(session: TargetSession, target: Target, order: Order) -> str | None:
    """Return which other publication, or other environment, has written at the target; None when none has."""
    where = (
        f"target = {literal(target.name)} AND "
        f"(name <> {literal(order.spec.name)} OR environment <> {literal(order.environment)}) LIMIT 1"
    )
    rows = session.scan(ledger_place(target), ("name", "environment"), where)
    return f"publication {rows[0][0]!r} of environment {rows[0][1]!r}" if rows else None


def write_entry(session: TargetSession, target: Target, order: Order, entry: Entry) -> None:
    """Add a line; a second writer of the same number fails."""
    content = order.content
    columns = json.dumps({"sent": entry.sent, "seen": entry.seen})
    values: Sequence[str | int] = (
        order.spec.name,
        order.environment,
        target.name,
        entry.sequence,
        content.snapshot,
        entry.digest,
        content.rows if entry.digest else 0,
        columns,
    )
    # MySQL's type has no zone: it gets the engine's time, which is UTC.
    clock = "now()" if session.dialect.kind == "postgres" else "CAST(now() AS TIMESTAMP)"
    session.insert(ledger_place(target), _FIELDS, f"SELECT {', '.join(map(literal, values))}, {clock}")


def _entry(number: object, digest: object, columns: object) -> Entry:
    found = json.loads(str(columns))
    sent, seen = (tuple((str(n), str(t)) for n, t in found[part]) for part in ("sent", "seen"))
    return Entry(int(str(number)), str(digest or ""), sent, seen)
