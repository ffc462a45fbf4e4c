"""One file in real repositories: the commit that has it, and a branch with one more."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ropewalk.project import BranchExists, GitRefused, commit_to_branch, commit_with

FILE = "releases/production.yaml"


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", str(folder), *arguments], check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a project that is a folder of its repository, with one commit."""
    project = tmp_path / "below" / "project"
    (project / "releases").mkdir(parents=True)
    (project / FILE).write_text("one\n")
    git(tmp_path, "init", "-q", "-b", "main")
    for name, value in (("user.name", "A"), ("user.email", "a@example.com")):
        git(tmp_path, "config", name, value)
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "One")
    return project


def test_a_committed_file_has_its_commit(root: Path) -> None:
    """Other files may differ from the commit."""
    (root / "other").write_text("new")

    assert commit_with(root, FILE) == git(root, "rev-parse", "HEAD")


@pytest.mark.parametrize("is_staged", [False, True])
def test_a_changed_file_has_none(root: Path, is_staged: bool) -> None:
    """Also one whose change is staged: nobody can look it up later."""
    (root / FILE).write_text("two\n")
    if is_staged:
        git(root, "add", "-A")

    assert commit_with(root, FILE) is None


def test_a_file_that_git_does_not_know_has_none(root: Path, tmp_path: Path) -> None:
    """A new file, an ignored one, and one outside any repository."""
    (root / ".gitignore").write_text("hidden\n")
    (root / "hidden").write_text("x")

    assert commit_with(root, "hidden") is None
    assert commit_with(root, "missing") is None
    assert commit_with(Path("/"), "etc/hostname") is None


def test_a_branch_gets_one_more_commit(root: Path) -> None:
    """The file is changed there and nothing else is; the working tree and the index stay as they are."""
    (root / "staged").write_text("x")
    git(root, "add", "staged")
    before = git(root, "status", "--porcelain")

    commit = commit_to_branch(root, "release-1", FILE, "two\n", "Release production")

    assert git(root, "rev-parse", "release-1^") == git(root, "rev-parse", "HEAD")
    assert git(root, "show", f"{commit}:./{FILE}") == "two"
    assert git(root, "diff", "--name-only", "main", "release-1") == f"below/project/{FILE}"
    assert (git(root, "status", "--porcelain"), (root / FILE).read_text()) == (before, "one\n")


def test_a_new_file_can_be_committed_to_a_branch(root: Path) -> None:
    """The first release of an environment has no file yet."""
    commit_to_branch(root, "release-1", "releases/staging.yaml", "new\n", "Release staging")

    assert git(root, "show", "release-1:./releases/staging.yaml") == "new"
    assert not (root / "releases" / "staging.yaml").exists()


def test_a_branch_that_exists_stays(root: Path) -> None:
    """Two promotions to one branch name do not overwrite each other."""
    first = commit_to_branch(root, "release-1", FILE, "two\n", "First")

    with pytest.raises(BranchExists, match="release-1"):
        commit_to_branch(root, "release-1", FILE, "three\n", "Second")

    assert git(root, "rev-parse", "release-1") == first


@pytest.mark.parametrize("branch", ["a..b", "-x", "a b", ""])
def test_a_name_that_is_no_branch_is_refused(root: Path, branch: str) -> None:
    """What Git says is told."""
    with pytest.raises(GitRefused) as caught:
        commit_to_branch(root, branch, FILE, "two\n", "Release")

    assert caught.value.detail


def test_without_a_commit_there_is_nothing_to_branch_from(tmp_path: Path) -> None:
    """A new repository needs its first commit, and a folder outside Git a repository."""
    with pytest.raises(GitRefused):
        commit_to_branch(tmp_path, "release-1", FILE, "two\n", "Release")
    git(tmp_path, "init", "-q")

    with pytest.raises(GitRefused, match="rev-parse"):
        commit_to_branch(tmp_path, "release-1", FILE, "two\n", "Release")
