"""An optimiser inside a step: Optuna's trials are tracked below the step's own run."""

from __future__ import annotations

from textwrap import dedent

import pytest

from ropewalk.mlops.tracking import search_runs
from ropewalk.mlops.training.execution import run_step

PARENT = "mlflow.parentRunId"
CALLBACK = dedent("""
    import mlflow, optuna
    from optuna_integration import MLflowCallback
    from ropewalk import Metrics

    def tune(*, trials: int = 3) -> Metrics:
        track = MLflowCallback(metric_name="loss", create_experiment=False, mlflow_kwargs={"nested": True})
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
        study.optimize(lambda t: t.suggest_float("x", 0, 1) ** 2, n_trials=trials, callbacks=[track])
        return Metrics(loss=study.best_value)
""")
STORAGE = dedent("""
    import mlflow, optuna
    from mlflow.optuna import MlflowStorage
    from ropewalk import Metrics

    def tune(*, trials: int = 3) -> Metrics:
        storage = MlflowStorage(mlflow.active_run().info.experiment_id)
        study = optuna.create_study(storage=storage, sampler=optuna.samplers.RandomSampler(seed=1))
        study.optimize(lambda t: t.suggest_float("x", 0, 1) ** 2, n_trials=trials)
        storage.flush_all_batches()
        return Metrics(loss=study.best_value)
""")


def test_trials_are_nested_runs(make_task):
    """Each trial of the ordinary callback is a run below the step's, with its parameters and what came of it."""
    task = make_task(CALLBACK)
    output = run_step(task)

    runs = search_runs(task.workspace)
    trials = [run for run in runs if PARENT in run.tags]
    assert {run.tags[PARENT] for run in trials} == {run.id for run in runs if PARENT not in run.tags}
    assert [run.status for run in trials] == ["FINISHED"] * 3
    # Also without `create_experiment`, which would look one up by the study's name, nobody has to say where.
    assert len({run.experiment_id for run in runs}) == 1
    losses = [run.metrics["loss"].value for run in trials]
    assert [float(run.params["x"]) ** 2 for run in trials] == pytest.approx(losses)
    assert output.summary["metrics"]["loss"] == min(losses)


def test_study_kept_in_the_tracking(make_task):
    """Optuna may also keep a whole study in MLflow's runs, through MLflow's own storage."""
    task = make_task(STORAGE)
    run_step(task)

    runs = search_runs(task.workspace)
    studies = {run.tags[PARENT] for run in runs if PARENT in run.tags}
    assert len(studies) == 1
    assert sum(run.tags.get(PARENT) in studies for run in runs) == 3
