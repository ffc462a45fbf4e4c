"""The runs of a branch: beside those of the commit it began from, and put away once the branch is gone.

Which branch a run is of its tags say. A branch is gone when this repository knew it, or a remote's copy of it, and does
not any more: a clone that never had it says nothing about it.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from ropewalk.mlops.tracking.finding import ARCHIVED, MOST_EXPERIMENTS
from ropewalk.mlops.tracking.origin import BRANCH_TAGS, COMMIT_TAGS, origin_of
from ropewalk.pipeline import Workspace
from ropewalk.project import all_branches, ancestors, default_branch, merge_base
from ropewalk.store import now_ms
from ropewalk.store.tracking import branches as table
from ropewalk.store.tracking.runs import read_runs
from ropewalk.store.tracking.values import Run

# How far back from the merge base a commit with runs is looked for.
FARTHEST = 500
# The branches that were ever seen here, one a line, in the state folder.
SEEN = "branches-seen"
BATCH = 500


@dataclass(frozen=True)
class BranchRuns:
    """The runs of a branch, and those it is compared with.

    Attributes:
        branch: the branch.
        base_branch: the branch that it is compared with; None where Git does not say.
        base_commit: the commit at which the two part.
        compared_commit: that commit, or the nearest one before it that has runs; None when none has.
        runs: the branch's runs, newest first.
        base_runs: the runs of `compared_commit`.
    """

    branch: str
    base_branch: str | None
    base_commit: str | None
    compared_commit: str | None
    runs: tuple[Run, ...]
    base_runs: tuple[Run, ...]


def branch_runs(workspace: Workspace, branch: str, base: str | None = None, limit: int = 200) -> BranchRuns:
    """Return the runs of a branch, and those of the merge base with `base` (default: the repository's main branch)."""
    root = workspace.root
    base = base or default_branch(root)
    parting = merge_base(root, branch, base) if base and base != branch else None
    before = ancestors(root, parting, FARTHEST) if parting else []
    with workspace.database.read() as connection:
        numbers = table.runs_of_tags(connection, BRANCH_TAGS, [branch], limit)
        runs = [run for run in read_runs(connection, numbers) if origin_of(run.tags).branch == branch]
        compared = table.first_with_runs(connection, COMMIT_TAGS, before)
        base_numbers = table.runs_of_tags(connection, COMMIT_TAGS, [compared], limit) if compared else []
        # The branch's own first runs may have been made at the merge base itself.
        base_runs = [
            run for run in read_runs(connection, base_numbers) if origin_of(run.tags).branch != branch
        ]
    return BranchRuns(branch, base, parting, compared, tuple(runs), tuple(base_runs))


def branches_with_runs(workspace: Workspace) -> list[str]:
    """Return the names of all branches that active runs name, the busiest first."""
    with workspace.database.read() as connection:
        return table.branch_names(connection, BRANCH_TAGS)


@dataclass(frozen=True)
class Archived:
    """The runs of a deleted branch that were put away, or would be."""

    branch: str
    run_ids: tuple[str, ...]


def archive_branches(
    workspace: Workspace, branches: Sequence[str] | None = None, *, is_dry: bool = False
) -> list[Archived]:
    """Put away the runs of branches (None: of those that Git no longer has) and return which; nothing is deleted.

    Where there is no Git, or it knows no branch at all, nothing is put away unless a branch is named.
    """
    gone = branches if branches is not None else deleted_branches(workspace)
    found = []
    for branch in gone:
        with workspace.database.read() as connection:
            numbers = table.runs_of_tags(connection, BRANCH_TAGS, [branch], MOST_EXPERIMENTS, unless=ARCHIVED)
            runs = [run for run in read_runs(connection, numbers) if origin_of(run.tags).branch == branch]
        if runs and not is_dry:
            _archive(workspace, branch, runs)
        if runs:
            found.append(Archived(branch, tuple(run.id for run in runs)))
    return found


def restore_branch(workspace: Workspace, branch: str) -> int:
    """Bring the runs of a branch back that were put away, and return how many those are."""
    with workspace.database.write() as connection:
        numbers = table.runs_of_tags(connection, BRANCH_TAGS, [branch], MOST_EXPERIMENTS)
        return table.untag_runs(connection, numbers, ARCHIVED)


def deleted_branches(workspace: Workspace) -> list[str]:
    """Return the branches that runs name, that Git has seen here, and that it has no more, neither here nor on a remote."""
    branches = all_branches(workspace.root)
    if not branches.present:
        return []
    seen = _remember(workspace.state / SEEN, branches.seen)
    return [name for name in branches_with_runs(workspace) if name not in branches.present and name in seen]


def _remember(file: Path, branches: Collection[str]) -> set[str]:
    """Return the branches and those that earlier looks found; Git itself forgets the deleted ones after a while."""
    known = set(file.read_text(encoding="utf-8").splitlines()) if file.is_file() else set()
    if not known.issuperset(branches):
        known.update(branches)
        partial = file.with_suffix(f".{os.getpid()}")
        partial.write_text("".join(f"{name}\n" for name in sorted(known)), encoding="utf-8")
        partial.replace(file)
    return known


def _archive(workspace: Workspace, branch: str, runs: Sequence[Run]) -> None:
    said = f"branch {branch} was deleted ({now_ms()})"
    for start in range(0, len(runs), BATCH):
        with workspace.database.write() as connection:
            table.tag_runs(connection, [run.number for run in runs[start : start + BATCH]], ARCHIVED, said)
