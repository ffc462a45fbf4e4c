"""Sessions of browsers: a random secret in a cookie that no script reads, its hash in the database."""

from __future__ import annotations

import secrets

from starlette.requests import Request
from starlette.responses import Response

from ropewalk.access.credentials import COOKIE, SECURE_COOKIE
from ropewalk.access.roles import NOBODY, Caller, read_role
from ropewalk.access.secrets import digest_of
from ropewalk.store import Database, now_ms
from ropewalk.store.access import find_person_by_id, find_role
from ropewalk.store.access_audit import Deed, write_audit
from ropewalk.store.access_sessions import find_session, insert_session, remove_session

# A working day: whoever comes back tomorrow logs in again.
LIFE_S = 12 * 3600


def begin_session(database: Database, person: str) -> str:
    """Return the secret of a new session of the person with that id."""
    secret = secrets.token_urlsafe(32)
    insert_session(database, digest_of(secret), person, now_ms() + LIFE_S * 1000)
    return secret


def write_login(database: Database, person: str, project: str, address: str) -> None:
    """Write down that somebody logged in."""
    with database.read() as connection:
        found = find_person_by_id(connection, person)
    write_audit(database, Deed(found.name if found else person, "login", "/login", project, address))


def end_session(database: Database, secret: str) -> None:
    """End the session with that secret, if there is one."""
    remove_session(database, digest_of(secret))


def session_caller(database: Database, secret: str, project: str) -> Caller:
    """Return whose session it is, with their role in `project`; nobody, when it is none or over."""
    with database.read() as connection:
        person = find_session(connection, digest_of(secret), now_ms())
        row = find_person_by_id(connection, person) if person else None
        held = find_role(connection, project, row.id) if row else None
    if row is None:
        return NOBODY
    role = read_role(held[0]) if held else None
    return Caller(row.name, "person", role, person=row.id, is_browser=True)


def is_secure(request: Request, public_url: str) -> bool:
    """Return whether browsers reach this server by https, directly or through a proxy."""
    return request.url.scheme == "https" or public_url.startswith("https://")


def set_cookie(response: Response, secret: str, *, secure: bool) -> None:
    """Give the browser the session's secret, out of reach of scripts and of other sites' forms."""
    name = SECURE_COOKIE if secure else COOKIE
    # Lax, not Strict: a link in a mail leads to a page and not to the login.
    response.set_cookie(name, secret, max_age=LIFE_S, path="/", secure=secure, httponly=True, samesite="lax")


def drop_cookie(response: Response, *, secure: bool) -> None:
    """Take the session's secret from the browser."""
    name = SECURE_COOKIE if secure else COOKIE
    response.delete_cookie(name, path="/", secure=secure, httponly=True, samesite="lax")
