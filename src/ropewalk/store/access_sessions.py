"""Sessions of browsers, and logins that an issuer has still to answer; both only as hashes of their secrets."""

from __future__ import annotations

from dataclasses import dataclass

from ropewalk.store.connections import Connection
from ropewalk.store.database import Database, now_ms


@dataclass(frozen=True)
class AttemptRow:
    """One login that was sent to the issuer: what its answer must fit, and where it leads afterwards."""

    state: str
    nonce: str
    verifier: str
    target: str
    created_at: int


def insert_session(database: Database, digest: str, person: str, expires_at: int) -> None:
    """Begin a session; those that are over are forgotten on the way."""
    now = now_ms()
    with database.write() as connection:
        connection.execute("DELETE FROM login_session WHERE expires_at <= ?", (now,))
        connection.execute(
            "INSERT INTO login_session (digest, person, created_at, expires_at) VALUES (?, ?, ?, ?)",
            (digest, person, now, expires_at),
        )


def find_session(connection: Connection, digest: str, now: int) -> str | None:
    """Return the id of the person whose session has this hash, if it is not over."""
    row = connection.execute(
        "SELECT person FROM login_session WHERE digest = ? AND expires_at > ?", (digest, now)
    ).fetchone()
    return str(row[0]) if row else None


def remove_session(database: Database, digest: str) -> None:
    """End a session."""
    with database.write() as connection:
        connection.execute("DELETE FROM login_session WHERE digest = ?", (digest,))


def insert_attempt(database: Database, attempt: AttemptRow, oldest_ms: int) -> None:
    """Keep a login that begins; those from before `oldest_ms` are forgotten on the way."""
    with database.write() as connection:
        connection.execute("DELETE FROM login_attempt WHERE created_at < ?", (oldest_ms,))
        connection.execute(
            "INSERT INTO login_attempt (state, nonce, verifier, target, created_at) VALUES (?, ?, ?, ?, ?)",
            (attempt.state, attempt.nonce, attempt.verifier, attempt.target, attempt.created_at),
        )


def take_attempt(database: Database, state: str) -> AttemptRow | None:
    """Return the login of that hashed state and forget it: an answer counts once."""
    with database.write() as connection:
        row = connection.execute(
            "DELETE FROM login_attempt WHERE state = ? RETURNING state, nonce, verifier, target, created_at",
            (state,),
        ).fetchone()
    return AttemptRow(*row) if row else None
