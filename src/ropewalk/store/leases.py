"""Leases: who is doing something that must be done once. Times are not compared; a beat that stands still is."""

from __future__ import annotations

from dataclasses import dataclass

from ropewalk.store.database import Database, now_ms


@dataclass(frozen=True)
class LeaseRow:
    """A lease: its name, a token only its holder knows, and the process that holds it.

    Attributes:
        host: the machine and its boot; a process number says nothing elsewhere.
        process: process id and the moment it started, as the kernel counts it.
        beat: a number that the holder raises while it lives.
    """

    name: str
    owner: str
    host: str
    process: str
    beat: int
    taken_at: int


def take_lease(database: Database, name: str, owner: str, host: str, process: str) -> LeaseRow | None:
    """Take the lease and return None, or return the lease of whoever has it."""
    with database.write() as connection:
        taken = connection.execute(
            "INSERT INTO lease (name, owner, host, process, beat, taken_at) VALUES (?, ?, ?, ?, 0, ?)"
            " ON CONFLICT (name) DO NOTHING",
            (name, owner, host, process, now_ms()),
        )
        if taken.rowcount == 1:
            return None
        row = connection.execute("SELECT * FROM lease WHERE name = ?", (name,)).fetchone()
    return LeaseRow(**dict(row))


def read_lease(database: Database, name: str) -> LeaseRow | None:
    """Return the lease, or None when nobody has it."""
    with database.read() as connection:
        row = connection.execute("SELECT * FROM lease WHERE name = ?", (name,)).fetchone()
    return LeaseRow(**dict(row)) if row else None


def list_leases(database: Database, prefix: str = "") -> list[LeaseRow]:
    """Return the leases whose names start with `prefix`."""
    with database.read() as connection:
        rows = connection.execute(
            "SELECT * FROM lease WHERE substr(name, 1, ?) = ? ORDER BY name", (len(prefix), prefix)
        ).fetchall()
    return [LeaseRow(**dict(row)) for row in rows]


def beat_leases(database: Database, owner: str) -> None:
    """Raise the beat of every lease of `owner`: its holder lives."""
    with database.write() as connection:
        connection.execute("UPDATE lease SET beat = beat + 1 WHERE owner = ?", (owner,))


def drop_lease(database: Database, name: str, owner: str) -> bool:
    """Give the lease up, or take it away from a dead holder; False when `owner` does not have it any more."""
    with database.write() as connection:
        return (
            connection.execute("DELETE FROM lease WHERE name = ? AND owner = ?", (name, owner)).rowcount == 1
        )
