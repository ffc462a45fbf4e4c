"""What Git says of the project: commit, branch, and whether files differ from the commit."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class GitState:
    """What a folder is at: None for a branch or a commit there is none of, and clean outside a repository."""

    commit: str | None
    branch: str | None
    is_dirty: bool


def git_state(root: Path) -> GitState:
    """Return the Git state of the folder `root`; never fails, also where there is no Git."""
    # Three questions instead of one `status --branch`: each may fail alone (no commit yet, no branch).
    commit = _git(root, "rev-parse", "HEAD")
    branch = current_branch(root)
    # Only what lies below the project counts; the rest of the repository is other people's work.
    status = _git(root, "status", "--porcelain", "--", ".")
    return GitState(commit, branch, bool(status))


def current_branch(root: Path) -> str | None:
    """Return the branch that the folder `root` is on; None where there is no Git, and on a commit without branch."""
    return _git(root, "symbolic-ref", "--short", "HEAD")


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
