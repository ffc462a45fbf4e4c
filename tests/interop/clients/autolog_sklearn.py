"""scikit-learn logs itself: parameters, metrics, the model with its signature, and a search's children."""

import mlflow
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

features, label = load_iris(return_X_y=True, as_frame=True)
mlflow.set_experiment("sklearn")
mlflow.sklearn.autolog()
with mlflow.start_run() as run:
    LogisticRegression(max_iter=500).fit(features, label)
with mlflow.start_run() as search:
    GridSearchCV(LogisticRegression(max_iter=500), {"C": [0.1, 1.0]}, cv=2).fit(features, label)

client = mlflow.MlflowClient()
found = client.get_run(run.info.run_id)
assert found.data.params["max_iter"] == "500", found.data.params
assert found.data.metrics["training_score"] > 0.9
assert found.inputs.dataset_inputs, "the training data were not logged"
model = mlflow.pyfunc.load_model(f"runs:/{run.info.run_id}/model")
assert len(model.predict(features)) == len(features)
assert model.metadata.signature is not None
children = mlflow.search_runs(
    ["0", run.info.experiment_id],
    filter_string=f"tags.mlflow.parentRunId = '{search.info.run_id}'",
    output_format="list",
)
assert len(children) == 2, len(children)
assert {child.data.params["C"] for child in children} == {"0.1", "1.0"}
