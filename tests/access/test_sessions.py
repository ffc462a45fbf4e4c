"""Sessions of browsers: whose they are, when they end, and what cookie carries them."""

from __future__ import annotations

import pytest
from starlette.requests import Request
from starlette.responses import Response

from ropewalk.access import (
    Role,
    add_person,
    begin_session,
    drop_cookie,
    drop_person,
    end_session,
    give_role,
    is_secure,
    set_cookie,
    write_login,
)
from ropewalk.access.roles import NOBODY
from ropewalk.access.secrets import digest_of
from ropewalk.access.sessions import LIFE_S, session_caller
from ropewalk.routes import Permission
from ropewalk.store import Database, now_ms
from ropewalk.store.access_audit import read_audit
from ropewalk.store.access_sessions import find_session, insert_session


def _session(database: Database, role: Role | None = None) -> str:
    person = add_person(database, "ada")
    give_role(database, "flights", "ada", role)
    return begin_session(database, person.id)


@pytest.mark.parametrize("role", [None, *Role])
def test_a_session_has_its_persons_role(database: Database, role: Role | None) -> None:
    """In the project that is asked for, and none in any other."""
    secret = _session(database, role)

    caller = session_caller(database, secret, "flights")

    assert (caller.name, caller.kind, caller.role) == ("ada", "person", role)
    assert caller.is_browser
    assert session_caller(database, secret, "trains").role is None


def test_a_role_counts_at_once(database: Database) -> None:
    """A role that is taken away is taken from sessions that run."""
    secret = _session(database, Role.OWNER)
    assert session_caller(database, secret, "flights").may(Permission.ADMINISTER)

    give_role(database, "flights", "ada", Role.GUEST)

    assert not session_caller(database, secret, "flights").may(Permission.READ)


@pytest.mark.parametrize("secret", ["", "nobody", "x" * 10_000, "' OR 1=1 --", "\x00"])
def test_other_secrets_are_nobodys(database: Database, secret: str) -> None:
    """A cookie of an old or foreign session is no credential, and no fault either: a login page follows."""
    _session(database, Role.OWNER)

    assert session_caller(database, secret, "flights") == NOBODY


def test_the_hash_is_no_secret(database: Database) -> None:
    """Whoever reads the table cannot use what is in it."""
    secret = _session(database, Role.OWNER)

    assert session_caller(database, digest_of(secret), "flights") == NOBODY


def test_an_ended_session_is_over(database: Database) -> None:
    """Logging out ends this session and no other; ending it again is no fault."""
    secret = _session(database, Role.OWNER)
    person = session_caller(database, secret, "flights").person
    other = begin_session(database, str(person))

    for _ in range(2):
        end_session(database, secret)

    assert session_caller(database, secret, "flights") == NOBODY
    assert session_caller(database, other, "flights").person == person


def test_sessions_go_with_their_person(database: Database) -> None:
    """Somebody who was removed is logged out everywhere."""
    secret = _session(database, Role.OWNER)

    drop_person(database, "ada")

    assert session_caller(database, secret, "flights") == NOBODY


def test_a_session_lasts_a_working_day(database: Database) -> None:
    """To the millisecond: at its end it is over."""
    person = add_person(database, "ada").id
    before = now_ms()
    digest = digest_of(begin_session(database, person))
    after = now_ms()

    with database.read() as connection:
        assert find_session(connection, digest, before + LIFE_S * 1000 - 1) == person
        assert find_session(connection, digest, after + LIFE_S * 1000) is None


def test_old_sessions_are_forgotten(database: Database) -> None:
    """Each login sweeps out what is over, so that the table does not grow for ever."""
    person = add_person(database, "ada").id
    insert_session(database, "old", person, now_ms() - 1)

    begin_session(database, person)

    with database.read() as connection:
        assert find_session(connection, "old", 0) is None


@pytest.mark.parametrize("is_known", [True, False])
def test_logins_are_written_down(database: Database, is_known: bool) -> None:
    """By the person's name; by their id when they were removed meanwhile."""
    person = add_person(database, "ada").id
    if not is_known:
        drop_person(database, "ada")

    write_login(database, person, "flights", "192.0.2.1")

    with database.read() as connection:
        (entry,) = read_audit(connection, 1)
    assert (entry.actor, entry.action, entry.outcome) == ("ada" if is_known else person, "login", "done")
    assert (entry.project, entry.address) == ("flights", "192.0.2.1")


@pytest.mark.parametrize(
    ("scheme", "public_url", "secure"),
    [
        ("http", "", False),
        ("https", "", True),
        ("http", "https://ml.example.org", True),
        ("http", "http://ml.example.org", False),
        ("https", "http://ml.example.org", True),
    ],
)
def test_who_is_reached_by_https(scheme: str, public_url: str, secure: bool) -> None:
    """A proxy may end TLS before this server; then the address that people use says so."""
    scope = {
        "type": "http",
        "scheme": scheme,
        "path": "/",
        "headers": [],
        "query_string": b"",
        "server": ("h", 1),
    }

    assert is_secure(Request(scope), public_url) is secure


@pytest.mark.parametrize("secure", [True, False])
def test_the_cookie_is_out_of_reach(secure: bool) -> None:
    """Of scripts, and of other sites' forms; by https also of other hosts of the domain."""
    response = Response()

    set_cookie(response, "s3cret", secure=secure)

    name, *flags = response.headers["set-cookie"].split("; ")
    assert name == ("__Host-ropewalk_session=s3cret" if secure else "ropewalk_session=s3cret")
    assert {"HttpOnly", "Path=/", "SameSite=lax", f"Max-Age={LIFE_S}"} <= set(flags)
    assert ("Secure" in flags) is secure
    # A name that begins with __Host- counts only without a domain.
    assert not any(flag.startswith("Domain") for flag in flags)


@pytest.mark.parametrize("secure", [True, False])
def test_the_cookie_is_taken_back(secure: bool) -> None:
    """Browsers remove a cookie only when name, path and flags are those it was set with."""
    response = Response()

    drop_cookie(response, secure=secure)

    name, *flags = response.headers["set-cookie"].split("; ")
    assert name.startswith("__Host-ropewalk_session=" if secure else "ropewalk_session=")
    assert {"Max-Age=0", "Path=/", "HttpOnly"} <= set(flags)
    assert ("Secure" in flags) is secure
