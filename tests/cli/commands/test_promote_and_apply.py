"""`ropewalk promote` and `ropewalk apply` on a real project in a real repository."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import SHOP

PROTECTED = "environments:\n  production: {protected: true}\n"
RELEASE = "releases/production.yaml"
MORE = "SELECT id, amount + 1 AS amount, late = 1 AS late FROM raw.orders\n"


def git(root: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", str(root), *arguments], check=True, capture_output=True, text=True
    ).stdout.strip()


def commit(root: Path) -> str:
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "Change")
    return git(root, "rev-parse", "HEAD")


@pytest.fixture(scope="module")
def released(make_project: Callable[..., Path]) -> Path:
    """Return a committed project that has run in dev, and whose release is applied to production."""
    root = make_project(SHOP)
    with (root / "ropewalk.yaml").open("a") as stream:
        stream.write(PROTECTED)
    (root / ".gitignore").write_text(".ropewalk/\n")
    git(root, "init", "-q", "-b", "main")
    for name, value in (("user.name", "A"), ("user.email", "a@example.com")):
        git(root, "config", name, value)
    commit(root)
    return root


@pytest.fixture
def shop(released: Path, tmp_path: Path) -> Path:
    """Return a copy of that project for one test."""
    return Path(shutil.copytree(released, tmp_path / "shop"))


def test_promoting_writes_the_release(ropewalk, shop: Path) -> None:
    """A line for each node, and what to do next; nothing moves yet."""
    said = ropewalk("promote", "production", cwd=shop)

    assert said.code == 0
    assert "of production from dev: 3 nodes of 3 would change" in said.out
    assert "+ table:mart.totals     snapshot:4" in said.out
    assert "once it is merged: `ropewalk apply production`" in said.out
    assert (shop / RELEASE).read_text().count("made:") == 3
    assert ropewalk("env", "show", "production", "--json", cwd=shop).json["nodes"] == []


def test_promoting_again_writes_nothing(ropewalk, shop: Path) -> None:
    """What is decided already is no change to review."""
    ropewalk("promote", "production", cwd=shop)

    said = ropewalk("promote", "production", "--json", cwd=shop).json

    assert (said["is_written"], len(said["changes"])) == (False, 3)


def test_a_dry_run_writes_nothing(ropewalk, shop: Path) -> None:
    """Neither the file nor, when applied, a pointer."""
    ropewalk("promote", "production", "--dry-run", cwd=shop)
    assert not (shop / RELEASE).exists()
    ropewalk("promote", "production", cwd=shop)

    said = ropewalk("apply", "production", "--dry-run", cwd=shop)

    assert "3 nodes would move; nothing was changed" in said.out
    assert ropewalk("env", "show", "production", "--json", cwd=shop).json["nodes"] == []


def test_a_release_can_be_committed_to_a_branch(ropewalk, shop: Path) -> None:
    """The working tree stays as it is, and the branch is one commit ahead."""
    said = ropewalk("promote", "production", "--branch", "release-1", cwd=shop)

    assert "git push -u origin release-1" in said.out
    assert not (shop / RELEASE).exists()
    assert git(shop, "diff", "--name-only", "main", "release-1") == RELEASE
    assert ropewalk("promote", "production", "--branch", "release-1", cwd=shop).code == 4


def test_a_committed_release_is_applied(ropewalk, shop: Path) -> None:
    """All nodes move in one version, the commit is told, and applying it again does nothing."""
    ropewalk("promote", "production", cwd=shop)
    head = commit(shop)

    said = ropewalk("apply", "production", "--json", cwd=shop).json

    assert (said["commit"], said["version"], said["is_applied"]) == (head, 1, True)
    assert [change["before"] for change in said["changes"]] == [None] * 3
    again = ropewalk("apply", "production", cwd=shop)
    assert "nothing to move: production is at version 1 already" in again.out


def test_an_uncommitted_release_of_a_protected_environment_is_refused(ropewalk, shop: Path) -> None:
    """Unless it is asked for; then it is told to be in no commit."""
    ropewalk("promote", "production", cwd=shop)

    said = ropewalk("apply", "production", cwd=shop)

    assert said.code == 4
    assert "error[RW319]" in said.err
    assert "in no commit" in ropewalk("apply", "production", "--allow-dirty", cwd=shop).out


def test_production_stays_while_a_branch_works(ropewalk, shop: Path) -> None:
    """A branch starts with what production has; its change is promoted, applied, and taken back by Git."""
    ropewalk("promote", "production", cwd=shop)
    first = commit(shop)
    ropewalk("apply", "production", cwd=shop)
    git(shop, "checkout", "-q", "-b", "more")
    assert " 3 fresh" in ropewalk("run", cwd=shop).out + ropewalk("run", cwd=shop).err
    (shop / "tables/staging/orders.sql").write_text(MORE)

    ran = json.loads(ropewalk("run", "--json", cwd=shop).out)
    assert ran["environment"] == "branch-more"
    assert ropewalk("apply", "production", "--json", cwd=shop).json["changes"] == []
    changed = ropewalk("promote", "production", "--json", cwd=shop).json["changes"]
    assert [change["node"] for change in changed] == ["table:staging.orders", "table:mart.totals"]
    commit(shop)
    assert ropewalk("apply", "production", "--json", cwd=shop).json["version"] == 2

    git(shop, "checkout", "-q", first, "--", RELEASE)
    commit(shop)
    back = ropewalk("apply", "production", "--json", cwd=shop).json

    assert [change["after"]["made"] for change in back["changes"]] == ["snapshot:3", "snapshot:4"]
    assert back["version"] == 3


def test_a_release_from_elsewhere_needs_its_executions(ropewalk, shop: Path) -> None:
    """A clone without the recorded work is told how to get it."""
    ropewalk("promote", "production", cwd=shop)
    commit(shop)
    shutil.rmtree(shop / ".ropewalk")

    said = ropewalk("apply", "production", cwd=shop)

    assert said.code == 3
    assert "3 of the 3 executions that the release names were never seen here" in said.err
    assert f"--> {RELEASE}:5:3" in said.err
    assert "ropewalk cache push" in said.err


def test_a_clone_applies_what_the_shared_cache_has(ropewalk, shop: Path, tmp_path: Path) -> None:
    """By the keys of the release alone: what the clone's own files say by now does not count."""
    shared = {"ROPEWALK_CACHE": str(tmp_path / "cache"), "ROPEWALK_CACHE_ROLE": "trusted"}
    ropewalk("cache", "push", cwd=shop, **shared)
    ropewalk("promote", "production", cwd=shop)
    commit(shop)
    git(tmp_path, "clone", "-q", str(shop), "clone")
    (tmp_path / "clone/drops/two.csv").write_text("id,amount,late\n3,30,1\n")

    said = ropewalk("apply", "production", "--json", cwd=tmp_path / "clone", **shared).json

    assert said["brought"] == ["source:orders", "table:staging.orders", "table:mart.totals"]
    assert [change["node"] for change in said["changes"]] == said["brought"]
    again = ropewalk("apply", "production", "--json", cwd=tmp_path / "clone", **shared).json
    assert (again["brought"], again["changes"]) == ([], [])
    query, clone = "SELECT sum(amount) AS amount FROM mart.totals", tmp_path / "clone"
    assert "30" in ropewalk("sql", query, cwd=clone, ROPEWALK_ENVIRONMENT="production").out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("promote", "prodution"), 3, "did you mean: production"),
        (("promote", "production", "--from", "deb"), 3, "did you mean: dev"),
        (("promote", "production", "totls"), 3, "no node is called"),
        (("promote", "production", "--branch", "a..b"), 1, "check-ref-format"),
        (("apply", "production"), 3, "there is no releases/production.yaml"),
        (("apply", "prod"), 3, "declare it in ropewalk.yaml"),
    ],
)
def test_bad_input_is_told(ropewalk, shop: Path, arguments: tuple[str, ...], code: int, said: str) -> None:
    """Names that are none, and a release that was never written."""
    found = ropewalk(*arguments, cwd=shop)

    assert found.code == code
    assert said in found.err
