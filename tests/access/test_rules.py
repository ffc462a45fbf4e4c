"""The access file: what it may say, and how its mistakes are told."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from ropewalk.access import Role
from ropewalk.access.rules import Rule, read_access_file, role_by
from ropewalk.project import InvalidProjectFile

GOOD = """
    login:
      issuer: https://gitlab.example.com
      client_id: ropewalk
      name: GitLab
      rules:
        - {claims: {groups: acme/ml}, role: developer}
    jobs:
      - issuer: https://token.actions.githubusercontent.com
        audience: https://ropewalk.example.com
        rules:
          - {claims: {repository: acme/flights, ref: refs/heads/main}, role: maintainer}
    """


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "access.yaml"
    path.write_text(dedent(text), encoding="utf-8")
    return path


def test_whole_file(tmp_path: Path) -> None:
    """A login and jobs, each with rules."""
    found = read_access_file(write(tmp_path, GOOD))

    assert found.login is not None
    assert found.login.scopes == ["openid", "profile", "email"]
    assert found.jobs[0].rules[0].role == "maintainer"


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("role: developer", "role: develper", "there is no role 'develper'"),
        ("client_id", "clientid", "clientid"),
        ("https://gitlab", "http://gitlab", "begins with https"),
        ("repository: acme/flights, ", "", "whose jobs it means"),
        ("{groups: acme/ml}", "{}", "at least 1"),
        ("audience: https://ropewalk.example.com", "audience: ''", "at least 1"),
    ],
)
def test_mistakes_have_a_place(tmp_path: Path, before: str, after: str, message: str) -> None:
    """What does not fit is told with file, line and column."""
    with pytest.raises(InvalidProjectFile, match=message) as caught:
        read_access_file(write(tmp_path, GOOD.replace(before, after)))

    assert str(caught.value.place).startswith("access.yaml:")


def test_missing_file(tmp_path: Path) -> None:
    """A file that is not there is an error, and not a server that trusts nobody without a word."""
    with pytest.raises(InvalidProjectFile, match="cannot be read"):
        read_access_file(tmp_path / "access.yaml")


@pytest.mark.parametrize(
    ("wanted", "given", "fits"),
    [
        ("acme", "acme", True),
        ("acme", "acme2", False),
        ("acme", ["x", "acme"], True),
        ("acme", [], False),
        ("acme", None, False),
        ("acme*", "acme/flights", True),
        ("*", "anything", True),
        ("*", None, False),
        ("a?c", "abc", False),
        ("[a-z]", "a", False),
        ("true", True, True),
        ("42", 42, True),
    ],
)
def test_values(wanted: str, given: object, fits: bool) -> None:
    """A value is as written, or begins so; a list has one that is; no other sign means anything."""
    assert Rule(claims={"c": wanted}, role="guest").fits({"c": given}) is fits


def test_highest_role_counts() -> None:
    """Of several rules that fit, the highest role; of none, none."""
    rules = [Rule(claims={"a": "1"}, role=role) for role in ("reporter", "owner", "guest")]

    assert role_by(rules, {"a": "1"}) is Role.OWNER
    assert role_by(rules, {"a": "2"}) is None
