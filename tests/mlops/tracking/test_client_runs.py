"""What a step's plain MLflow code does, by the unmodified client against a real endpoint."""

from __future__ import annotations

import math
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pytest

from ropewalk.mlops.tracking import get_run, list_experiments
from ropewalk.pipeline import Workspace

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(autouse=True)
def _experiment(mlflow: ModuleType) -> None:
    mlflow.set_experiment("client")


def test_experiment_by_name(mlflow: ModuleType, workspace: Workspace) -> None:
    """`set_experiment` finds the experiment it made before."""
    again = mlflow.set_experiment("client")

    assert again.experiment_id in [known.id for known in list_experiments(workspace)]
    assert [known.name for known in list_experiments(workspace)].count("client") == 1


def test_experiment_life(mlflow: ModuleType) -> None:
    """An experiment is made with tags, renamed, deleted and restored."""
    client = mlflow.MlflowClient()
    identifier = client.create_experiment("life", tags={"team": "ops"})

    client.rename_experiment(identifier, "lives")
    client.set_experiment_tag(identifier, "owner", "ada")
    client.delete_experiment(identifier)
    deleted = client.get_experiment(identifier).lifecycle_stage
    client.restore_experiment(identifier)

    found = client.get_experiment_by_name("lives")
    assert deleted == "deleted"
    assert found.lifecycle_stage == "active"
    assert found.tags["owner"] == "ada"
    assert found.tags["team"] == "ops"


def test_search_experiments(mlflow: ModuleType) -> None:
    """Experiments are found by name pattern and tag, in order."""
    client = mlflow.MlflowClient()
    for name in ("north-1", "north-2", "south-1"):
        client.create_experiment(name, tags={"hemisphere": name[:5]})

    by_name = client.search_experiments(filter_string="name LIKE 'north%'", order_by=["name DESC"])
    by_tag = client.search_experiments(filter_string="tags.hemisphere = 'south'")

    assert [found.name for found in by_name] == ["north-2", "north-1"]
    assert [found.name for found in by_tag] == ["south-1"]


def test_run_keeps_what_it_logged(mlflow: ModuleType) -> None:
    """Parameters, metrics and tags come back as they were logged."""
    with mlflow.start_run(run_name="first", tags={"kind": "test"}) as run:
        mlflow.log_params({"depth": 6, "rate": 0.1})
        mlflow.log_metric("auc", 0.79, step=3)
        mlflow.set_tag("note", "größer ✓")

    found = mlflow.get_run(run.info.run_id)
    assert found.data.params == {"depth": "6", "rate": "0.1"}
    assert found.data.metrics == {"auc": 0.79}
    assert found.data.tags["note"] == "größer ✓"
    assert found.data.tags["kind"] == "test"
    assert (found.info.run_name, found.info.status) == ("first", "FINISHED")
    assert found.info.end_time >= found.info.start_time


def test_failed_run(mlflow: ModuleType) -> None:
    """A run whose block raises ends as failed."""
    with pytest.raises(ZeroDivisionError), mlflow.start_run() as run:
        _ = 1 / 0

    assert mlflow.get_run(run.info.run_id).info.status == "FAILED"


def test_nested_runs(mlflow: ModuleType) -> None:
    """A child run names its parent, and is found by it."""
    with mlflow.start_run() as parent, mlflow.start_run(nested=True) as child:
        pass

    tag = f"tags.mlflow.parentRunId = '{parent.info.run_id}'"
    found = mlflow.search_runs(filter_string=tag, experiment_names=["client"])
    assert list(found.run_id) == [child.info.run_id]


def test_metric_history(mlflow: ModuleType) -> None:
    """Every point comes back by step, and a point that is sent again counts once."""
    client = mlflow.MlflowClient()
    with mlflow.start_run() as run:
        for step in (2, 0, 1):
            client.log_metric(run.info.run_id, "loss", 1.0 / (step + 1), timestamp=step, step=step)
        client.log_metric(run.info.run_id, "loss", 0.5, timestamp=1, step=1)

    history = client.get_metric_history(run.info.run_id, "loss")
    assert [(point.step, point.value) for point in history] == [(0, 1.0), (1, 0.5), (2, 1.0 / 3)]
    assert client.get_run(run.info.run_id).data.metrics == {"loss": 1.0 / 3}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e308])
def test_unusual_numbers(mlflow: ModuleType, value: float) -> None:
    """NaN, infinities and extremes are kept true."""
    with mlflow.start_run() as run:
        mlflow.log_metric("odd", value)

    found = mlflow.get_run(run.info.run_id).data.metrics["odd"]
    assert repr(found) == repr(value)


def test_log_batch_of_a_thousand(mlflow: ModuleType) -> None:
    """A full batch is one request, and its newest points are the run's metrics."""
    client = mlflow.MlflowClient()
    points = [mlflow.entities.Metric(f"m{n % 4}", float(n), n, n) for n in range(1000)]
    with mlflow.start_run() as run:
        client.log_batch(run.info.run_id, metrics=points)

    assert client.get_run(run.info.run_id).data.metrics == {f"m{n}": 996.0 + n for n in range(4)}
    assert len(client.get_metric_history(run.info.run_id, "m1")) == 250


