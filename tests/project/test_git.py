"""The state of real repositories."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ropewalk.project import GitState, export_commit, git_state


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main"]
    command = ["git", *identity, "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    return tmp_path


def commit(folder: Path) -> str:
    (folder / "file").write_text("1")
    git(folder, "add", "file")
    git(folder, "commit", "-q", "-m", "One")
    return git(folder, "rev-parse", "HEAD")


def test_clean_commit(repository: Path) -> None:
    """On a commit without changes, the state is commit and branch."""
    head = commit(repository)

    assert git_state(repository) == GitState(head, "main", is_dirty=False)


def test_before_the_first_commit(repository: Path) -> None:
    """A new repository has a branch, no commit, and whatever lies in it is a change."""
    assert git_state(repository) == GitState(None, "main", is_dirty=False)

    (repository / "new").touch()

    assert git_state(repository) == GitState(None, "main", is_dirty=True)


@pytest.mark.parametrize("name", ["file", "new"])
def test_changes(repository: Path, name: str) -> None:
    """An edited file and an untracked one both make the folder dirty."""
    commit(repository)

    (repository / name).write_text("2")

    assert git_state(repository).is_dirty


def test_ignored_files(repository: Path) -> None:
    """What Git ignores, such as the state folder, makes nothing dirty."""
    (repository / ".gitignore").write_text(".ropewalk/\n.gitignore\n")
    head = commit(repository)

    (repository / ".ropewalk").mkdir()
    (repository / ".ropewalk/ropewalk.db").touch()

    assert git_state(repository) == GitState(head, "main", is_dirty=False)


def test_detached_head(repository: Path) -> None:
    """A commit checked out without a branch has none."""
    head = commit(repository)
    git(repository, "checkout", "-q", "--detach")

    assert git_state(repository) == GitState(head, None, is_dirty=False)


def test_folder_of_a_repository(repository: Path) -> None:
    """A project in a folder of a repository is dirty by its own files only."""
    project = repository / "projects/flights"
    project.mkdir(parents=True)
    head = commit(project)
    (repository / "elsewhere").touch()

    assert git_state(project) == GitState(head, "main", is_dirty=False)


def test_odd_names(repository: Path) -> None:
    """A branch whose name is no ASCII is read like any other."""
    commit(repository)
    git(repository, "checkout", "-q", "-b", "fix/größe")

    assert git_state(repository).branch == "fix/größe"


def test_asking_writes_nothing(repository: Path) -> None:
    """Looking at the state leaves the index alone, also when file times have moved."""
    commit(repository)
    (repository / "file").touch()
    index = repository / ".git/index"
    before = index.read_bytes(), index.stat().st_mtime_ns

    git_state(repository)

    assert (index.read_bytes(), index.stat().st_mtime_ns) == before


def test_no_repository(tmp_path: Path) -> None:
    """Outside a repository everything is unknown and nothing fails."""
    assert git_state(tmp_path) == GitState(None, None, is_dirty=False)


def test_no_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine without Git everything is unknown and nothing fails."""
    monkeypatch.setenv("PATH", str(tmp_path))

    assert git_state(tmp_path) == GitState(None, None, is_dirty=False)


def test_commit_of_a_folder_in_a_folder(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Of a project below the top only its own files are written, whatever its folders are called."""
    project = repository / "team a" / "bäckerei"
    (project / "steps").mkdir(parents=True)
    (project / "steps" / "maß.py").write_text("1")
    git(repository, "add", "-A")
    head = commit(repository)
    there = tmp_path_factory.mktemp("there")

    export_commit(project, head, there)

    assert [str(path.relative_to(there)) for path in there.rglob("*.py")] == ["steps/maß.py"]
    assert not (there / "file").exists()
