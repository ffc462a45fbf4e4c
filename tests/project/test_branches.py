"""What Git says of branches, and of what is not committed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ropewalk.project import all_branches, ancestors, default_branch, dirty_patch, merge_base

NAMED = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")


def git(root: Path, *words: str) -> str:
    """Run Git."""
    return subprocess.run(
        ["git", "-C", str(root), *NAMED, *words], check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a repository with one commit on `trunk`."""
    git(tmp_path, "init", "-q", "-b", "trunk")
    (tmp_path / "a.txt").write_text("one\n", encoding="utf-8")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "first")
    return tmp_path


def test_branches_that_are_and_were(root: Path) -> None:
    """Branches that there are, and those that were checked out once."""
    git(root, "checkout", "-q", "-b", "gone")
    git(root, "checkout", "-q", "trunk")
    git(root, "branch", "-D", "gone")

    found = all_branches(root)

    assert found.present == {"trunk"}
    assert "gone" in found.seen


def test_branches_of_a_remote(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A remote's branch counts as there, and its main branch is the default."""
    clone = tmp_path_factory.mktemp("clone")
    git(root, "branch", "theirs")
    git(clone, "clone", "-q", str(root), ".")

    assert all_branches(clone).present == {"trunk", "theirs"}
    assert default_branch(clone) == "trunk"


def test_where_two_part(root: Path) -> None:
    """The commit at which two branches part, and what came before it."""
    start = git(root, "rev-parse", "HEAD")
    git(root, "checkout", "-q", "-b", "other")
    git(root, "commit", "-q", "--allow-empty", "-m", "second")

    assert merge_base(root, "other", "trunk") == start
    assert merge_base(root, "nobody", "trunk") is None
    assert ancestors(root, git(root, "rev-parse", "HEAD"), 9)[1:] == [start]
    assert default_branch(root) == "trunk"


def test_patch(root: Path) -> None:
    """Changes and new files are in the patch, ignored ones are not, and the person's index stays as it is."""
    (root / "a.txt").write_text("two\n", encoding="utf-8")
    (root / "new.txt").write_text("hello\n", encoding="utf-8")
    (root / ".gitignore").write_text("*.log\n", encoding="utf-8")
    (root / "x.log").write_text("noise\n", encoding="utf-8")
    before = git(root, "status", "--porcelain")

    patch = dirty_patch(root) or ""

    assert {"-one", "+two", "+hello"} <= set(patch.splitlines())
    assert "noise" not in patch
    assert git(root, "status", "--porcelain") == before


def test_no_patch(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A clean checkout has none, nor has a folder without Git."""
    assert dirty_patch(root) is None
    assert dirty_patch(tmp_path_factory.mktemp("plain")) is None


def test_programs_of_attributes_are_not_run(root: Path) -> None:
    """A file's attributes cannot name a program that the patch is made with."""
    (root / ".gitattributes").write_text("*.txt diff=evil\n", encoding="utf-8")
    git(root, "config", "diff.evil.textconv", f"touch {root}/ran; cat")
    (root / "a.txt").write_text("two\n", encoding="utf-8")

    assert "+two" in (dirty_patch(root) or "")
    assert not (root / "ran").exists()
