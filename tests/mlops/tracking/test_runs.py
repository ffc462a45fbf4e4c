"""The verbs on runs that other rooms use."""

from __future__ import annotations

import threading

import pytest

from ropewalk.mlops.tracking import (
    create_run,
    finish_run,
    get_experiment,
    get_run,
    list_experiments,
    log_metrics,
    metric_history,
    search_runs,
)
from ropewalk.mlops.tracking.errors import InvalidFilter, NotActive, RequestTooLarge, UnknownRun
from ropewalk.mlops.tracking.experiments import get_experiment_by_name, move_experiment
from ropewalk.mlops.tracking.runs import move_run
from ropewalk.pipeline import Workspace


def test_a_run_from_begin_to_end(workspace: Workspace) -> None:
    """A run is made with its experiment, logs, and ends."""
    tags = {"mlflow.source.git.commit": "abc"}
    run_id = create_run(workspace, "whole", "train", tags, {"depth": "6"})
    log_metrics(workspace, run_id, {"auc": 0.79}, step=2)
    finish_run(workspace, run_id, "FINISHED")

    run = get_run(workspace, run_id)
    assert get_experiment(workspace, run.experiment_id).name == "whole"
    assert (run.name, run.status, run.params) == ("train", "FINISHED", {"depth": "6"})
    assert run.tags == {**tags, "mlflow.runName": "train"}
    assert (run.metrics["auc"].value, run.metrics["auc"].step) == (0.79, 2)
    assert run.ended_at
    assert run.ended_at >= run.started_at


def test_experiment_is_made_once(workspace: Workspace) -> None:
    """Runs of one experiment's name share it."""
    first, second = (create_run(workspace, "shared", name, {}, {}) for name in ("a", "b"))

    assert get_run(workspace, first).experiment_id == get_run(workspace, second).experiment_id
    assert [found.name for found in list_experiments(workspace)].count("shared") == 1


def test_experiment_is_made_once_by_many(workspace: Workspace) -> None:
    """Several threads that need the same new experiment make one."""
    made: list[str] = []
    threads = [
        threading.Thread(target=lambda: made.append(create_run(workspace, "raced", "r", {}, {})))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({get_run(workspace, run_id).experiment_id for run_id in made}) == 1
    assert len(set(made)) == 8


def test_deleted_experiment(workspace: Workspace) -> None:
    """A deleted experiment takes no new runs, and its runs are deleted with it."""
    run_id = create_run(workspace, "doomed", "a", {}, {})
    identifier = get_experiment_by_name(workspace, "doomed").id
    move_experiment(workspace, identifier, "deleted")

    with pytest.raises(NotActive, match="'doomed' is deleted"):
        create_run(workspace, "doomed", "b", {}, {})
    with pytest.raises(NotActive, match="Current state is deleted"):
        log_metrics(workspace, run_id, {"a": 1.0})
    assert search_runs(workspace, ["doomed"]) == []


def test_restored_run(workspace: Workspace) -> None:
    """A run that was deleted and restored logs again."""
    run_id = create_run(workspace, "restored", "a", {}, {})
    move_run(workspace, run_id, "deleted")
    move_run(workspace, run_id, "active")

    log_metrics(workspace, run_id, {"a": 1.0})
    assert get_run(workspace, run_id).stage == "active"


@pytest.mark.parametrize(
    "verb", [get_run, lambda w, r: finish_run(w, r, "FAILED"), lambda w, r: metric_history(w, r, "a")]
)
def test_unknown_run(workspace: Workspace, verb: object) -> None:
    """A run that does not exist is named in the error."""
    with pytest.raises(UnknownRun, match="id=nowhere"):
        verb(workspace, "nowhere")  # type: ignore[operator]


def test_values_beyond_the_limits(workspace: Workspace) -> None:
    """What cannot be stored is refused before a run exists."""
    with pytest.raises(RequestTooLarge, match="Param value of 'a'"):
        create_run(workspace, "limits", "a", {}, {"a": "x" * 6001})

    assert search_runs(workspace, ["limits"]) == []


def test_history(workspace: Workspace) -> None:
    """Every point of a series comes in order of its steps."""
    run_id = create_run(workspace, "series", "a", {}, {})
    for step in (3, 1, 2):
        log_metrics(workspace, run_id, {"loss": step / 10, "other": 0.0}, step=step)

    assert [point.value for point in metric_history(workspace, run_id, "loss")] == [0.1, 0.2, 0.3]
    assert metric_history(workspace, run_id, "none") == []


def test_search(workspace: Workspace) -> None:
    """Runs are found over experiments by filter, ordered and limited."""
    for number in range(4):
        run_id = create_run(workspace, f"found-{number % 2}", f"r{number}", {}, {"n": str(number)})
        log_metrics(workspace, run_id, {"score": float(number)})

    best = search_runs(
        workspace, ["found-0", "found-1"], "metrics.score > 0", ["metrics.score DESC"], limit=2
    )
    everywhere = search_runs(workspace, None, "params.n = '3'")

    assert [run.name for run in best] == ["r3", "r2"]
    assert [run.name for run in everywhere] == ["r3"]
    assert search_runs(workspace, ["no such experiment"]) == []


def test_search_with_a_wrong_filter(workspace: Workspace) -> None:
    """A filter that does not parse is an error, never an empty result."""
    with pytest.raises(InvalidFilter):
        search_runs(workspace, None, "metrics.score >")


def test_a_run_that_never_was(workspace: Workspace) -> None:
    """What does not exist is neither deleted nor restored."""
    for stage in ("deleted", "active"):
        with pytest.raises(UnknownRun, match="nowhere"):
            move_run(workspace, "nowhere", stage)
