"""Projects to move, and folders `mlruns` as MLflow's own client writes them."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import ModuleType

import pytest

from ropewalk import plugins
from ropewalk.pipeline import Workspace
from ropewalk.project import load_project
from ropewalk.settings import load_settings

OpenProject = Callable[..., Workspace]


@pytest.fixture
def open_project(tmp_path: Path, environ: dict[str, str]) -> Iterator[OpenProject]:
    """Return a function that opens a new project of a name; all are closed after the test."""
    with ExitStack() as stack:

        def open_it(name: str, text: str = "") -> Workspace:
            root = tmp_path / name
            root.mkdir()
            (root / "ropewalk.yaml").write_text(f"project: {name}\n{text}", encoding="utf-8")
            return stack.enter_context(
                Workspace(load_project(root, plugins.sections()), load_settings(environ))
            )

        yield open_it


@pytest.fixture(scope="session")
def fluent() -> ModuleType:
    """Return the MLflow client, imported once."""
    os.environ |= {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_ALLOW_FILE_STORE": "true"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlflow
    return mlflow


@contextmanager
def _tracking_at(mlflow: ModuleType, uri: str) -> Iterator[None]:
    # A client with an address of its own still asks the default one here and there, which else is a database in the
    # folder where the tests run.
    before = os.environ.get("MLFLOW_TRACKING_URI")
    mlflow.set_tracking_uri(uri)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(None)
        if before is not None:
            os.environ["MLFLOW_TRACKING_URI"] = before


def _fill(mlflow: ModuleType, uri: str) -> None:
    """Log what a project has at `uri`: experiments, runs, series, files, models, a prompt, and what was deleted."""
    with warnings.catch_warnings(), _tracking_at(mlflow, uri):
        warnings.simplefilter("ignore")
        client = mlflow.MlflowClient(uri, uri)
        experiment = client.create_experiment("flights", tags={"team": "arrivals"})
        client.delete_experiment(client.create_experiment("gone"))
        run = client.create_run(experiment, run_name="one", tags={"a": "b"}).info.run_id
        for step in range(30):
            client.log_metric(run, "loss", 1 / (step + 1), step=step, timestamp=1000 + step)
        client.log_metric(run, "loss", 0.25, step=3, timestamp=1003)
        client.log_metric(run, "undefined", float("nan"))
        client.log_metric(run, "deep/key", -2.5)
        client.log_param(run, "note", "two\nlines")
        client.set_tag(run, "deep/tag", "ünïcode")
        client.log_text(run, "hello", "notes/a.txt")
        source = mlflow.entities.Dataset("flights", "d1", "local", "{}")
        context = mlflow.entities.InputTag("mlflow.data.context", "train")
        client.log_inputs(run, [mlflow.entities.DatasetInput(source, [context])])
        model = client.create_logged_model(experiment, "late", run, {"p": "1"}, {"t": "2"})
        client.log_metric(run, "auc", 0.79, model_id=model.model_id)
        client.set_terminated(run)
        client.delete_run(client.create_run(experiment).info.run_id)
        folder = Path(str(model.artifact_location).removeprefix("file://"))
        # The client uploads by the same place; written here so that no upload waits for a model's flavour.
        if folder.is_absolute():
            folder.mkdir(parents=True)
            (folder / "MLmodel").write_text("flavors: {}\n", encoding="utf-8")
        client.finalize_logged_model(model.model_id, "READY")
        client.create_registered_model("late", tags={"x": "y"}, description="late?")
        client.create_model_version("late", model.artifact_location, run, model_id=model.model_id)
        client.set_registered_model_alias("late", "champion", "1")
        client.set_registered_model_alias("late", "production", "1")
        client.set_model_version_tag("late", "1", "k", "v")
        client.transition_model_version_stage("late", "1", "Staging")
        client.register_prompt("greet", "hi {{x}}")


@pytest.fixture(scope="session")
def fill() -> Callable[[ModuleType, str], None]:
    """Return the function that logs a whole project at an address."""
    return _fill


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory, fluent: ModuleType) -> Path:
    """Return a folder `mlruns` that the client wrote; tests that change it take a copy."""
    folder = tmp_path_factory.mktemp("written") / "mlruns"
    _fill(fluent, folder.as_uri())
    return folder
