"""People and their roles, as commands and pages manage them."""

from __future__ import annotations

import re
import uuid

from ropewalk.access.errors import InvalidAccess, PersonExists, UnknownPerson
from ropewalk.access.roles import Role
from ropewalk.errors import nearest
from ropewalk.store import Database, RowRefused, now_ms
from ropewalk.store.access import (
    PersonRow,
    find_person,
    insert_person,
    list_people,
    remove_person,
    remove_role,
    set_role,
)
from ropewalk.store.access_audit import Deed, write_audit

# They stand in the audit log, in addresses and on terminals.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,99}")


def add_person(database: Database, name: str, email: str = "", *, by: str = "local") -> PersonRow:
    """Add somebody, who then has neither a role nor a token.

    Raises:
        InvalidAccess: the name does not fit.
        PersonExists: it is taken.
    """
    if not _NAME.fullmatch(name):
        raise InvalidAccess(
            f"{name[:100]!r} cannot be a name",
            hint="at most 100 letters, digits, `_`, `-`, `.`, `@` and `+`, the first a letter, digit or `_`",
        )
    person = PersonRow(uuid.uuid4().hex, name, email, "", "", now_ms())
    try:
        insert_person(database, person)
    except RowRefused as error:
        raise PersonExists(
            f"there is a user {name!r} already", hint="`ropewalk user role` changes a role"
        ) from error
    write_audit(database, Deed(by, "user.add", name))
    return person


def get_person(database: Database, name: str) -> PersonRow:
    """Return the person of that name.

    Raises:
        UnknownPerson: there is none.
    """
    with database.read() as connection:
        found = find_person(connection, name)
        names = [] if found else [person.name for person in list_people(connection)]
    if found is None:
        raise UnknownPerson(
            f"there is no user {name!r}",
            nearest=nearest(name, names),
            hint="`ropewalk user list` shows all, `ropewalk user add` adds one",
        )
    return found


def give_role(database: Database, project: str, name: str, role: Role | None, *, by: str = "local") -> None:
    """Give somebody a role in a project, in place of the one they have; None takes it away.

    Raises:
        UnknownPerson: there is nobody of that name.
    """
    person = get_person(database, name)
    if role is None:
        remove_role(database, project, person.id)
    else:
        set_role(database, project, person.id, role.word)
    write_audit(database, Deed(by, "user.role", f"{name}: {role.word if role else 'none'}", project))


def drop_person(database: Database, name: str, *, by: str = "local") -> None:
    """Remove somebody with all roles, sessions and tokens; what they did stays in the audit log.

    Raises:
        UnknownPerson: there is nobody of that name.
    """
    person = get_person(database, name)
    remove_person(database, person.id)
    write_audit(database, Deed(by, "user.remove", name))
