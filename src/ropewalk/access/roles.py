"""The policy: which role grants what, and the one function that says whether somebody may."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from enum import IntEnum

from ropewalk.access.errors import InvalidAccess
from ropewalk.errors import nearest
from ropewalk.routes import Permission
from ropewalk.settings import Settings


class Role(IntEnum):
    """What somebody is in a project; a later role may all that an earlier one may."""

    GUEST = 10
    REPORTER = 20
    DEVELOPER = 30
    MAINTAINER = 40
    OWNER = 50

    @property
    def word(self) -> str:
        """The role as people write it."""
        return self.name.lower()


# What each role adds to those before it.
_ADDED = {
    Role.GUEST: {Permission.PREDICT},
    Role.REPORTER: {Permission.READ},
    Role.DEVELOPER: {Permission.WRITE},
    Role.MAINTAINER: {Permission.DELETE, Permission.MANAGE, Permission.PERSONAL},
    Role.OWNER: {Permission.ADMINISTER},
}
GRANTS: dict[Role, frozenset[Permission]] = {
    role: frozenset[Permission]().union(*(added for one, added in _ADDED.items() if one <= role))
    for role in Role
}
ALL_SCOPES = GRANTS[Role.OWNER]


@dataclass(frozen=True)
class Caller:
    """Who asks: nobody, a person, a token of a project, a CI job, or whoever works on this machine.

    Attributes:
        name: as the audit log says it.
        kind: nobody, person, project, deploy, run, ci or local.
        role: what they are in the project that is asked for; None: nothing.
        scopes: what of the role's rights they may use; a session has all.
        person: the id of the person, where it is one.
        is_browser: whether a cookie said who asks, which a browser sends without being told to.
    """

    name: str
    kind: str
    role: Role | None = None
    scopes: frozenset[Permission] = ALL_SCOPES
    person: str | None = None
    is_browser: bool = False

    @property
    def has_all_scopes(self) -> bool:
        """Whether the caller may use every right of their role."""
        return self.scopes == ALL_SCOPES

    def may(self, permission: Permission) -> bool:
        """Return whether the caller has this right here."""
        if permission is Permission.SELF:
            return self.kind != "nobody"
        return allows(self.role, self.scopes, permission)


NOBODY = Caller("nobody", "nobody", scopes=frozenset())
LOCAL = Caller("local", "local", Role.OWNER)
_caller: ContextVar[Caller] = ContextVar("caller", default=LOCAL)


def allows(role: Role | None, scopes: frozenset[Permission], permission: Permission) -> bool:
    """Return whether `role`, used with `scopes`, has `permission`: the whole policy of the product."""
    if permission is Permission.PUBLIC:
        return True
    return role is not None and permission in GRANTS[role] and permission in scopes


def enter(caller: Caller) -> None:
    """Let everything that this request does from now on be done for `caller`."""
    _caller.set(caller)


def current_caller() -> Caller:
    """Return for whom the present work is done; outside of requests, for whoever works on this machine."""
    return _caller.get()


def sees_personal(settings: Settings) -> bool:
    """Return whether the present caller sees personal columns in the clear.

    Whoever came in by a login or a token sees what their role lets them see; on a machine of one's own the setting
    `personal_data` decides.
    """
    caller = current_caller()
    if caller.kind == "local":
        return settings.personal_data == "clear"
    return caller.may(Permission.PERSONAL)


def read_role(text: str) -> Role:
    """Return the role of that name.

    Raises:
        InvalidAccess: there is none.
    """
    words = {role.word: role for role in Role}
    if text not in words:
        raise InvalidAccess(
            f"there is no role {text!r}",
            nearest=nearest(text, words),
            hint=f"the roles are {', '.join(words)}",
        )
    return words[text]


def read_scopes(texts: tuple[str, ...]) -> frozenset[Permission]:
    """Return the permissions that the scopes name.

    Raises:
        InvalidAccess: one of them is no scope.
    """
    words = {permission.value: permission for permission in Permission if permission in ALL_SCOPES}
    for text in texts:
        if text not in words:
            raise InvalidAccess(
                f"there is no scope {text!r}",
                nearest=nearest(text, words),
                hint=f"the scopes are {', '.join(words)}",
            )
    return frozenset(words[text] for text in texts)
