"""Moving runs to another experiment, into the trash and out of it, many in one transaction."""

from __future__ import annotations

from collections.abc import Sequence

from ropewalk.mlops.tracking.errors import NotActive, UnknownRun
from ropewalk.mlops.tracking.experiments import require_active_experiment
from ropewalk.pipeline import Workspace
from ropewalk.store import Connection
from ropewalk.store.tracking import runs as table
from ropewalk.store.tracking import upkeep
from ropewalk.store.tracking.values import Run, Stage


def move_runs(
    workspace: Workspace, run_ids: Sequence[str], experiment_id: str, *, with_nested: bool = True
) -> list[str]:
    """Put runs and what is nested in them into another experiment, all or none, and return the ids of those moved.

    Their files, and every address that names them, stay as they are. Runs that are there already are left out.

    Raises:
        UnknownRun: one of them does not exist.
        UnknownExperiment: the experiment does not exist.
        NotActive: the experiment or one of the runs is deleted.
    """
    with workspace.database.write() as connection:
        require_active_experiment(connection, experiment_id)
        nested = upkeep.nested_runs(connection, run_ids) if with_nested else []
        found = [_require(connection, run_id) for run_id in dict.fromkeys([*run_ids, *nested])]
        for run in found[: len(set(run_ids))]:
            if run.stage != "active":
                raise NotActive(
                    f"run {run.id} is deleted and cannot be moved", hint="restore it first, then move it"
                )
        moving = [run for run in found if run.experiment_id != experiment_id]
        upkeep.move_run_rows(connection, [run.number for run in moving], experiment_id)
    return [run.id for run in moving]


def set_stage(
    workspace: Workspace, run_ids: Sequence[str], stage: Stage, *, with_nested: bool = False
) -> list[str]:
    """Put runs into the trash or take them out of it, all or none; return the ids of those it changed.

    Raises:
        UnknownRun: one of them does not exist.
        NotActive: one that is to come back is being removed for good.
    """
    with workspace.database.write() as connection:
        nested = upkeep.nested_runs(connection, run_ids) if with_nested else []
        found = [_require(connection, run_id) for run_id in dict.fromkeys([*run_ids, *nested])]
        changing = [run for run in found if run.stage != stage]
        for run in changing:
            if stage == "active" and upkeep.is_doomed(connection, run.number):
                raise NotActive(
                    f"run {run.id} is being removed for good and cannot come back",
                    hint="`ropewalk gc` removes the rest of it",
                )
            table.set_run_stage(connection, run.number, stage)
    return [run.id for run in changing]


def _require(connection: Connection, run_id: str) -> Run:
    found = table.find_run_row(connection, run_id)
    if found is None:
        raise UnknownRun(f"Run with id={run_id} not found")
    return found
