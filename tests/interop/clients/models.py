"""Models are logged, registered, and loaded by version and by alias, also after the alias moved."""

import mlflow
import numpy as np
from mlflow.models import infer_signature
from sklearn.linear_model import LinearRegression

features = np.arange(10.0).reshape(-1, 1)
name, client = "line", mlflow.MlflowClient()
IS_NEW = int(mlflow.__version__.split(".")[0]) >= 3
mlflow.set_experiment("models")
for slope in (1.0, 2.0):
    model = LinearRegression().fit(features, features * slope)
    where = {"name": "model"} if IS_NEW else {"artifact_path": "model"}
    # The newest client no longer writes pickles of its own accord.
    form = {"serialization_format": "cloudpickle"}
    with mlflow.start_run():
        mlflow.sklearn.log_model(
            model,
            **where,
            **form,
            signature=infer_signature(features, model.predict(features)),
            registered_model_name=name,
            input_example=features[:2],
        )


def slope_of(uri: str) -> float:
    return float(mlflow.pyfunc.load_model(uri).predict(np.array([[1.0]]))[0][0])


assert [int(one.version) for one in client.search_model_versions(f"name = '{name}'")] == [2, 1]
client.set_registered_model_alias(name, "champion", "1")
assert round(slope_of(f"models:/{name}@champion"), 6) == 1.0
client.set_registered_model_alias(name, "champion", "2")
assert round(slope_of(f"models:/{name}@champion"), 6) == 2.0
assert round(slope_of(f"models:/{name}/1"), 6) == 1.0
assert round(slope_of(f"models:/{name}/latest"), 6) == 2.0
assert client.get_model_version_by_alias(name, "champion").version in ("2", 2)
client.set_model_version_tag(name, "1", "checked", "yes")
assert client.get_model_version(name, "1").tags == {"checked": "yes"}
client.delete_registered_model_alias(name, "champion")
try:
    slope_of(f"models:/{name}@champion")
except mlflow.exceptions.MlflowException:
    pass
else:
    raise AssertionError("an alias that was deleted still loads")
copied = client.copy_model_version(f"models:/{name}/2", "copy of line")
assert round(slope_of(f"models:/copy of line/{copied.version}"), 6) == 2.0
