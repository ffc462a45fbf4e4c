"""People and their roles: names that fit, roles that replace each other, and a line in the audit log for each deed."""

from __future__ import annotations

import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ropewalk.access import (
    InvalidAccess,
    PersonExists,
    Role,
    UnknownPerson,
    add_person,
    drop_person,
    get_person,
    give_role,
)
from ropewalk.store import Database
from ropewalk.store.access import find_role
from ropewalk.store.access_audit import read_audit

# As documented: what a name may hold, and what it may begin with.
FIRST = string.ascii_letters + string.digits + "_"
LETTERS = FIRST + ".@+-"


def _deeds(database: Database) -> list[tuple[str, str, str]]:
    with database.read() as connection:
        return [(entry.actor, entry.action, entry.target) for entry in read_audit(connection, 10)]


def _role(database: Database, name: str, project: str = "flights") -> str | None:
    person = get_person(database, name)
    with database.read() as connection:
        held = find_role(connection, project, person.id)
    return held[0] if held else None


def test_somebody_new_may_nothing(database: Database) -> None:
    """A person begins without a role, and is written down with who added them."""
    made = add_person(database, "ada", "ada@example.org", by="root")

    assert get_person(database, "ada") == made
    assert made.email == "ada@example.org"
    assert _role(database, "ada") is None
    assert _deeds(database) == [("root", "user.add", "ada")]


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "-ada",
        ".ada",
        "@ada",
        "+ada",
        "a b",
        "ada\n",
        "\nada",
        "a/b",
        "a" * 101,
        "ädä",
        "\u0430",
        "a\x00",
    ],
)
def test_names_that_do_not_fit(database: Database, name: str) -> None:
    """Names stand in logs, addresses and on terminals: nothing that any of them reads as something else."""
    with pytest.raises(InvalidAccess, match="cannot be a name") as caught:
        add_person(database, name)

    assert "at most 100" in str(caught.value.hint)
    assert _deeds(database) == []


@given(st.sampled_from(FIRST), st.text(LETTERS, max_size=99))
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_name_that_is_documented(database: Database, first: str, rest: str) -> None:
    """Whatever the hint allows is allowed, found again, and free again once removed."""
    name = first + rest

    add_person(database, name)
    assert get_person(database, name).name == name
    drop_person(database, name)

    with pytest.raises(UnknownPerson):
        get_person(database, name)


def test_a_name_is_there_once(database: Database) -> None:
    """The second of a name is refused, and the first stays as they are."""
    made = add_person(database, "ada", "one@example.org")

    with pytest.raises(PersonExists, match="'ada' already"):
        add_person(database, "ada", "two@example.org")

    assert get_person(database, "ada") == made
    assert len(_deeds(database)) == 1


def test_the_nearest_name_is_said(database: Database) -> None:
    """A slip in a name is answered by the name that was probably meant."""
    for name in ("ada", "grace"):
        add_person(database, name)

    with pytest.raises(UnknownPerson, match="no user 'grac'") as caught:
        get_person(database, "grac")

    assert caught.value.nearest == "grace"


def test_one_role_in_a_project(database: Database) -> None:
    """The last role counts, also when it is less than the one before."""
    add_person(database, "ada")

    for role in (Role.OWNER, Role.GUEST):
        give_role(database, "flights", "ada", role)

    assert _role(database, "ada") == "guest"
    assert [deed[2] for deed in _deeds(database)[:2]] == ["ada: guest", "ada: owner"]


def test_roles_are_of_one_project(database: Database) -> None:
    """An owner of one project is nobody in the next."""
    add_person(database, "ada")

    give_role(database, "flights", "ada", Role.OWNER)

    assert _role(database, "ada", "flights") == "owner"
    assert _role(database, "ada", "trains") is None


def test_a_role_is_taken_away(database: Database) -> None:
    """None leaves no role, also where there was none; both are written down."""
    add_person(database, "ada")
    give_role(database, "flights", "ada", Role.DEVELOPER)

    for _ in range(2):
        give_role(database, "flights", "ada", None)

    assert _role(database, "ada") is None
    assert [deed[2] for deed in _deeds(database)[:2]] == ["ada: none", "ada: none"]


def test_a_name_used_again_inherits_nothing(database: Database) -> None:
    """Whoever gets the name of somebody who left does not get their roles."""
    left = add_person(database, "ada")
    give_role(database, "flights", "ada", Role.OWNER)
    drop_person(database, "ada", by="root")

    came = add_person(database, "ada")

    assert came.id != left.id
    assert _role(database, "ada") is None
    assert ("root", "user.remove", "ada") in _deeds(database)


def test_nobody_of_that_name(database: Database) -> None:
    """What is done to nobody is refused, and leaves no line that says it was done."""
    with pytest.raises(UnknownPerson):
        give_role(database, "flights", "ada", Role.GUEST)
    with pytest.raises(UnknownPerson):
        drop_person(database, "ada")

    assert _deeds(database) == []
