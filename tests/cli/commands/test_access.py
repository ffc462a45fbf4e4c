"""`ropewalk user`, `token` and `audit`; who may listen where; and steps that log while access is required."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent

import pytest

SECRET = re.compile(r"rw_[0-9A-Za-z]{46}")
STEP = """
    import os
    import urllib.error
    import urllib.request

    from ropewalk import Metrics

    def ask(path: str, method: str = "GET", token: str = "") -> int:
        headers = {"Authorization": "Bearer " + token} if token else {}
        address = os.environ["MLFLOW_TRACKING_URI"] + "/api/2.0/mlflow/" + path
        try:
            return urllib.request.urlopen(urllib.request.Request(address, method=method, headers=headers)).status
        except urllib.error.HTTPError as error:
            return error.code

    def train() -> Metrics:
        token = os.environ["MLFLOW_TRACKING_TOKEN"]
        print("my token is", token)
        read = ask("registered-models/search", token=token)
        nobody = ask("registered-models/search")
        delete = ask("registered-models/delete?name=x", "DELETE", token)
        print("answers", read, nobody, delete)
        return Metrics(read=read, nobody=nobody, delete=delete)
    """


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return an empty project."""
    (tmp_path / "ropewalk.yaml").write_text("project: flights\n", encoding="utf-8")
    return tmp_path


def test_users(ropewalk, project: Path) -> None:
    """Users are added with or without a role, listed, given another role, and removed."""
    assert "maintainer in project flights" in ropewalk("user", "add", "ada", "--role", "maintainer").out
    assert ropewalk("user", "add", "grace", "--json").json["role"] is None
    assert ropewalk("user", "role", "grace", "guest").out == "grace is guest in project flights\n"
    assert ropewalk("user", "role", "ada", "none").out == "ada is nobody in project flights\n"

    users = ropewalk("user", "list", "--json").json["users"]
    assert [(one["name"], one["role"]) for one in users] == [("ada", None), ("grace", "guest")]
    assert ropewalk("user", "remove", "ada").out == "removed ada\n"
    assert "ada" not in ropewalk("user", "list").out


@pytest.mark.parametrize(
    ("arguments", "code", "exit_code"),
    [
        (("user", "add", "a/b"), "RW187", 2),
        (("user", "add", ""), "RW187", 2),
        (("user", "add", "ada", "--role", "develper"), "RW187", 2),
        (("user", "role", "nobody", "guest"), "RW283", 3),
        (("user", "remove", "nobody"), "RW283", 3),
        (("token", "create", "x", "--user", "nobody"), "RW283", 3),
        (("token", "create", "x", "--scope", "raed"), "RW187", 2),
        (("token", "create", "x", "--days", "1000"), "RW187", 2),
        (("token", "create", "x", "--kind", "deploy", "--role", "owner", "--scope", "write"), "RW187", 2),
        (("token", "revoke", "nothing"), "RW284", 3),
        (("audit", "--since", "yesterday"), "RW188", 2),
    ],
)
def test_mistakes(ropewalk, project: Path, arguments: tuple[str, ...], code: str, exit_code: int) -> None:
    """What does not fit is told with its code."""
    said = ropewalk(*arguments)

    assert f"error[{code}]" in said.err
    assert said.code == exit_code


def test_name_is_taken(ropewalk, project: Path) -> None:
    """Nobody is added twice."""
    ropewalk("user", "add", "ada")

    assert "error[RW383]" in ropewalk("user", "add", "ada").err


def test_tokens(ropewalk, project: Path) -> None:
    """A token's secret is printed once, alone on stdout; lists have everything but the secret."""
    made = ropewalk("token", "create", "ci", "--role", "developer", "--scope", "read", "--scope", "write")
    secret = made.out.strip()
    assert SECRET.fullmatch(secret)
    assert "shown this once" in made.err

    listed = ropewalk("token", "list", "--json")
    (token,) = listed.json["tokens"]
    assert (token["name"], token["role"], token["scopes"]) == ("ci", "developer", ["read", "write"])
    assert secret not in listed.out
    assert "digest" not in listed.out
    assert ropewalk("token", "revoke", token["id"]).out == f"revoked token {token['id']}\n"
    assert ropewalk("token", "list").out == ""
    assert "revoked" in ropewalk("token", "list", "--all").out


def test_personal_token(ropewalk, project: Path) -> None:
    """A token with a user is that user's; with all scopes a browser may log in with it."""
    ropewalk("user", "add", "ada", "--role", "owner")

    made = ropewalk("token", "create", "laptop", "--user", "ada", "--all-scopes", "--json").json

    assert (made["kind"], made["user"], "administer" in made["scopes"]) == ("personal", "ada", True)


def test_audit(ropewalk, project: Path) -> None:
    """What was done to users and tokens is there, newest first, and can be narrowed."""
    ropewalk("user", "add", "ada", "--role", "owner")
    ropewalk("token", "create", "x")

    entries = ropewalk("audit", "--json").json["entries"]

    assert [one["action"] for one in entries] == ["token.create", "user.role", "user.add"]
    assert ropewalk("audit", "--limit", "1").out.count("\n") == 2
    assert ropewalk("audit", "--actor", "nobody").out == ""
    assert "user.add" in ropewalk("audit", "--since", "1h").out


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "203.0.113.7", "example.com", "127.0.0.2", "localhost.evil"]
)
def test_open_to_the_network(ropewalk, project: Path, host: str) -> None:
    """Nobody opens a project to others by accident: it takes a login."""
    said = ropewalk("up", "--host", host, "--port", "0", "--no-schedule")

    assert "error[RW187]" in said.err
    assert "ROPEWALK_ACCESS=required" in said.err
    assert said.code == 2


def test_steps_log_while_access_is_required(ropewalk, project: Path) -> None:
    """A step has a token of its own, which may log and not delete, and which no log shows."""
    (project / "steps").mkdir()
    (project / "steps/train.py").write_text(dedent(STEP), encoding="utf-8")

    said = ropewalk("run", ROPEWALK_ACCESS="required")

    assert said.code == 0, said.err
    logs = "".join(path.read_text() for path in (project / ".ropewalk/logs").rglob("*") if path.is_file())
    assert "my token is" in logs
    assert not SECRET.search(logs)
    assert "answers 200 401 403" in logs
