"""Moving runs: to another experiment with all that is theirs, to the trash and back."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ropewalk.mlops.tracking import Dataset, create_run, find_experiment, get_run, move_runs, set_stage
from ropewalk.mlops.tracking.artifacts import list_run_files
from ropewalk.mlops.tracking.errors import NotActive, UnknownExperiment, UnknownRun
from ropewalk.mlops.tracking.experiments import create_experiment, move_experiment
from ropewalk.mlops.tracking.logged_models import create_logged_model, get_logged_model
from ropewalk.pipeline import Workspace
from ropewalk.store.tracking.logged_models import NewLoggedModel

AddRun = Callable[..., str]


def test_files_and_addresses_stay(project: Workspace, add_run: AddRun) -> None:
    """A run that was moved is found in its new experiment, and its files where they were."""
    run_id, target = add_run(), create_experiment(project, "target")
    before = get_run(project, run_id).artifact_uri

    assert move_runs(project, [run_id], target) == [run_id]

    moved = get_run(project, run_id)
    assert (moved.experiment_id, moved.artifact_uri) == (target, before)
    assert list_run_files(project, moved, 9) == [("a.txt", 3)]


def test_moved_twice_and_back(project: Workspace, add_run: AddRun) -> None:
    """However often it is moved, its files' place is the first one; where it is already, nothing is done."""
    run_id, target = add_run(), create_experiment(project, "target")
    before = get_run(project, run_id)

    move_runs(project, [run_id], target)
    assert move_runs(project, [run_id], target) == []
    move_runs(project, [run_id], before.experiment_id)

    assert get_run(project, run_id) == before


def test_nested_runs_and_models_follow(project: Workspace, add_run: AddRun) -> None:
    """What is nested in a run, at any depth, and the models that they logged go with it, unless one says otherwise."""
    parent = add_run(name="parent")
    child = add_run(name="child", mlflow__parentRunId=parent)
    grandchild = add_run(name="grandchild", mlflow__parentRunId=child)
    old = get_run(project, parent).experiment_id
    model = create_logged_model(project, NewLoggedModel("", old, "m", None, child), {}, {})
    target = create_experiment(project, "target")

    assert move_runs(project, [parent], target, with_nested=False) == [parent]
    assert move_runs(project, [parent], target) == [child, grandchild]

    found = get_logged_model(project, model.id)
    assert (found.experiment_id, found.artifact_uri) == (target, model.artifact_uri)


def test_runs_that_are_nested_in_each_other(project: Workspace, add_run: AddRun) -> None:
    """Two runs that name each other as parents are moved once each."""
    first = add_run(mlflow__parentRunId="later")
    second = add_run(mlflow__parentRunId=first)
    with project.database.write() as connection:
        connection.execute("UPDATE run_tag SET value = ? WHERE value = 'later'", (second,))

    assert move_runs(project, [first], create_experiment(project, "target")) == [first, second]


def test_data_sets_follow(project: Workspace) -> None:
    """The data sets that a run read are known in its new experiment, and still in the old one for others."""
    data = Dataset("d", "1", "local", "{}")
    first, second = (create_run(project, "e", name, {}, {}, [data]) for name in "ab")
    target = create_experiment(project, "target")

    move_runs(project, [first], target)

    assert get_run(project, first).datasets == get_run(project, second).datasets == (data,)
    move_runs(project, [second], target)
    assert get_run(project, second).datasets == (data,)


def test_all_or_none(project: Workspace, add_run: AddRun) -> None:
    """With one run that does not exist, or that is deleted, none is moved."""
    run_id, gone, target = add_run(), add_run(), create_experiment(project, "target")
    set_stage(project, [gone], "deleted")

    with pytest.raises(UnknownRun):
        move_runs(project, [run_id, "nobody"], target)
    with pytest.raises(NotActive, match="is deleted"):
        move_runs(project, [run_id, gone], target)

    assert get_run(project, run_id).experiment_id != target


def test_only_into_an_experiment_that_is_there(project: Workspace, add_run: AddRun) -> None:
    """An experiment that does not exist, or is deleted, takes no runs."""
    run_id, target = add_run(), create_experiment(project, "target")
    move_experiment(project, target, "deleted")

    with pytest.raises(UnknownExperiment):
        move_runs(project, [run_id], "999")
    with pytest.raises(NotActive):
        move_runs(project, [run_id], target)
    assert find_experiment(project, "target").stage == "deleted"


def test_trash_and_back(project: Workspace, add_run: AddRun) -> None:
    """Runs go to the trash and come back, with what is nested in them on demand; only changes are told."""
    parent = add_run()
    child = add_run(mlflow__parentRunId=parent)

    assert set_stage(project, [parent], "deleted") == [parent]
    assert set_stage(project, [parent], "deleted", with_nested=True) == [child]
    assert set_stage(project, [parent], "active", with_nested=True) == [parent, child]
    assert get_run(project, child).stage == "active"
