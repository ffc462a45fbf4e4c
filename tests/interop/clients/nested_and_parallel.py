"""Nested runs know their parent, and runs of many threads and processes do not mix."""

import multiprocessing
from concurrent.futures import ThreadPoolExecutor

import mlflow


def one(number: int) -> str:
    client = mlflow.MlflowClient()
    run = client.create_run(mlflow.get_experiment_by_name("parallel").experiment_id).info.run_id
    for step in range(20):
        client.log_metric(run, "m", number * 100 + step, step=step)
    client.log_param(run, "number", number)
    client.set_terminated(run)
    return run


def check(numbered: tuple[int, str]) -> None:
    number, run = numbered
    client = mlflow.MlflowClient()
    points = client.get_metric_history(run, "m")
    assert [point.value for point in points] == [number * 100 + step for step in range(20)]
    assert client.get_run(run).data.params == {"number": str(number)}


if __name__ == "__main__":
    mlflow.set_experiment("parallel")
    with mlflow.start_run() as parent:
        children = []
        for depth in range(3):
            with mlflow.start_run(nested=True) as child:
                mlflow.log_metric("depth", depth)
                children.append(child.info.run_id)
    found = mlflow.search_runs(
        filter_string=f"tags.mlflow.parentRunId = '{parent.info.run_id}'", output_format="list"
    )
    assert {run.info.run_id for run in found} == set(children)
    with ThreadPoolExecutor(8) as threads:
        for numbered in enumerate(threads.map(one, range(8))):
            check(numbered)
    with multiprocessing.get_context("spawn").Pool(2) as processes:
        for number, run in enumerate(processes.map(one, range(4))):
            check((number, run))
