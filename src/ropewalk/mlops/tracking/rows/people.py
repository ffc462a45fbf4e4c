"""MLflow's users and roles, for reading: who they are is said by `ropewalk user` and by the issuer that people log in at."""

from __future__ import annotations

from ropewalk.access import Role, current_caller, drop_person, get_person
from ropewalk.mlops.tracking.errors import InvalidRequest
from ropewalk.mlops.tracking.rows.row import Row
from ropewalk.mlops.tracking.wire import people as wire
from ropewalk.mlops.tracking.wire.answers import need
from ropewalk.pipeline import Workspace
from ropewalk.routes import Permission
from ropewalk.store.access import MemberRow, PersonRow, list_members, list_people

# MLflow's words for the nearest to what our roles may.
_WORDS = {
    Role.GUEST: "USE",
    Role.REPORTER: "READ",
    Role.DEVELOPER: "EDIT",
    Role.MAINTAINER: "MANAGE",
    Role.OWNER: "MANAGE",
}
_ROLES = {role.word: role for role in Role}


def _role(workspace: Workspace, role: Role) -> wire.Role:
    granted = wire.RolePermission(int(role), int(role), _WORDS[role])
    return wire.Role(int(role), role.word, workspace.project.name, [granted])


def _number(person: str) -> int:
    """Return a number for an id, as clients take ids for numbers; small enough for those that count in doubles."""
    return int(person[:12], 16)


def _user(workspace: Workspace, person: PersonRow, member: MemberRow | None) -> wire.User:
    role = _ROLES[member.role] if member else None
    roles = [_role(workspace, role)] if role else []
    return wire.User(_number(person.id), person.name, role is Role.OWNER, roles)


def _members(workspace: Workspace) -> dict[str, MemberRow]:
    with workspace.database.read() as connection:
        return {one.person.id: one for one in list_members(connection, workspace.project.name)}


def _list(workspace: Workspace, _: wire.Nothing) -> wire.UsersAnswer:
    members = _members(workspace)
    with workspace.database.read() as connection:
        people = list_people(connection)
    return wire.UsersAnswer([_user(workspace, person, members.get(person.id)) for person in people])


def _get(workspace: Workspace, asked: wire.NamesUser) -> wire.UserAnswer:
    person = get_person(workspace.database, need(asked.username, "username"))
    return wire.UserAnswer(_user(workspace, person, _members(workspace).get(person.id)))


def _current(workspace: Workspace, _: wire.Nothing) -> wire.UserAnswer:
    caller = current_caller()
    roles = [_role(workspace, caller.role)] if caller.role else []
    # A token of a project, a job and whoever works on this machine have no row of their own.
    number = _number(caller.person) if caller.person else 0
    return wire.UserAnswer(wire.User(number, caller.name, caller.role is Role.OWNER, roles))


def _delete(workspace: Workspace, asked: wire.NamesUser) -> None:
    drop_person(workspace.database, need(asked.username, "username"), by=current_caller().name)


def _roles(workspace: Workspace, _: wire.Nothing) -> wire.RolesAnswer:
    return wire.RolesAnswer([_role(workspace, role) for role in Role])


def _one_role(workspace: Workspace, asked: wire.NamesRole) -> wire.RoleAnswer:
    return wire.RoleAnswer(_role(workspace, _asked_role(asked)))


def _asked_role(asked: wire.NamesRole) -> Role:
    number = need(asked.role_id, "role_id")
    try:
        return Role(number)
    except ValueError:
        raise InvalidRequest(
            f"There is no role {number}; the roles are {[int(role) for role in Role]}"
        ) from None


def _roles_of(workspace: Workspace, asked: wire.NamesUser) -> wire.RolesAnswer:
    return wire.RolesAnswer(_get(workspace, asked).user.roles)


def _users_of(workspace: Workspace, asked: wire.NamesRole) -> wire.AssignmentsAnswer:
    role = _asked_role(asked)
    numbers = [_number(one) for one, member in _members(workspace).items() if member.role == role.word]
    return wire.AssignmentsAnswer([wire.Assignment(number, number, int(role)) for number in numbers])


_AT, _NEW = "/mlflow/users", "3.0"
ROWS = (
    Row("GET", f"{_AT}/list", Permission.MANAGE, wire.Nothing, _list),
    Row("GET", f"{_AT}/get", Permission.MANAGE, wire.NamesUser, _get),
    Row("GET", f"{_AT}/current", Permission.SELF, wire.Nothing, _current),
    Row("DELETE", f"{_AT}/delete", Permission.ADMINISTER, wire.NamesUser, _delete),
    Row("GET", f"{_AT}/roles/list", Permission.MANAGE, wire.NamesUser, _roles_of, api=_NEW),
    Row("GET", "/mlflow/roles/list", Permission.READ, wire.Nothing, _roles, api=_NEW),
    Row("GET", "/mlflow/roles/get", Permission.READ, wire.NamesRole, _one_role, api=_NEW),
    Row("GET", "/mlflow/roles/users/list", Permission.MANAGE, wire.NamesRole, _users_of, api=_NEW),
)
