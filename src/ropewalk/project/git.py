"""What Git says of the project: commit, branch, and whether files differ from the commit."""

from __future__ import annotations

import io
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

from ropewalk.project.errors import CommitMissing


@dataclass(frozen=True)
class GitState:
    """What a folder is at: None for a branch or a commit there is none of, and clean outside a repository."""

    commit: str | None
    branch: str | None
    is_dirty: bool


def git_state(root: Path) -> GitState:
    """Return the Git state of the folder `root`; never fails, also where there is no Git."""
    # Only what lies below the project counts; the rest of the repository is other people's work.
    status = _git(root, "status", "--porcelain=v2", "--branch", "--", ".")
    lines = (status or "").splitlines()
    told = dict(
        line.removeprefix("# branch.").split(" ", 1) for line in lines if line.startswith("# branch.")
    )
    commit, branch = told.get("oid"), told.get("head")
    return GitState(
        None if commit == "(initial)" else commit,
        None if branch == "(detached)" else branch,
        any(not line.startswith("# ") for line in lines),
    )


def current_branch(root: Path) -> str | None:
    """Return the branch that the folder `root` is on; None where there is no Git, and on a commit without branch."""
    # Read from the file where it is plain to see: every command asks, and a process costs more than the rest of it.
    for folder in (root, *root.parents):
        head = folder / ".git/HEAD"
        if head.is_file():
            kind, _, branch = head.read_text().strip().partition("ref: refs/heads/")
            return branch if branch and not kind else None
        # The checkout of another work tree: a file that says where its HEAD is.
        if (folder / ".git").exists():
            return _git(root, "symbolic-ref", "--short", "HEAD")
    return None


def user_name(root: Path) -> str | None:
    """Return the name that Git writes into commits made in the folder `root`; None when it has none."""
    return _git(root, "config", "user.name")


def export_commit(root: Path, commit: str, folder: Path) -> None:
    """Write the files of the folder `root` as they are in `commit` below `folder`; the checkout is left alone.

    Raises:
        CommitMissing: there is no such commit, or it does not have the folder.
    """
    archive = subprocess.run(
        # Called in a folder of the repository, it takes that folder of the commit, and names files relative to it.
        ["git", "-C", str(root), "archive", "--format=tar", commit],
        capture_output=True,
        check=False,
    )
    if archive.returncode != 0:
        raise CommitMissing(
            f"commit {commit!r} is not here, or does not have this project",
            hint="`git fetch` may bring it",
            detail=archive.stderr.decode(errors="replace").strip() or None,
        )
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(folder, filter="data")


def commits_between(root: Path, good: str, bad: str) -> list[tuple[str, str]]:
    """Return (commit, subject) of what leads from `good`, which is left out, to `bad`, oldest first.

    Raises:
        CommitMissing: one of them is not here, or they have no such path between them.
    """
    listed = _git(root, "log", "--reverse", "--first-parent", "--format=%H %s", f"{good}..{bad}", "--", ".")
    if listed is None and _git(root, "rev-parse", f"{good}^{{commit}}", f"{bad}^{{commit}}") is None:
        raise CommitMissing(f"commit {good!r} or {bad!r} is not here", hint="`git fetch` may bring it")
    pairs = (line.partition(" ") for line in (listed or "").splitlines())
    return [(commit, subject) for commit, _, subject in pairs]


def main_author(root: Path, path: str) -> str | None:
    """Return who committed most changes of the file at `path`, relative to `root`; None where Git does not know it."""
    names = (_git(root, "log", "--format=%aN", "--", path) or "").splitlines()
    # Of several with as many the first by name, so that everybody is told the same.
    return min(set(names), key=lambda name: (-names.count(name), name), default=None)


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            # Without its optional locks `git status` writes nothing and never gets in a person's way.
            ["git", "--no-optional-locks", "-C", str(root), *arguments],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError:
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None
