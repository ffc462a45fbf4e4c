"""Runs of branches: against those that the branch began from, and put away once Git has the branch no more."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest

from ropewalk.mlops.tracking import (
    ARCHIVED,
    archive_branches,
    branch_runs,
    branches_with_runs,
    get_run,
    restore_branch,
)
from ropewalk.pipeline import Workspace

AddRun = Callable[..., str]
NAMED = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")


def git(project: Workspace, *words: str) -> str:
    """Run Git in the project."""
    done = subprocess.run(
        ["git", "-C", str(project.root), *NAMED, *words], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def commit(project: Workspace, name: str) -> str:
    """Commit something and return the commit."""
    git(project, "commit", "-q", "--allow-empty", "-m", name)
    return git(project, "rev-parse", "HEAD")


@pytest.fixture
def repository(project: Workspace) -> Workspace:
    """Return a project with two commits on `main` and one on `feature`, which is checked out."""
    git(project, "init", "-q", "-b", "main")
    commit(project, "first")
    commit(project, "second")
    git(project, "checkout", "-q", "-b", "feature")
    commit(project, "third")
    return project


def made_at(add_run: AddRun, branch: str, revision: str, name: str) -> str:
    """Add a run with the tags of an MLflow client."""
    tags = {"mlflow__source__git__branch": branch, "mlflow__source__git__commit": revision}
    return add_run(name=name, **tags)


@pytest.mark.parametrize(("base", "expected"), [("main", "at base"), ("main~1", "before")])
def test_branch_against_its_base(repository: Workspace, add_run: AddRun, base: str, expected: str) -> None:
    """A branch's runs are compared with those of the commit that it began from, or of the nearest before with any."""
    made_at(add_run, "main", git(repository, "rev-parse", base), expected)
    made_at(add_run, "feature", git(repository, "rev-parse", "feature"), "new")
    # On the branch, at the commit where it began.
    made_at(add_run, "feature", git(repository, "rev-parse", base), "early")

    found = branch_runs(repository, "feature")

    assert [run.name for run in found.runs] == ["early", "new"]
    assert [run.name for run in found.base_runs] == [expected]
    assert (found.base_branch, found.base_commit) == ("main", git(repository, "rev-parse", "main"))
    assert found.compared_commit == git(repository, "rev-parse", base)


def test_branch_that_git_does_not_know(repository: Workspace, add_run: AddRun) -> None:
    """Runs of a branch of another clone are found, and compared with nothing."""
    made_at(add_run, "elsewhere", "abc", "a")

    found = branch_runs(repository, "elsewhere")

    assert (len(found.runs), found.base_commit, found.base_runs) == (1, None, ())
    assert branches_with_runs(repository) == ["elsewhere"]


def test_name_that_looks_like_an_option(repository: Workspace, add_run: AddRun) -> None:
    """A branch's name comes from a tag, and does nothing else."""
    made_at(add_run, "--output=x", "abc", "a")

    assert branch_runs(repository, "--output=x").base_commit is None
    assert not (repository.root / "x").exists()


def test_deleted_branch_is_put_away(repository: Workspace, add_run: AddRun) -> None:
    """Once a branch is deleted its runs are put away, not deleted, and can be brought back."""
    run_id = made_at(add_run, "feature", "abc", "a")
    other = made_at(add_run, "main", "abc", "b")
    assert archive_branches(repository) == []
    git(repository, "checkout", "-q", "main")
    git(repository, "branch", "-q", "-D", "feature")

    assert archive_branches(repository, is_dry=True)[0].run_ids == (run_id,)
    (archived,) = archive_branches(repository)

    assert (archived.branch, archived.run_ids) == ("feature", (run_id,))
    assert get_run(repository, run_id).stage == "active"
    assert ARCHIVED in get_run(repository, run_id).tags
    assert ARCHIVED not in get_run(repository, other).tags
    assert archive_branches(repository) == []
    assert restore_branch(repository, "feature") == 1
    assert ARCHIVED not in get_run(repository, run_id).tags


def test_branch_that_was_never_here_stays(repository: Workspace, add_run: AddRun) -> None:
    """A clone that never had a branch does not know whether it is deleted, so its runs stay."""
    made_at(add_run, "of-a-colleague", "abc", "a")

    assert archive_branches(repository) == []
    assert archive_branches(repository, ["of-a-colleague"])[0].branch == "of-a-colleague"


def test_without_git(project: Workspace, add_run: AddRun) -> None:
    """Where there is no repository nothing is put away and nothing compared."""
    made_at(add_run, "feature", "abc", "a")

    assert archive_branches(project) == []
    assert branch_runs(project, "feature").base_branch is None
