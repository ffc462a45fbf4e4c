"""Logs on while its server is killed and comes back, and prints each number that was acknowledged."""

import sys

import mlflow

run = mlflow.MlflowClient().create_run("0").info.run_id
client = mlflow.MlflowClient()
print(run, flush=True)
for number in range(int(sys.argv[1])):
    client.log_metric(run, "loss", number, timestamp=number, step=number)
    client.log_batch(
        run,
        metrics=[mlflow.entities.Metric("batch", number, number, number * 10 + part) for part in range(10)],
        params=[mlflow.entities.Param(f"p{number}", str(number))],
    )
    print(number, flush=True)
client.set_terminated(run)
