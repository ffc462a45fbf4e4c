"""The policy: what each role grants, what scopes take away again, and whom personal columns are shown to."""

from __future__ import annotations

import contextvars
from itertools import pairwise

import pytest

from ropewalk.access import (
    GRANTS,
    Caller,
    InvalidAccess,
    Role,
    allows,
    current_caller,
    enter,
    read_role,
    read_scopes,
    sees_personal,
)
from ropewalk.routes import Permission
from ropewalk.settings import Settings

ALL = frozenset(Permission)
P = Permission


@pytest.mark.parametrize(
    ("role", "most"),
    [
        (None, set()),
        (Role.GUEST, {P.PREDICT}),
        (Role.REPORTER, {P.PREDICT, P.READ}),
        (Role.DEVELOPER, {P.PREDICT, P.READ, P.WRITE}),
        (Role.MAINTAINER, {P.PREDICT, P.READ, P.WRITE, P.DELETE, P.MANAGE, P.PERSONAL}),
        (Role.OWNER, {P.PREDICT, P.READ, P.WRITE, P.DELETE, P.MANAGE, P.PERSONAL, P.ADMINISTER}),
    ],
)
def test_what_roles_grant(role: Role | None, most: set[Permission]) -> None:
    """Each role may exactly what stands here, and what is public."""
    assert {one for one in Permission if allows(role, ALL, one)} == most | {P.PUBLIC}


def test_roles_grow() -> None:
    """A later role may all that an earlier one may."""
    in_order = [GRANTS[role] for role in sorted(Role)]

    assert all(less < more for less, more in pairwise(in_order))


@pytest.mark.parametrize("role", list(Role))
def test_scopes_only_take_away(role: Role) -> None:
    """A token with one scope may at most that, and nothing that its role may not."""
    for scope in Permission:
        allowed = {one for one in Permission if allows(role, frozenset({scope}), one)} - {P.PUBLIC}
        assert allowed == {scope} & GRANTS[role]


def test_nobody() -> None:
    """Whoever shows nothing has neither a role nor a page about themselves."""
    nobody = Caller("nobody", "nobody", scopes=frozenset())

    assert [one for one in Permission if nobody.may(one)] == [P.PUBLIC]


@pytest.mark.parametrize(
    ("text", "near"), [("develper", "developer"), ("OWNER", None), ("", None), ("owner ", "owner")]
)
def test_unknown_role(text: str, near: str | None) -> None:
    """A role that there is not is told with the nearest that there is."""
    with pytest.raises(InvalidAccess, match="there is no role") as caught:
        read_role(text)

    assert caught.value.nearest == near


@pytest.mark.parametrize("text", ["raed", "public", "self", "*", ""])
def test_unknown_scope(text: str) -> None:
    """What everybody may is no scope, nor is a word that there is not."""
    with pytest.raises(InvalidAccess, match="there is no scope"):
        read_scopes(("read", text))


@pytest.mark.parametrize(
    ("caller", "setting", "sees"),
    [
        (None, "masked", False),
        (None, "clear", True),
        (Caller("ada", "person", Role.DEVELOPER), "clear", False),
        (Caller("ada", "person", Role.MAINTAINER), "masked", True),
        (Caller("ada", "person", Role.OWNER, frozenset({P.READ})), "clear", False),
        (Caller("project:x", "project", None), "clear", False),
    ],
)
def test_personal_columns(caller: Caller | None, setting: str, sees: bool) -> None:
    """On one's own machine the setting decides; of whoever came in by a login or token, the role."""

    def ask() -> bool:
        if caller:
            enter(caller)
        return sees_personal(Settings(personal_data=setting))

    assert contextvars.copy_context().run(ask) is sees


def test_outside_of_requests() -> None:
    """A command works for whoever started it."""
    assert contextvars.Context().run(current_caller).kind == "local"
