"""From a run in `dev` to what `ropewalk up` answers in production, and back again, in a project with a model."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ropewalk.cli.main import run

RELEASE = "releases/production.yaml"
FEATURES = "tables/mart/order_features.sql"
COMMAND = [sys.executable, "-m", "ropewalk.cli.main"]


def git(root: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", str(root), *arguments], check=True, capture_output=True, text=True
    ).stdout.strip()


def commit(root: Path, message: str) -> str:
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", message)
    return git(root, "rev-parse", "HEAD")


@pytest.fixture
def returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the small project that `ropewalk init` writes, committed, with a protected production."""
    root = tmp_path / "returns"
    root.mkdir()
    monkeypatch.chdir(root)
    assert run(["init"]) == 0
    with (root / "ropewalk.yaml").open("a") as stream:
        stream.write("\nenvironments:\n  production: {protected: true}\n")
    git(root, "init", "-q", "-b", "main")
    for name, value in (("user.name", "A"), ("user.email", "a@example.com")):
        git(root, "config", name, value)
    commit(root, "Begin")
    return root


@contextmanager
def up(root: Path, environment: str) -> Iterator[str]:
    """Serve the project in an environment, and give the address."""
    process = subprocess.Popen(
        [*COMMAND, "-C", str(root), "up", "--port", "0"],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "NO_COLOR": "1", "ROPEWALK_ENVIRONMENT": environment},
    )
    with process:
        assert process.stderr
        # Log events of the workers come before it.
        line = next(line for line in process.stderr if line.startswith("open "))
        try:
            yield line.split()[1]
        finally:
            process.kill()


def served(address: str, expected: int) -> int:
    """Return the version that answers; a running server takes a moment to follow a move to `expected`."""
    deadline = time.monotonic() + 20
    while True:
        with urllib.request.urlopen(f"{address}/deployments/returns/health", timeout=60) as answer:
            version = json.load(answer)["model_version"]
        if version == expected or time.monotonic() > deadline:
            return version
        time.sleep(0.2)


@pytest.mark.slow
def test_from_dev_to_production_and_back(ropewalk: Callable, returns: Path) -> None:
    """What is reviewed is what is served, without an execution; the earlier release brings the earlier version back."""

    def said(*arguments: str) -> dict:
        found = ropewalk(*arguments, "--json", cwd=returns)
        assert found.code == 0, found.out
        return found.json

    assert said("run")["executed"] == 9
    said("promote", "production")
    first = commit(returns, "Release the first")
    assert said("apply", "production")["version"] == 1

    # A branch begins with all that production has, and its work leaves production alone.
    git(returns, "checkout", "-q", "-b", "dearer")
    assert (said("run")["environment"], said("run")["hits"]) == ("branch-dearer", 9)
    text = (returns / FEATURES).read_text()
    (returns / FEATURES).write_text(text.replace("    price,", "    price * 2 AS price,"))
    ran = {node["id"]: node["state"] for node in said("run")["nodes"]}
    assert (ran["source:orders"], ran["table:staging.orders"]) == ("hit", "hit")
    assert (ran["step:train"], ran["deployment:returns"]) == ("executed", "executed")
    assert said("apply", "production")["changes"] == []

    with up(returns, "production") as address:
        assert served(address, 1) == 1
        said("promote", "production")
        commit(returns, "Release the second")
        moved = said("apply", "production")
        assert "source:orders" not in [change["node"] for change in moved["changes"]]
        assert served(address, 2) == 2

        git(returns, "checkout", "-q", first, "--", RELEASE)
        commit(returns, "Back to the first")
        assert [change["after"]["made"] for change in said("apply", "production")["changes"]][-1] == (
            "deployment:returns@1"
        )
        assert served(address, 1) == 1
    history = said("env", "show", "production", "--history")["changes"]
    assert [change["version"] for change in history] == [3, 2, 1]

    # A machine that made none of it serves the same, once the shared cache has brought it.
    shared = {"ROPEWALK_CACHE": str(returns.parent / "cache"), "ROPEWALK_CACHE_ROLE": "trusted"}
    assert ropewalk("cache", "push", cwd=returns, ROPEWALK_ENVIRONMENT="dev", **shared).code == 0
    git(returns.parent, "clone", "-q", str(returns), "clone")
    clone = returns.parent / "clone"
    applied = ropewalk("apply", "production", "--json", cwd=clone, **shared)
    assert applied.code == 0, applied.out
    assert len(applied.json["brought"]) == 9
    with up(clone, "production") as address:
        assert served(address, 1) == 1


def test_a_killed_apply_leaves_the_old_or_the_new_set(
    ropewalk: Callable, make_shop: Callable[[], Path]
) -> None:
    """Killed at any moment, one of the two is there whole, and applying again completes it."""
    root = make_shop()
    ropewalk("promote", "production", cwd=root)
    first = commit(root, "First")
    ropewalk("apply", "production", cwd=root)
    (root / "tables/a/one.sql").write_text("SELECT 2 AS x")
    ropewalk("run", cwd=root)
    ropewalk("promote", "production", cwd=root)
    second = commit(root, "Second")
    chance = random.Random(7)

    for turn in range(8):
        git(root, "checkout", "-q", (first, second)[turn % 2], "--", RELEASE)
        commit_if_changed(root)
        process = subprocess.Popen(
            [*COMMAND, "-C", str(root), "apply", "production"], stderr=subprocess.DEVNULL
        )
        time.sleep(chance.uniform(0.2, 0.7))
        process.kill()
        process.wait()

        nodes = ropewalk("env", "show", "production", "--json", cwd=root).json["nodes"]
        assert [node["reference"] for node in nodes] in sets(root, first, second)
        assert ropewalk("apply", "production", cwd=root).code == 0
        assert ropewalk("apply", "production", "--json", cwd=root).json["changes"] == []


def commit_if_changed(root: Path) -> None:
    if git(root, "status", "--porcelain"):
        commit(root, "Turn")


def sets(root: Path, *commits: str) -> list[list[str]]:
    """Return the references that each commit's release names, by node."""
    texts = [git(root, "show", f"{commit}:{RELEASE}") for commit in commits]
    return [[line.split('"')[1] for line in text.splitlines() if "made:" in line] for text in texts]


@pytest.fixture
def make_shop(ropewalk: Callable, write_project: Callable) -> Callable[[], Path]:
    """Return a function that makes a project of two tables, committed and run."""

    def make() -> Path:
        root = write_project(
            {
                "ropewalk.yaml": "project: two\nenvironments:\n  production: {protected: true}\n",
                ".gitignore": ".ropewalk/\n",
                "tables/a/one.sql": "SELECT 1 AS x",
                "tables/b/two.sql": "SELECT x FROM a.one",
            }
        )
        git(root, "init", "-q", "-b", "main")
        for name, value in (("user.name", "A"), ("user.email", "a@example.com")):
            git(root, "config", name, value)
        commit(root, "Begin")
        assert ropewalk("run", cwd=root).code == 0
        return root

    return make
