"""Which branches Git has and had, where two part, and how files differ from the commit."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_MAIN = ("main", "master", "trunk")
# Neither programs that a file's attributes name nor colours or pagers of the person's own.
_PLAIN_DIFF = ("--no-ext-diff", "--no-textconv", "--no-color")


@dataclass(frozen=True)
class Branches:
    """The branches that there are, here or on a remote as it was fetched last, and those that there ever were."""

    present: frozenset[str]
    seen: frozenset[str]


def all_branches(root: Path) -> Branches:
    """Return the branches of the repository of `root`; none where there is no Git."""
    listed = _git(root, "for-each-ref", "--format=%(refname)", "refs/heads", "refs/remotes") or ""
    present = {name for ref in listed.splitlines() if (name := _branch(ref))}
    # Git writes down each checkout and each fetch, and keeps that for some 90 days after a branch is gone.
    moves = _git(root, "log", "-g", "--format=%gs", "HEAD") or ""
    seen = {word for line in moves.splitlines() if line.startswith("checkout:") for word in line.split()[-1:]}
    left = {line.split()[3] for line in moves.splitlines() if line.startswith("checkout: moving from ")}
    return Branches(frozenset(present), frozenset(present | seen | left))


def _branch(ref: str) -> str | None:
    if ref.startswith("refs/heads/"):
        return ref.removeprefix("refs/heads/")
    name = ref.removeprefix("refs/remotes/").partition("/")[2]
    return None if name in {"", "HEAD"} else name


def default_branch(root: Path) -> str | None:
    """Return the repository's main branch: the remote's, else the first of `main`, `master` and `trunk` there is."""
    head = _git(root, "symbolic-ref", "--short", "refs/remotes/origin/HEAD")
    if head:
        return head.partition("/")[2]
    return next((name for name in _MAIN if _git(root, "rev-parse", "--verify", "--quiet", name)), None)


def merge_base(root: Path, branch: str, base: str) -> str | None:
    """Return the commit at which two branches part; None where Git does not know it."""
    for mine in (branch, f"origin/{branch}"):
        for theirs in (base, f"origin/{base}"):
            # `--end-of-options`: a branch's name comes from a tag, which may look like an option.
            found = _git(root, "merge-base", "--end-of-options", mine, theirs)
            if found:
                return found
    return None


def ancestors(root: Path, commit: str, most: int) -> list[str]:
    """Return the commit and those before it, newest first."""
    listed = _git(root, "rev-list", "--first-parent", f"--max-count={most}", "--end-of-options", commit)
    return (listed or "").splitlines()


def dirty_patch(root: Path) -> str | None:
    """Return how the files below `root` differ from the commit, new ones too; None when they do not, or without Git.

    The person's own index is left alone, and what Git ignores is no part of it.
    """
    index = _git(root, "rev-parse", "--git-path", "index")
    if index is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "index"
        source = root / index
        if source.is_file():
            shutil.copyfile(source, copy)
        variables = {"GIT_INDEX_FILE": str(copy)}
        # New files are shown by a diff once the index means to have them.
        _git(root, "add", "--intent-to-add", "--", ".", variables=variables)
        return _git(root, "diff", *_PLAIN_DIFF, "HEAD", "--", ".", variables=variables)


def _git(root: Path, *arguments: str, variables: Mapping[str, str] | None = None) -> str | None:
    try:
        done = subprocess.run(
            ["git", "--no-optional-locks", "-C", str(root), *arguments],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            # Git needs the person's own variables beside ours.
            env={**os.environ, **variables} if variables else None,
        )
    except OSError:
        return None
    return done.stdout.rstrip("\n") or None if done.returncode == 0 else None
