"""Tokens: made once, shown once, and looked up by the hash of what is shown."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ropewalk.access.errors import CredentialRefused, InvalidAccess, UnknownToken
from ropewalk.access.people import get_person
from ropewalk.access.roles import GRANTS, Caller, Role, read_role
from ropewalk.access.secrets import digest_of, is_whole, new_secret
from ropewalk.routes import Permission
from ropewalk.store import Database, now_ms
from ropewalk.store.access import (
    TokenRow,
    find_person_by_id,
    find_role,
    find_token,
    insert_token,
    note_use,
    remove_token,
    revoke_token,
)
from ropewalk.store.access_audit import Deed, write_audit

KINDS = ("personal", "project", "deploy")
DAY_MS = 86_400_000
LONGEST_DAYS = 365
# Written down at most once a minute: the day and hour matter, and each request would else be a write.
_USE_MS = 60_000
# A deploy token stands in a file on a machine that others run.
_DEPLOY = frozenset({Permission.READ, Permission.PREDICT})
_STEP = frozenset({Permission.READ, Permission.WRITE})


@dataclass(frozen=True)
class TokenRequest:
    """What a token is to be.

    Attributes:
        name: what it is for, in a person's words.
        kind: personal, project or deploy.
        scopes: what of the role's rights it may use.
        person: the name of whom a personal token acts for.
        project: where the others act, with `role`.
        days: after how many days it ends.
    """

    name: str
    kind: str
    scopes: frozenset[Permission]
    project: str
    person: str | None = None
    role: Role | None = None
    days: int = 90


def create_token(database: Database, asked: TokenRequest, *, by: str = "local") -> tuple[str, TokenRow]:
    """Return a new token's secret, which is nowhere kept, and what is kept of it.

    Raises:
        InvalidAccess: what is asked does not fit together.
        UnknownPerson: there is nobody of that name.
    """
    _check(asked)
    person = get_person(database, asked.person).id if asked.person else None
    token = _row(asked, person, by)
    secret = new_secret()
    kept = TokenRow(**{**token.__dict__, "digest": digest_of(secret)})
    insert_token(database, kept)
    write_audit(database, Deed(by, "token.create", f"{asked.kind} {kept.id} {asked.name}", asked.project))
    return secret, kept


def _row(asked: TokenRequest, person: str | None, by: str) -> TokenRow:
    now = now_ms()
    role = None if person else (asked.role or Role.REPORTER).word
    scopes = tuple(sorted(scope.value for scope in asked.scopes))
    return TokenRow(
        id=secrets.token_hex(6),
        digest="",
        kind=asked.kind,
        name=asked.name,
        person=person,
        project=None if person else asked.project,
        role=role,
        scopes=scopes,
        created_at=now,
        created_by=by,
        expires_at=now + asked.days * DAY_MS,
    )


def _check(asked: TokenRequest) -> None:
    if asked.kind not in KINDS:
        raise InvalidAccess(
            f"there is no kind of token {asked.kind!r}", hint=f"the kinds are {', '.join(KINDS)}"
        )
    if not 1 <= asked.days <= LONGEST_DAYS:
        raise InvalidAccess(f"a token lives from 1 to {LONGEST_DAYS} days, not {asked.days}")
    if (asked.kind == "personal") != (asked.person is not None):
        raise InvalidAccess("a personal token, and no other, acts for a person", hint="name one with --user")
    if asked.kind == "personal" and asked.role:
        raise InvalidAccess("a personal token has the role of its person", hint="leave --role out")
    if not asked.scopes:
        raise InvalidAccess("a token without a scope may nothing", hint="name one with --scope")
    _check_scopes(asked)


def _check_scopes(asked: TokenRequest) -> None:
    if asked.kind == "personal":
        return
    role = asked.role or Role.REPORTER
    most = GRANTS[role] & _DEPLOY if asked.kind == "deploy" else GRANTS[role]
    if beyond := sorted(scope.value for scope in asked.scopes - most):
        raise InvalidAccess(
            f"a {asked.kind} token of the role {role.word} cannot have the scope {beyond[0]!r}",
            hint=f"it can have {', '.join(sorted(scope.value for scope in most)) or 'none'}",
        )


def end_token(database: Database, identifier: str, *, by: str = "local") -> None:
    """Revoke a token for good.

    Raises:
        UnknownToken: there is none of that id, or it is revoked already.
    """
    if not revoke_token(database, identifier):
        raise UnknownToken(
            f"there is no token {identifier[:40]!r} that could be revoked",
            hint="`ropewalk token list` shows all",
        )
    write_audit(database, Deed(by, "token.revoke", identifier))


@contextmanager
def step_token(database: Database, project: str, run_id: str, seconds: float) -> Iterator[str]:
    """Yield the secret of a token by which one step may log to this project's tracking, while the context lasts."""
    secret, now = new_secret(), now_ms()
    token = TokenRow(
        id=secrets.token_hex(6),
        digest=digest_of(secret),
        kind="run",
        name=run_id,
        person=None,
        project=project,
        role=Role.DEVELOPER.word,
        scopes=tuple(sorted(scope.value for scope in _STEP)),
        created_at=now,
        created_by="local",
        # A process that is killed removes nothing: the token then ends by itself.
        expires_at=now + int((seconds + 60) * 1000),
    )
    insert_token(database, token)
    try:
        yield secret
    finally:
        remove_token(database, token.id)


def token_caller(database: Database, secret: str, project: str) -> Caller:
    """Return who shows `secret`, with their role in `project`.

    Raises:
        CredentialRefused: it is no token, or one that is revoked or over.
    """
    if not is_whole(secret):
        raise CredentialRefused(
            "this is no token of Ropewalk", hint="a token begins with rw_ and has 49 characters"
        )
    digest, now = digest_of(secret), now_ms()
    with database.read() as connection:
        token = find_token(connection, digest)
        if token is None or not secrets.compare_digest(token.digest, digest):
            raise CredentialRefused("there is no such token")
        _check_alive(token, now)
        if token.person:
            person = find_person_by_id(connection, token.person)
            held = find_role(connection, project, token.person)
            caller = Caller(
                person.name if person else "nobody",
                "person" if person else "nobody",
                read_role(held[0]) if held else None,
                _scopes(token),
                token.person,
            )
        else:
            role = read_role(token.role or "") if token.project == project else None
            caller = Caller(f"{token.kind}:{token.name}", token.kind, role, _scopes(token))
    if token.kind != "run" and now - (token.last_used_at or 0) > _USE_MS:
        note_use(database, token.id)
    return caller


def _check_alive(token: TokenRow, now: int) -> None:
    if token.revoked_at is not None:
        raise CredentialRefused("the token is revoked", hint="ask for a new one")
    if token.expires_at is not None and token.expires_at <= now:
        raise CredentialRefused("the token is over", hint="ask for a new one")


def _scopes(token: TokenRow) -> frozenset[Permission]:
    return frozenset(Permission(scope) for scope in token.scopes)
