"""What is logged without waiting is there once the client says so, each point once."""

import mlflow

mlflow.set_experiment("asynchronous")
with mlflow.start_run() as run:
    for step in range(500):
        mlflow.log_metric("loss", 1 / (step + 1), step=step, synchronous=False)
    mlflow.log_params({f"p{number}": number for number in range(50)}, synchronous=False).wait()
    mlflow.set_tag("done", "yes", synchronous=False).wait()
mlflow.flush_async_logging()

client = mlflow.MlflowClient()
points = client.get_metric_history(run.info.run_id, "loss")
assert [point.step for point in points] == list(range(500)), len(points)
found = client.get_run(run.info.run_id)
assert len(found.data.params) == 50
assert found.data.tags["done"] == "yes"
