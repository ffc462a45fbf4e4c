"""One file in Git: the commit that has it as it stands, and a branch with one more commit that changes it."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from ropewalk.project.errors import BranchExists, GitRefused


def commit_with(root: Path, path: str) -> str | None:
    """Return the commit that is checked out, if it has the file `path` just as it stands; None otherwise."""
    try:
        # Also None for a file that Git does not know: it is in no commit, though nothing differs.
        if not _git(root, "ls-files", "--", path) or _git(root, "status", "--porcelain", "--", path):
            return None
        return _git(root, "rev-parse", "HEAD")
    except GitRefused:
        return None


def commit_to_branch(root: Path, branch: str, path: str, content: str, message: str) -> str:
    """Make the branch at the commit that is checked out, with one more commit that changes `path`; return that commit.

    Neither the working tree nor the index is touched.

    Raises:
        BranchExists: there is a branch of that name.
        GitRefused: there is no commit yet, the name cannot be a branch's, or Git does not know who commits.
    """
    head = _git(root, "rev-parse", "--verify", "HEAD^{commit}")
    _git(root, "check-ref-format", "--branch", branch)
    if _git(root, "for-each-ref", f"refs/heads/{branch}"):
        raise BranchExists(f"there is a branch {branch!r} already", hint="name another one with --branch")
    blob = _git(root, "hash-object", "-w", "--stdin", content=content)
    # The project may be a folder of its repository, and paths in a tree count from the top.
    top = _git(root, "rev-parse", "--show-prefix")
    with tempfile.TemporaryDirectory(prefix="ropewalk-") as folder:
        index = str(Path(folder, "index"))
        _git(root, "read-tree", head, index=index)
        _git(root, "update-index", "--add", "--cacheinfo", f"100644,{blob},{top}{path}", index=index)
        tree = _git(root, "write-tree", index=index)
    commit = _git(root, "commit-tree", tree, "-p", head, "-m", message)
    # The zeros say that it must not exist: somebody may have made it meanwhile.
    _git(root, "update-ref", f"refs/heads/{branch}", commit, "0" * len(commit))
    return commit


def _git(root: Path, *arguments: str, content: str = "", index: str | None = None) -> str:
    """Return what one Git command prints.

    Raises:
        GitRefused: it fails, or there is no Git.
    """
    # Git takes another index from its environment only.
    elsewhere = ["env", f"GIT_INDEX_FILE={index}"] if index else []
    try:
        done = subprocess.run(
            [*elsewhere, "git", "-C", str(root), *arguments],
            input=content,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise GitRefused(f"git cannot be run: {error.strerror}") from error
    if done.returncode != 0:
        raise GitRefused(
            f"git {arguments[0]} failed", detail=done.stderr.strip() or None, hint="mend that, and try again"
        )
    return done.stdout.strip()
