"""People, their roles in projects, and the hashes of tokens; no secret itself is ever stored."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from ropewalk.store.connections import Connection, Row
from ropewalk.store.database import Database, now_ms

_COLUMNS = (
    "id, digest, kind, name, person, project, role, scopes,"
    " created_at, created_by, expires_at, last_used_at, revoked_at"
)


@dataclass(frozen=True)
class PersonRow:
    """Somebody who may be asked for; `issuer` and `subject` are empty for one who was added by hand."""

    id: str
    name: str
    email: str
    issuer: str
    subject: str
    created_at: int


@dataclass(frozen=True)
class MemberRow:
    """What one person may do in one project, and who said so."""

    person: PersonRow
    role: str
    source: str


@dataclass(frozen=True)
class TokenRow:
    """One token, of which only the hash is known; times in UTC milliseconds.

    Attributes:
        kind: personal, project, deploy or run.
        person: the id of whom a personal token acts for.
        project: where the others act, with `role`.
        scopes: what of the role's rights it may use.
    """

    id: str
    digest: str
    kind: str
    name: str
    person: str | None
    project: str | None
    role: str | None
    scopes: tuple[str, ...]
    created_at: int
    created_by: str
    expires_at: int | None
    last_used_at: int | None = None
    revoked_at: int | None = None


def insert_person(database: Database, person: PersonRow) -> None:
    """Add a person.

    Raises:
        RowRefused: the name, or the issuer's subject, is there already.
    """
    with database.write() as connection:
        connection.execute(
            "INSERT INTO person (id, name, email, issuer, subject, created_at) VALUES (?, ?, ?, ?, ?, ?)",
            (person.id, person.name, person.email, person.issuer, person.subject, person.created_at),
        )


def find_person(connection: Connection, name: str) -> PersonRow | None:
    """Return the person of that name, if there is one."""
    return _person(connection, "name = ?", name)


def find_subject(connection: Connection, issuer: str, subject: str) -> PersonRow | None:
    """Return the person whom `issuer` knows as `subject`, if there is one."""
    return _person(connection, "issuer = ? AND subject = ?", issuer, subject)


def find_person_by_id(connection: Connection, identifier: str) -> PersonRow | None:
    """Return the person with that id, if there is one."""
    return _person(connection, "id = ?", identifier)


def _person(connection: Connection, condition: str, *values: str) -> PersonRow | None:
    query = f"SELECT id, name, email, issuer, subject, created_at FROM person WHERE {condition}"  # noqa: S608  # ours
    row = connection.execute(query, values).fetchone()
    return PersonRow(*row) if row else None


def list_people(connection: Connection) -> list[PersonRow]:
    """Return everybody, by name."""
    rows = connection.execute("SELECT id, name, email, issuer, subject, created_at FROM person ORDER BY name")
    return [PersonRow(*row) for row in rows]


def remove_person(database: Database, person: str) -> None:
    """Remove a person with all roles and sessions, and revoke their tokens."""
    with database.write() as connection:
        connection.execute(
            "UPDATE access_token SET revoked_at = ? WHERE person = ? AND revoked_at IS NULL",
            (now_ms(), person),
        )
        connection.execute("DELETE FROM login_session WHERE person = ?", (person,))
        connection.execute("DELETE FROM membership WHERE person = ?", (person,))
        connection.execute("DELETE FROM person WHERE id = ?", (person,))


def set_role(database: Database, project: str, person: str, role: str, source: str = "hand") -> None:
    """Give a person a role in a project, in place of the one they had there."""
    with database.write() as connection:
        connection.execute(
            "INSERT INTO membership (project, person, role, source) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (project, person) DO UPDATE SET role = excluded.role, source = excluded.source",
            (project, person, role, source),
        )


def remove_role(database: Database, project: str, person: str, source: str | None = None) -> None:
    """Take a person's role in a project away, if it came from `source` (None: wherever it came from)."""
    with database.write() as connection:
        connection.execute(
            "DELETE FROM membership WHERE project = ? AND person = ? AND source = COALESCE(?, source)",
            (project, person, source),
        )


def find_role(connection: Connection, project: str, person: str) -> tuple[str, str] | None:
    """Return the role of a person in a project and its source, if they have one."""
    row = connection.execute(
        "SELECT role, source FROM membership WHERE project = ? AND person = ?", (project, person)
    ).fetchone()
    return (row[0], row[1]) if row else None


def list_members(connection: Connection, project: str) -> list[MemberRow]:
    """Return who has a role in a project, by name."""
    rows = connection.execute(
        "SELECT p.id, p.name, p.email, p.issuer, p.subject, p.created_at, m.role, m.source"
        " FROM membership m JOIN person p ON p.id = m.person WHERE m.project = ? ORDER BY p.name",
        (project,),
    )
    return [MemberRow(PersonRow(*row[:6]), row[6], row[7]) for row in rows]


def insert_token(database: Database, token: TokenRow) -> None:
    """Add a token."""
    with database.write() as connection:
        connection.execute(
            f"INSERT INTO access_token ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608  # ours
            (
                *(token.id, token.digest, token.kind, token.name, token.person, token.project, token.role),
                *(json.dumps(token.scopes), token.created_at, token.created_by, token.expires_at),
                *(token.last_used_at, token.revoked_at),
            ),
        )


def find_token(connection: Connection, digest: str) -> TokenRow | None:
    """Return the token whose secret has this hash, also one that is revoked or over."""
    row = connection.execute(f"SELECT {_COLUMNS} FROM access_token WHERE digest = ?", (digest,)).fetchone()  # noqa: S608  # ours
    return _token(row) if row else None


def list_tokens(connection: Connection, kinds: Iterable[str]) -> list[TokenRow]:
    """Return the tokens of these kinds, newest first."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM access_token WHERE kind IN (SELECT value FROM json_each(?))"  # noqa: S608  # ours
        " ORDER BY created_at DESC, id",
        (json.dumps(list(kinds)),),
    )
    return [_token(row) for row in rows]


def revoke_token(database: Database, identifier: str) -> bool:
    """Revoke a token for good; False when there is none of that id, or it is revoked already."""
    with database.write() as connection:
        revoked = connection.execute(
            "UPDATE access_token SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL",
            (now_ms(), identifier),
        )
        return revoked.rowcount == 1


def remove_token(database: Database, identifier: str) -> None:
    """Remove a token as if it had never been: for those that live as long as one step."""
    with database.write() as connection:
        connection.execute("DELETE FROM access_token WHERE id = ?", (identifier,))


def note_use(database: Database, identifier: str) -> None:
    """Write down that a token is used now."""
    with database.write() as connection:
        connection.execute("UPDATE access_token SET last_used_at = ? WHERE id = ?", (now_ms(), identifier))


def _token(row: Row) -> TokenRow:
    values = tuple(row)
    return TokenRow(*(*values[:7], tuple(json.loads(values[7])), *values[8:]))
