"""Removing runs and experiments for good: always from the trash, in small transactions, and where it was stopped on.

What is small and what decides (nobody needs the run) is one transaction, after which the run cannot come back; points
and files follow in batches, the run's own row last. A kill anywhere leaves a run that the next collection finds.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from ropewalk.mlops.tracking.artifacts import SCHEME, proxied_path
from ropewalk.mlops.tracking.errors import NotInTrash, RunHeld, UnknownRun
from ropewalk.mlops.tracking.upkeep.holding import holders, refuse_held
from ropewalk.pipeline import Workspace
from ropewalk.project import released_keys
from ropewalk.store import Connection, RowRefused
from ropewalk.store.tracking import upkeep
from ropewalk.store.tracking.runs import find_run_row
from ropewalk.store.tracking.upkeep import Trashed, TrashedExperiment

# As much as one transaction removes: other writers wait for it as long as for a large batch of points.
SEGMENTS = 500
FILES = 1000
RUNS = 200
# What was thrown away before this moment of the far future is everything.
EVER = 1 << 62


@dataclass(frozen=True)
class Emptied:
    """What was removed from the trash, or would be.

    Attributes:
        runs: ids of the runs.
        experiments: names of the experiments.
        models: how many logged models.
        kept: runs and experiments that stay, and why.
        elsewhere: places of files that are not ours to remove.
    """

    runs: tuple[str, ...] = ()
    experiments: tuple[str, ...] = ()
    models: int = 0
    kept: tuple[tuple[str, str], ...] = ()
    elsewhere: tuple[str, ...] = ()


@dataclass
class _Tally:
    """What an emptying has done so far."""

    runs: list[str] = field(default_factory=list)
    experiments: list[str] = field(default_factory=list)
    models: int = 0
    kept: list[tuple[str, str]] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)

    def result(self) -> Emptied:
        return Emptied(
            tuple(self.runs), tuple(self.experiments), self.models, tuple(self.kept), tuple(self.elsewhere)
        )


def remove_runs(workspace: Workspace, run_ids: Sequence[str]) -> Emptied:
    """Remove runs from the trash for good, with their points, files and logged models.

    Raises:
        UnknownRun: one of them does not exist.
        NotInTrash: one of them was not deleted.
        RunHeld: something needs one of them; then none is removed.
    """
    released = released_keys(workspace.root)
    with workspace.database.read() as connection:
        found = [_require_trashed(connection, run_id) for run_id in dict.fromkeys(run_ids)]
        for run in found:
            refuse_held(connection, run.id, released)
    tally = _Tally()
    for run in found:
        _remove_run(workspace, run, released, tally)
    return tally.result()


def _require_trashed(connection: Connection, run_id: str) -> Trashed:
    found = upkeep.find_trashed(connection, run_id)
    if found is None:
        if find_run_row(connection, run_id) is None:
            raise UnknownRun(f"Run with id={run_id} not found")
        raise NotInTrash(f"run {run_id} is not in the trash", hint="delete it first; it can be restored")
    return found


def empty_trash(workspace: Workspace, before_ms: int = EVER, *, is_dry: bool = False) -> Emptied:
    """Remove what went to the trash before a moment, but for what is still needed, and return what that was.

    It ends whatever else is written meanwhile: each run is looked at once.
    """
    released, tally, after = released_keys(workspace.root), _Tally(), 0
    while True:
        with workspace.database.read() as connection:
            runs = upkeep.trashed_runs(connection, before_ms, after, RUNS)
        for run in runs:
            _empty_one(workspace, run, released, tally, is_dry=is_dry)
            after = run.number
        if len(runs) < RUNS:
            break
    _remove_models(workspace, before_ms, tally, is_dry=is_dry)
    _remove_experiments(workspace, before_ms, tally, is_dry=is_dry)
    return tally.result()


def _empty_one(
    workspace: Workspace, run: Trashed, released: Collection[str], tally: _Tally, *, is_dry: bool
) -> None:
    if not is_dry:
        try:
            _remove_run(workspace, run, released, tally)
        except RunHeld as error:
            tally.kept.append((f"run {run.id}", error.message))
        return
    with workspace.database.read() as connection:
        needed = holders(connection, run.id, released)
    if needed:
        tally.kept.append((f"run {run.id}", f"needed by {', '.join(needed)}"))
    else:
        tally.runs.append(run.id)


def _remove_run(workspace: Workspace, run: Trashed, released: Collection[str], tally: _Tally) -> None:
    with workspace.database.write() as connection:
        # Once more and in the same transaction: somebody may have restored or registered it meanwhile.
        if upkeep.find_trashed(connection, run.id) is None:
            return
        if not upkeep.is_doomed(connection, run.number):
            refuse_held(connection, run.id, released)
        upkeep.doom_run(connection, run)
        models = upkeep.models_made(connection, run_id=run.id)
    _repeat(workspace, lambda c: upkeep.remove_points(c, run.number, SEGMENTS), SEGMENTS)
    _remove_files(workspace, run.artifact_uri, tally)
    for number, place in models:
        _remove_model(workspace, number, place, tally)
    with workspace.database.write() as connection:
        upkeep.remove_run_row(connection, run.number)
    tally.runs.append(run.id)


def _remove_model(workspace: Workspace, number: int, place: str, tally: _Tally) -> None:
    _remove_files(workspace, place, tally)
    with workspace.database.write() as connection:
        upkeep.remove_model(connection, number)
    tally.models += 1


def _remove_files(workspace: Workspace, place: str, tally: _Tally) -> None:
    folder = proxied_path(place)
    if folder is None:
        # In a store that clients reach with their own keys; we have none.
        tally.elsewhere.append(place)
        return
    _repeat(workspace, lambda c: upkeep.remove_some_artifacts(c, folder, FILES), FILES)


def remove_files_of(workspace: Workspace, places: Sequence[str]) -> tuple[str, ...]:
    """Remove the files at these places and return those places that are not ours."""
    tally = _Tally()
    for place in places:
        _remove_files(workspace, place, tally)
    return tuple(tally.elsewhere)


def _repeat(workspace: Workspace, remove: Callable[[Connection], int], batch: int) -> None:
    removed = batch
    while removed >= batch:
        with workspace.database.write() as connection:
            removed = remove(connection)


def _remove_models(workspace: Workspace, before_ms: int, tally: _Tally, *, is_dry: bool) -> None:
    with workspace.database.read() as connection:
        models = upkeep.deleted_models(connection, before_ms)
    for number, _, place in models:
        if is_dry:
            tally.models += 1
        else:
            _remove_model(workspace, number, place, tally)


def _remove_experiments(workspace: Workspace, before_ms: int, tally: _Tally, *, is_dry: bool) -> None:
    with workspace.database.read() as connection:
        found = upkeep.trashed_experiments(connection, before_ms)
    for experiment in found:
        left = experiment.runs - (len(_runs_going(workspace, experiment, tally)) if is_dry else 0)
        if left:
            tally.kept.append((f"experiment {experiment.name}", f"{left} of its runs stay"))
        elif is_dry:
            tally.experiments.append(experiment.name)
        else:
            _remove_experiment(workspace, experiment, tally)


def _runs_going(workspace: Workspace, experiment: TrashedExperiment, tally: _Tally) -> list[str]:
    with workspace.database.read() as connection:
        going = [upkeep.find_trashed(connection, run_id) for run_id in tally.runs]
    return [run.id for run in going if run and run.experiment_id == experiment.id]


def _remove_experiment(workspace: Workspace, experiment: TrashedExperiment, tally: _Tally) -> None:
    with workspace.database.read() as connection:
        models = upkeep.models_made(connection, experiment=experiment.id)
        is_shared = upkeep.runs_keep_files_below(connection, experiment.artifact_location)
    for number, place in models:
        _remove_model(workspace, number, place, tally)
    _repeat(workspace, lambda c: upkeep.remove_traces(c, experiment.id, RUNS), RUNS)
    # Files that clients put beside their runs' go too, unless runs that were moved away have theirs there. A place that
    # somebody chose may be another experiment's as well.
    if not is_shared and experiment.artifact_location == f"{SCHEME}{experiment.id}":
        _remove_files(workspace, experiment.artifact_location, tally)
    try:
        with workspace.database.write() as connection:
            upkeep.remove_experiment_row(connection, experiment.id)
    except RowRefused:
        tally.kept.append((f"experiment {experiment.name}", "something is still recorded under it"))
    else:
        tally.experiments.append(experiment.name)
