"""People, tokens, sessions and the audit log as rows: what is unique, what goes with what, and what is never changed."""

from __future__ import annotations

import inspect
from dataclasses import replace
from pathlib import Path

import pytest

from ropewalk.store import Database, RowRefused, access, access_audit, access_sessions
from ropewalk.store.access import PersonRow, TokenRow
from ropewalk.store.access_audit import Deed
from ropewalk.store.access_sessions import AttemptRow

ADA = PersonRow("1", "ada", "ada@example.com", "https://issuer", "7", 1)
TOKEN = TokenRow("t", "digest", "personal", "laptop", "1", None, None, ("read",), 1, "local", 2)


@pytest.fixture
def database(tmp_path: Path, environ: dict[str, str]):
    """Return an empty metadata database."""
    opened = Database.open(environ.get("ROPEWALK_DATABASE_URL") or tmp_path / "metadata.db")
    yield opened
    opened.close()


@pytest.mark.parametrize("change", [{"id": "2", "subject": "8"}, {"id": "2", "name": "grace"}, {"name": "x"}])
def test_people_are_unique(database: Database, change: dict[str, str]) -> None:
    """Neither an id, nor a name, nor an issuer's subject is there twice."""
    access.insert_person(database, ADA)

    with pytest.raises(RowRefused):
        access.insert_person(database, replace(ADA, **change))


def test_people_without_an_issuer(database: Database) -> None:
    """Any number of people may have been added by hand."""
    for number in "12":
        access.insert_person(database, PersonRow(number, f"p{number}", "", "", "", 1))

    with database.read() as connection:
        assert [one.name for one in access.list_people(connection)] == ["p1", "p2"]


def test_whole_person_goes(database: Database) -> None:
    """With a person go roles and sessions; tokens are kept, revoked."""
    access.insert_person(database, ADA)
    access.set_role(database, "flights", "1", "owner")
    access.insert_token(database, TOKEN)
    access_sessions.insert_session(database, "s", "1", 9_999_999_999_999)

    access.remove_person(database, "1")

    with database.read() as connection:
        assert access.find_person(connection, "ada") is None
        assert access.find_role(connection, "flights", "1") is None
        assert access_sessions.find_session(connection, "s", 1) is None
        token = access.find_token(connection, "digest")
    assert token is not None
    assert token.revoked_at is not None


def test_roles_by_source(database: Database) -> None:
    """A role is taken away by whoever gave it, or by hand."""
    access.set_role(database, "flights", "1", "owner", "https://issuer")

    access.remove_role(database, "flights", "1", "https://other")
    with database.read() as connection:
        assert access.find_role(connection, "flights", "1") == ("owner", "https://issuer")
    access.remove_role(database, "flights", "1")
    with database.read() as connection:
        assert access.find_role(connection, "flights", "1") is None


def test_token_comes_back_whole(database: Database) -> None:
    """Every field is kept, scopes in their order."""
    token = replace(TOKEN, scopes=("read", "write"), last_used_at=5)
    access.insert_token(database, token)

    with database.read() as connection:
        assert access.find_token(connection, "digest") == token
        assert access.list_tokens(connection, ("project",)) == []


def test_session_ends(database: Database) -> None:
    """A session is found until its time, and forgotten when another begins."""
    access_sessions.insert_session(database, "old", "1", 10)
    with database.read() as connection:
        assert access_sessions.find_session(connection, "old", 9) == "1"
        assert access_sessions.find_session(connection, "old", 10) is None

    access_sessions.insert_session(database, "new", "1", 9_999_999_999_999)
    with database.read() as connection:
        assert access_sessions.find_session(connection, "old", 9) is None


def test_attempt_is_taken_once(database: Database) -> None:
    """An answer to a login finds it once; old ones are forgotten."""
    attempt = AttemptRow("state", "nonce", "verifier", "/", 5)
    access_sessions.insert_attempt(database, attempt, 0)

    assert access_sessions.take_attempt(database, "state") == attempt
    assert access_sessions.take_attempt(database, "state") is None
    access_sessions.insert_attempt(database, attempt, 0)
    access_sessions.insert_attempt(database, replace(attempt, state="new", created_at=20), 10)
    assert access_sessions.take_attempt(database, "state") is None


def test_audit_is_only_added_to(database: Database) -> None:
    """Entries come back newest first, and no statement of the module changes or removes one."""
    for number in range(3):
        access_audit.write_audit(database, Deed("ada" if number else "grace", "login", str(number)))

    with database.read() as connection:
        assert [one.target for one in access_audit.read_audit(connection, 2)] == ["2", "1"]
        assert [one.target for one in access_audit.read_audit(connection, 9, actor="grace")] == ["0"]
        assert access_audit.read_audit(connection, 9, since_ms=9_999_999_999_999) == []
    text = inspect.getsource(access_audit)
    assert "UPDATE" not in text
    assert "DELETE" not in text
