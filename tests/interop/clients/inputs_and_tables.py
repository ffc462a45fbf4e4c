"""Data sets, tables, dictionaries, texts and figures come back as they were logged."""

import mlflow
import numpy as np
import pandas as pd

frame = pd.DataFrame({"question": ["why", "how"], "answer": ["so", "thus"]})
mlflow.set_experiment("inputs")
with mlflow.start_run() as run:
    mlflow.log_input(mlflow.data.from_pandas(frame, name="talk"), context="training", tags={"part": "all"})
    mlflow.log_table(frame, "talk.json")
    mlflow.log_table({"question": ["where"], "answer": ["there"]}, "talk.json")
    mlflow.log_dict({"a": [1, 2]}, "folder/some.json")
    mlflow.log_text("Zürich", "folder/text.txt")
    mlflow.log_image(np.zeros((4, 4, 3), dtype=np.uint8), "black.png")

run_id = run.info.run_id
found = mlflow.MlflowClient().get_run(run_id)
assert found.inputs.dataset_inputs[0].dataset.name == "talk"
assert {tag.key: tag.value for tag in found.inputs.dataset_inputs[0].tags}["part"] == "all"
table = mlflow.load_table("talk.json", run_ids=[run_id])
assert list(table["question"]) == ["why", "how", "where"]
assert mlflow.artifacts.load_dict(f"runs:/{run_id}/folder/some.json") == {"a": [1, 2]}
assert mlflow.artifacts.load_text(f"runs:/{run_id}/folder/text.txt") == "Zürich"
assert mlflow.artifacts.load_image(f"runs:/{run_id}/black.png").size == (4, 4)
