"""The structs of MLflow's auth application, as its client reads them; users and roles are Ropewalk's own.

Written by hand: the application has no descriptors. Format: `to_json` and `from_json` of MLflow 3.17's auth entities.
"""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct


class RolePermission(Struct):
    """What a role grants; of all things, as roles here are of whole projects."""

    id: int
    role_id: int
    permission: str
    resource_type: str = "workspace"
    resource_pattern: str = "*"


class Role(Struct):
    """One of the five roles, in the one project that is served."""

    id: int
    name: str
    workspace: str
    permissions: list[RolePermission]
    description: str | None = None


class User(Struct):
    """Somebody who may be given a role."""

    id: int
    username: str
    is_admin: bool
    roles: list[Role]


class Nothing(Struct):
    """A request that names nothing."""


class NamesUser(Struct):
    """A request about one user."""

    required: ClassVar[tuple[str, ...]] = ("username",)
    username: str | None = None


class NamesRole(Struct):
    """A request about one role."""

    required: ClassVar[tuple[str, ...]] = ("role_id",)
    role_id: int | None = None


class Assignment(Struct):
    """Who has a role."""

    id: int
    user_id: int
    role_id: int


class UserAnswer(Struct):
    """One user."""

    user: User
    is_basic_auth: bool = False


class UsersAnswer(Struct):
    """All users."""

    users: list[User]


class RoleAnswer(Struct):
    """One role."""

    role: Role


class RolesAnswer(Struct):
    """Some roles."""

    roles: list[Role]


class AssignmentsAnswer(Struct):
    """Who has a role."""

    assignments: list[Assignment]
