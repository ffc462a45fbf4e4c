"""XGBoost logs each round's metric, its parameters and the model."""

import mlflow
import numpy as np
import xgboost

features = np.random.default_rng(1).random((200, 3))
data = xgboost.DMatrix(features, (features[:, 0] > 0.5).astype(int))
mlflow.set_experiment("xgboost")
mlflow.xgboost.autolog()
with mlflow.start_run() as run:
    xgboost.train({"objective": "binary:logistic"}, data, 7, evals=[(data, "train")], verbose_eval=False)

client = mlflow.MlflowClient()
found = client.get_run(run.info.run_id)
assert found.data.params["objective"] == "binary:logistic"
history = client.get_metric_history(run.info.run_id, "train-logloss")
assert [point.step for point in history] == list(range(7))
loaded = mlflow.xgboost.load_model(f"runs:/{run.info.run_id}/model")
assert loaded.predict(data).shape == (200,)
