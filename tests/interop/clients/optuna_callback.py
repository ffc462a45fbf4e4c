"""Optuna's callback makes a run of each trial."""

import warnings

import mlflow
import optuna
from optuna_integration.mlflow import MLflowCallback

warnings.simplefilter("ignore")
optuna.logging.set_verbosity(optuna.logging.WARNING)
callback = MLflowCallback(tracking_uri=mlflow.get_tracking_uri(), metric_name="distance")
study = optuna.create_study(study_name="optuna study", direction="minimize")
study.optimize(lambda trial: (trial.suggest_float("x", -1, 1) - 0.5) ** 2, n_trials=4, callbacks=[callback])

runs = mlflow.search_runs(
    experiment_names=["optuna study"], order_by=["metrics.distance ASC"], output_format="list"
)
assert len(runs) == 4, len(runs)
assert abs(runs[0].data.metrics["distance"] - study.best_value) < 1e-12
assert float(runs[0].data.params["x"]) == study.best_params["x"]
assert runs[0].info.status == "FINISHED"