def test_param_is_logged_once(mlflow: ModuleType) -> None:
    """The same value again is fine; another value is refused and changes nothing."""
    with mlflow.start_run() as run:
        mlflow.log_param("depth", 3)
        mlflow.log_param("depth", 3)
        with pytest.raises(mlflow.exceptions.MlflowException, match=r"not allowed. Param with key='"):
            mlflow.log_param("depth", 5)

    assert mlflow.get_run(run.info.run_id).data.params == {"depth": "3"}


def test_inputs(mlflow: ModuleType) -> None:
    """A data set that is logged as an input comes back with its context, and is found by a search."""
    frame = mlflow.data.from_pandas(pd.DataFrame({"a": [1, 2]}), name="flights")
    with mlflow.start_run() as run:
        mlflow.log_input(frame, context="training")

    used = mlflow.get_run(run.info.run_id).inputs.dataset_inputs[0]
    found = mlflow.search_runs(filter_string="dataset.name = 'flights'", experiment_names=["client"])
    assert (used.dataset.name, used.tags[0].value) == ("flights", "training")
    assert list(found.run_id) == [run.info.run_id]


def test_artifacts(mlflow: ModuleType, scratch: Path) -> None:
    """Files and folders are put, listed and got back byte by byte."""
    (scratch / "plots" / "deep").mkdir(parents=True)
    (scratch / "plots" / "deep" / "ü 1.bin").write_bytes(bytes(range(256)))
    with mlflow.start_run() as run:
        mlflow.log_text("hello", "notes/a.txt")
        mlflow.log_dict({"a": 1}, "b.json")
        mlflow.log_artifacts(str(scratch / "plots"), "plots")

    client = mlflow.MlflowClient()
    top = {item.path: item.is_dir for item in client.list_artifacts(run.info.run_id)}
    deep = [(item.path, item.file_size) for item in client.list_artifacts(run.info.run_id, "plots/deep")]
    got = Path(client.download_artifacts(run.info.run_id, "plots", str(scratch)))
    assert top == {"notes": True, "b.json": False, "plots": True}
    assert deep == [("plots/deep/ü 1.bin", 256)]
    assert (got / "deep" / "ü 1.bin").read_bytes() == bytes(range(256))
    assert mlflow.artifacts.load_text(f"{run.info.artifact_uri}/notes/a.txt") == "hello"


def test_log_table(mlflow: ModuleType) -> None:
    """`log_table` appends to what an earlier call logged: it reads, and writes the file anew."""
    with mlflow.start_run() as run:
        mlflow.log_table({"q": ["a"]}, "eval.json")
        mlflow.log_table({"q": ["b"]}, "eval.json")

    table = mlflow.load_table("eval.json", run_ids=[run.info.run_id])
    assert list(table.q) == ["a", "b"]


def test_delete_and_restore(mlflow: ModuleType) -> None:
    """A deleted run takes no metrics, is not found unless asked for, and can be restored."""
    client = mlflow.MlflowClient()
    with mlflow.start_run() as run:
        pass
    client.delete_run(run.info.run_id)

    with pytest.raises(mlflow.exceptions.MlflowException, match="must be in the 'active' state"):
        client.log_metric(run.info.run_id, "auc", 1.0)
    deleted = client.search_runs(
        [run.info.experiment_id], run_view_type=mlflow.entities.ViewType.DELETED_ONLY
    )
    client.restore_run(run.info.run_id)

    assert [item.info.run_id for item in deleted] == [run.info.run_id]
    assert client.get_run(run.info.run_id).info.lifecycle_stage == "active"


def test_tags_are_changed_and_removed(mlflow: ModuleType) -> None:
    """A tag takes a new value, the run's name is a tag, and a tag that is not there cannot be removed."""
    client = mlflow.MlflowClient()
    with mlflow.start_run() as run:
        mlflow.set_tags({"a": "1", "mlflow.runName": "renamed"})
        mlflow.set_tag("a", "2")
        client.delete_tag(run.info.run_id, "a")
        with pytest.raises(mlflow.exceptions.MlflowException, match="No tag with name: a"):
            client.delete_tag(run.info.run_id, "a")

    assert client.get_run(run.info.run_id).info.run_name == "renamed"


def test_async_logging(mlflow: ModuleType) -> None:
    """Points that the client sends from its own thread all arrive."""
    with mlflow.start_run() as run:
        for step in range(20):
            mlflow.log_metric("loss", step, step=step, synchronous=False)
        mlflow.flush_async_logging()

    assert len(mlflow.MlflowClient().get_metric_history(run.info.run_id, "loss")) == 20


def test_runs_are_paged(mlflow: ModuleType) -> None:
    """Pages follow one another without gap or repetition, and the last has no token."""
    client = mlflow.MlflowClient()
    experiment = client.create_experiment("paged")
    ids = [client.create_run(experiment, start_time=n).info.run_id for n in range(1, 8)]

    pages: list[Any] = []
    token = None
    while token or not pages:
        pages.append(client.search_runs([experiment], max_results=3, page_token=token))
        token = pages[-1].token

    assert [len(page) for page in pages] == [3, 3, 1]
    assert [run.info.run_id for page in pages for run in page] == ids[::-1]


def test_door_and_wire_show_one_store(mlflow: ModuleType, workspace: Workspace) -> None:
    """What a client logs is what other rooms read."""
    with mlflow.start_run() as run:
        mlflow.log_metric("auc", 0.8)

    found = get_run(workspace, run.info.run_id)
    assert found.metrics["auc"].value == 0.8
    assert found.status == "FINISHED"
