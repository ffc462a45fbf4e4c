"""A run in the history: that it began, who holds it, and that it ended."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from ropewalk.pipeline.leases import Leases, find_holder
from ropewalk.pipeline.workspace import Workspace
from ropewalk.project import git_state
from ropewalk.store import now_ms
from ropewalk.store.pipeline import RunRow, finish_run, running_runs, start_run


@contextmanager
def recorded_run(workspace: Workspace, leases: Leases, cause: str) -> Iterator[str]:
    """Record a run that `cause` asked for, yield its id, and record that it succeeded, or failed when the block raises."""
    run_id, state = uuid.uuid4().hex, "failed"
    with leases.hold(f"run:{run_id}", workspace.stopping):
        begin_run(workspace, run_id, cause)
        try:
            yield run_id
            state = "succeeded"
        finally:
            finish_run(workspace.database, run_id, state)


def begin_run(workspace: Workspace, run_id: str, cause: str) -> None:
    """Record that a run began, and that those ended whose processes were killed."""
    database = workspace.database
    # Whoever is marked as running and holds no lease was killed, and would be shown as running for ever.
    for other in running_runs(database):
        if find_holder(database, f"run:{other}") is None:
            finish_run(database, other, "failed")
    git = git_state(workspace.root)
    start_run(
        database,
        RunRow(
            id=run_id,
            environment=workspace.settings.environment,
            state="running",
            git_commit=git.commit,
            git_branch=git.branch,
            is_dirty=git.is_dirty,
            started_at=now_ms(),
            finished_at=None,
            cause=cause,
            parameters=workspace.project.parameters,
        ),
    )
