"""The model that says how likely a flight is late, two hours before its scheduled departure."""

from __future__ import annotations

import lightgbm
import mlflow
from features import FEATURES, examples
from mlflow.models import infer_signature

from ropewalk import Model, Table, step

FIXED: dict[str, object] = {
    "objective": "binary",
    "metric": ["auc", "binary_logloss"],
    "min_data_in_leaf": 100,
    "feature_fraction": 0.6,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    # The same bytes from the same rows, on every run.
    "seed": 2013,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 2,
    "verbose": -1,
}


@step(model="late", timeout="10m")
def train(
    labelled_flights: Table, *, num_leaves: int = 31, rounds: int = 200, learning_rate: float = 0.03
) -> Model:
    """Train on January to June."""
    known, late = examples(labelled_flights, "2013-01-01", "2013-06-30")
    mlflow.log_params({"objective": FIXED["objective"], "seed": FIXED["seed"]})
    mlflow.log_metrics({"rows": len(known), "late_rate": float(late.mean())})
    booster = lightgbm.train(
        FIXED | {"num_leaves": num_leaves, "learning_rate": learning_rate},
        lightgbm.Dataset(known, late),
        num_boost_round=rounds,
    )
    gain = dict(zip(FEATURES, booster.feature_importance("gain").tolist(), strict=True))
    mlflow.log_dict(dict(sorted(gain.items(), key=lambda item: -item[1])), "gain.json")
    sample = known.head(5)
    return Model(
        mlflow.lightgbm.log_model(
            booster,
            name="model",
            signature=infer_signature(sample, booster.predict(sample)),
            input_example=sample,
            pip_requirements=[f"lightgbm=={lightgbm.__version__}"],
        )
    )
