"""Tokens: their text, what is kept of them, and when they count."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropewalk.access import (
    CredentialRefused,
    InvalidAccess,
    Role,
    TokenRequest,
    UnknownPerson,
    UnknownToken,
    add_person,
    create_token,
    drop_person,
    end_token,
    give_role,
    step_token,
    token_caller,
)
from ropewalk.access.secrets import digest_of, is_whole, new_secret
from ropewalk.routes import Permission
from ropewalk.store import Database
from ropewalk.store.access import TokenRow, insert_token, list_tokens
from ropewalk.store.access_audit import read_audit

READ = frozenset({Permission.READ})
ASKED = TokenRequest("ci", "project", READ, "flights", role=Role.REPORTER)


def test_form() -> None:
    """A scanner for secrets finds a token by its prefix and form."""
    assert re.fullmatch(r"rw_[0-9A-Za-z]{46}", new_secret())
    assert len({new_secret() for _ in range(50)}) == 50


@given(st.integers(0, 48), st.sampled_from("0aZ_é"))
def test_slips_are_told(place: int, letter: str) -> None:
    """One wrong character anywhere is told by the checksum, without a look-up."""
    secret = new_secret()
    wrong = secret[:place] + letter + secret[place + 1 :]

    assert is_whole(wrong) == (wrong == secret)


@given(st.text(max_size=80))
def test_any_text_is_judged(text: str) -> None:
    """Whatever text comes is judged, and none is a token by accident."""
    assert not is_whole(text)
    assert re.fullmatch(r"[0-9a-f]{64}", digest_of(text))


def test_only_the_hash_is_kept(database: Database) -> None:
    """The secret is in no column of any table, nor in the audit log."""
    secret, token = create_token(database, ASKED)

    with database.read() as connection:
        kept = [*list_tokens(connection, ("project",)), *read_audit(connection, 10)]
    assert token.digest == digest_of(secret)
    assert secret not in repr(kept)
    assert secret[3:20] not in repr(kept)


def test_project_token(database: Database) -> None:
    """A token of a project has its role there, and none in another."""
    secret, _ = create_token(database, ASKED)

    here, there = (token_caller(database, secret, name) for name in ("flights", "trains"))
    assert (here.name, here.role, here.scopes) == ("project:ci", Role.REPORTER, READ)
    assert there.role is None


def test_personal_token(database: Database) -> None:
    """A personal token has the role that its person has today."""
    add_person(database, "ada")
    give_role(database, "flights", "ada", Role.DEVELOPER)
    secret, _ = create_token(database, TokenRequest("laptop", "personal", READ, "flights", "ada"))

    assert token_caller(database, secret, "flights").role is Role.DEVELOPER
    give_role(database, "flights", "ada", Role.GUEST)
    assert token_caller(database, secret, "flights").role is Role.GUEST
    give_role(database, "flights", "ada", None)
    assert token_caller(database, secret, "flights").role is None


def test_revoked(database: Database) -> None:
    """A revoked token does not count from the next request on, and is not revoked twice."""
    secret, token = create_token(database, ASKED)

    end_token(database, token.id)

    with pytest.raises(CredentialRefused, match="revoked"):
        token_caller(database, secret, "flights")
    with pytest.raises(UnknownToken):
        end_token(database, token.id)


def test_over(database: Database) -> None:
    """A token ends when it said it would."""
    secret = new_secret()
    _, token = create_token(database, ASKED)
    insert_token(database, replace(token, id="old", digest=digest_of(secret), expires_at=1))

    with pytest.raises(CredentialRefused, match="over"):
        token_caller(database, secret, "flights")


def test_removed_person(database: Database) -> None:
    """With a person go their tokens."""
    add_person(database, "ada")
    secret, _ = create_token(database, TokenRequest("laptop", "personal", READ, "flights", "ada"))

    drop_person(database, "ada")

    with pytest.raises(CredentialRefused, match="revoked"):
        token_caller(database, secret, "flights")


@pytest.mark.parametrize(
    "secret",
    ["", "rw_", "rw_" + "0" * 46, new_secret(), new_secret() + "x", "x" * 49],
    ids=["empty", "prefix", "zeros", "never given out", "too long", "no prefix"],
)
def test_unknown(database: Database, secret: str) -> None:
    """What nobody made does not count, whole or not."""
    with pytest.raises(CredentialRefused):
        token_caller(database, secret, "flights")


def test_last_use(database: Database) -> None:
    """The day and hour of the last use are kept; a second use soon after is no second write."""
    secret, _ = create_token(database, ASKED)

    def used() -> int | None:
        token_caller(database, secret, "flights")
        with database.read() as connection:
            return list_tokens(connection, ("project",))[0].last_used_at

    first = used()
    assert first is not None
    assert used() == first


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "magic"}, "no kind of token"),
        ({"days": 0}, "from 1 to 365 days"),
        ({"days": 366}, "from 1 to 365 days"),
        ({"kind": "personal"}, "acts for a person"),
        ({"person": "ada"}, "acts for a person"),
        ({"scopes": frozenset()}, "may nothing"),
        ({"scopes": frozenset({Permission.WRITE})}, "cannot have the scope 'write'"),
        ({"kind": "deploy", "role": Role.OWNER, "scopes": frozenset({Permission.WRITE})}, "cannot have"),
    ],
)
def test_what_no_token_can_be(database: Database, change: dict, message: str) -> None:
    """A token that could not be used, or could do more than its kind may, is not made."""
    with pytest.raises(InvalidAccess, match=message):
        create_token(database, replace(ASKED, **change))


def test_for_nobody(database: Database) -> None:
    """A personal token needs its person."""
    with pytest.raises(UnknownPerson):
        create_token(database, TokenRequest("x", "personal", READ, "flights", "nobody"))


def test_of_a_step(database: Database) -> None:
    """A step may log and read in its project while it runs, and nothing after it."""
    with step_token(database, "flights", "run-1", 60) as secret:
        caller = token_caller(database, secret, "flights")
        assert [one for one in Permission if caller.may(one)] == [
            Permission.READ,
            Permission.WRITE,
            Permission.SELF,
            Permission.PUBLIC,
        ]
        assert token_caller(database, secret, "trains").role is None

    with pytest.raises(CredentialRefused):
        token_caller(database, secret, "flights")


def test_all_is_written_down(database: Database) -> None:
    """Who made and revoked which token stands in the audit log, newest first."""
    _, token = create_token(database, ASKED, by="ada")
    end_token(database, token.id, by="grace")

    with database.read() as connection:
        deeds = [(one.actor, one.action) for one in read_audit(connection, 10)]
    assert deeds == [("grace", "token.revoke"), ("ada", "token.create")]


def test_rows_hide_nothing_else(database: Database) -> None:
    """A row's fields are those of the table, so that nothing secret can come with it."""
    assert {name for name in TokenRow.__dataclass_fields__ if "secret" in name} == set()
