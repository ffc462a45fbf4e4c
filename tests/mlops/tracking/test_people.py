"""MLflow's users and roles: as its client reads them, and only for reading."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from ropewalk.access import Role, add_person, give_role
from ropewalk.pipeline import Workspace

Call = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module", autouse=True)
def people(workspace: Workspace) -> None:
    """Add somebody with a role, and somebody without."""
    add_person(workspace.database, "ada")
    give_role(workspace.database, "test", "ada", Role.OWNER)
    add_person(workspace.database, "grace")


def test_list(call: Call) -> None:
    """Everybody is there, with their role in the project, and nothing that is secret."""
    users = call("GET", "users/list")["users"]

    assert [(one["username"], one["is_admin"], [r["name"] for r in one["roles"]]) for one in users][:2] == [
        ("ada", True, ["owner"]),
        ("grace", False, []),
    ]
    assert {*users[0]} == {"id", "username", "is_admin", "roles"}


def test_one(call: Call) -> None:
    """One user by name; somebody unknown is not there; no name is told."""
    assert call("GET", "users/get", params={"username": "ada"})["user"]["is_admin"] is True
    assert call("GET", "users/get", 404, params={"username": "x"})["error_code"] == "RESOURCE_DOES_NOT_EXIST"
    assert "username" in call("GET", "users/get", 400)["message"]


def test_current(call: Call) -> None:
    """Whoever works on this machine is its owner."""
    assert call("GET", "users/current")["user"]["username"] == "local"


def test_roles(http: httpx.Client) -> None:
    """The five roles are those of the project; who has one can be asked from either side."""
    at = "/api/3.0/mlflow"
    roles = http.get(f"{at}/roles/list").json()["roles"]
    owner = http.get(f"{at}/roles/get", params={"role_id": "50"}).json()["role"]
    holders = http.get(f"{at}/roles/users/list", params={"role_id": "50"}).json()["assignments"]
    held = http.get(f"{at}/users/roles/list", params={"username": "ada"}).json()["roles"]

    assert [(one["name"], one["permissions"][0]["permission"]) for one in roles] == [
        ("guest", "USE"),
        ("reporter", "READ"),
        ("developer", "EDIT"),
        ("maintainer", "MANAGE"),
        ("owner", "MANAGE"),
    ]
    assert (owner["name"], owner["workspace"]) == ("owner", "test")
    assert len(holders) == 1
    assert [one["name"] for one in held] == ["owner"]


@pytest.mark.parametrize("role", ["7", "x", "", None])
def test_no_such_role(http: httpx.Client, role: str | None) -> None:
    """A role that there is not is the client's mistake."""
    query = {} if role is None else {"role_id": role}

    assert http.get("/api/3.0/mlflow/roles/get", params=query).status_code == 400


def test_delete(call: Call, workspace: Workspace) -> None:
    """An owner removes a user as MLflow's client does."""
    add_person(workspace.database, "zoe")

    call("DELETE", "users/delete", json={"username": "zoe"})

    assert "zoe" not in str(call("GET", "users/list"))
