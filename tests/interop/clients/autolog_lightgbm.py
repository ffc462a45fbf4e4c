"""LightGBM logs each round's metric, its parameters, importances and the model."""

import lightgbm
import mlflow
import numpy as np

features = np.random.default_rng(1).random((200, 3))
label = (features[:, 0] > 0.5).astype(int)
data = lightgbm.Dataset(features, label)
mlflow.set_experiment("lightgbm")
mlflow.lightgbm.autolog()
with mlflow.start_run() as run:
    lightgbm.train(
        {"objective": "binary", "metric": "binary_logloss", "verbose": -1},
        data,
        num_boost_round=12,
        valid_sets=[data],
        valid_names=["train"],
    )

client = mlflow.MlflowClient()
found = client.get_run(run.info.run_id)
assert found.data.params["objective"] == "binary"
history = client.get_metric_history(run.info.run_id, "train-binary_logloss")
assert [point.step for point in history] == list(range(12)), history
assert history[-1].value < history[0].value
files = {item.path for item in client.list_artifacts(run.info.run_id)}
assert any(name.startswith("feature_importance") for name in files), files
loaded = mlflow.lightgbm.load_model(f"runs:/{run.info.run_id}/model")
assert loaded.predict(features).shape == (200,)
