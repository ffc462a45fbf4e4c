"""`evaluate` logs metrics, plots and tables beside the model it judges."""

import mlflow
import pandas as pd
from sklearn.linear_model import LogisticRegression

frame = pd.DataFrame({"x": range(40), "y": [0] * 20 + [1] * 20})
model = LogisticRegression().fit(frame[["x"]], frame["y"])
mlflow.set_experiment("evaluate")
scored = frame.assign(prediction=model.predict(frame[["x"]]))
with mlflow.start_run() as run:
    data = mlflow.data.from_pandas(scored, targets="y", predictions="prediction", name="scored")
    result = mlflow.models.evaluate(
        data=data, model_type="classifier", evaluator_config={"log_explainer": False}
    )

found = mlflow.MlflowClient().get_run(run.info.run_id)
assert found.data.metrics["accuracy_score"] == result.metrics["accuracy_score"]
assert found.inputs.dataset_inputs[0].dataset.name == "scored"
assert any("confusion" in item.path for item in mlflow.MlflowClient().list_artifacts(run.info.run_id))
