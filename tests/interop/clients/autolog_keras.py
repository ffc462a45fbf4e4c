"""Keras (on JAX) logs each epoch and the model."""

import os

os.environ["KERAS_BACKEND"] = "jax"
import keras
import mlflow
import numpy as np

features = np.random.default_rng(1).random((64, 3)).astype("float32")
label = features.sum(axis=1, keepdims=True)
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4), keras.layers.Dense(1)])
model.compile(optimizer="adam", loss="mse")
mlflow.set_experiment("keras")
mlflow.keras.autolog()
with mlflow.start_run() as run:
    model.fit(features, label, epochs=3, batch_size=16, verbose=0)

client = mlflow.MlflowClient()
found = client.get_run(run.info.run_id)
assert found.data.params["epochs"] == "3", found.data.params
assert "loss" in found.data.metrics, found.data.metrics
assert len(client.get_metric_history(run.info.run_id, "loss")) == 3
loaded = mlflow.keras.load_model(f"runs:/{run.info.run_id}/model")
assert loaded.predict(features, verbose=0).shape == (64, 1)
