"""Real LightGBM models, saved once per session by MLflow, and workers started on them."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import lightgbm
import numpy as np
import pandas as pd
import pytest
from blank_state import add_database

from ropewalk import plugins
from ropewalk.devops.serving import Deployment, Target
from ropewalk.devops.serving.process import SocketFolder, WorkerProcess
from ropewalk.devops.serving.segments import SegmentHeader
from ropewalk.devops.serving.words import WorkerSpec
from ropewalk.pipeline import Output, Workspace
from ropewalk.project import load_project
from ropewalk.settings import load_settings
from ropewalk.store.artifacts import Artifact
from ropewalk.store.deployments import current_deployment, move_deployment
from ropewalk.store.pipeline import ActionRow, RunRow, record_action, start_run
from ropewalk.store.registry import NewVersion, find_model, insert_model, insert_version

HEADER = SegmentHeader(
    "late", "late", 3, "flight_id", {"hour": "long", "distance": "double", "carrier": "string"}
)


@dataclass(frozen=True)
class SavedModel:
    """A booster with the table it was trained on, and the MLmodel folder it was saved to."""

    folder: Path
    booster: lightgbm.Booster
    table: pd.DataFrame

    def rows(self, count: int, start: int = 0) -> list[list[object]]:
        """The first rows as a JSON client would send them."""
        plain = self.table.iloc[start : start + count].astype(object)
        return plain.where(plain.notna(), None).to_numpy().tolist()

    def split(self, count: int, start: int = 0) -> dict[str, object]:
        """The first rows as a payload of MLflow's split shape."""
        return {"dataframe_split": {"columns": list(self.table.columns), "data": self.rows(count, start)}}


def flights(count: int = 3000) -> tuple[pd.DataFrame, np.ndarray]:
    """Flights with categories of text and of numbers, missing values and flags, and whether each was late."""
    random = np.random.default_rng(7)
    table = pd.DataFrame(
        {
            "hour": random.integers(0, 24, count),
            "distance": random.normal(1000, 300, count),
            "carrier": pd.Categorical(random.choice(["UA", "AA", "DL", "B6"], count)),
            "month": pd.Categorical(random.integers(1, 13, count)),
            "wind": random.normal(10, 3, count).astype("float32"),
            "is_hub": random.random(count) < 0.5,
        }
    )
    table.loc[random.random(count) < 0.1, "wind"] = np.nan
    table.loc[random.random(count) < 0.05, "carrier"] = np.nan
    noise = random.random(count) < 0.1
    return table, ((table.distance > 1000) ^ (table.carrier == "UA") ^ noise).to_numpy().astype(int)


def save(folder: Path, model: object, table: object, **options: object) -> None:
    """Save a model with MLflow, its signature and an input example."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlflow.lightgbm
        from mlflow.models import infer_signature

        mlflow.lightgbm.save_model(
            model,
            str(folder),
            signature=infer_signature(table, model.predict(table)),
            pip_requirements=["lightgbm"],
            **options,
        )


@pytest.fixture(scope="session")
def late_model(tmp_path_factory: pytest.TempPathFactory) -> SavedModel:
    """Return the model most tests use: a booster with categories, missing values and flags."""
    folder = tmp_path_factory.mktemp("late") / "model"
    table, late = flights()
    booster = lightgbm.train({"objective": "binary", "verbosity": -1}, lightgbm.Dataset(table, late), 40)
    save(folder, booster, table, input_example=table.head(2))
    return SavedModel(folder, booster, table)


@pytest.fixture(scope="session")
def later_model(tmp_path_factory: pytest.TempPathFactory) -> SavedModel:
    """Return another version of it, which answers otherwise."""
    folder = tmp_path_factory.mktemp("later") / "model"
    table, late = flights()
    booster = lightgbm.train({"objective": "binary", "verbosity": -1}, lightgbm.Dataset(table, 1 - late), 10)
    save(folder, booster, table)
    return SavedModel(folder, booster, table)


@dataclass(frozen=True)
class RunningWorker:
    """A worker with a client for its socket and the folder of its segments."""

    process: WorkerProcess
    client: httpx.Client
    predictions: Path


StartWorker = Callable[[Path], RunningWorker]


@contextmanager
def running_worker(folder: Path, here: Path) -> Iterator[RunningWorker]:
    """Start a worker on an MLmodel folder, with its files below `here`."""
    with ExitStack() as stack:
        socket = str(stack.enter_context(SocketFolder(here)) / "0.sock")
        spec = WorkerSpec(str(folder), os.getpid(), socket, str(here / "p"), "late", "late", 3, "flight_id")
        process = stack.enter_context(WorkerProcess(spec, here / "worker.log"))
        process.wait_ready()
        transport = httpx.HTTPTransport(uds=socket)
        client = stack.enter_context(httpx.Client(transport=transport, base_url="http://worker"))
        yield RunningWorker(process, client, here / "p")


@pytest.fixture
def start_worker(tmp_path: Path) -> Iterator[StartWorker]:
    """Return a function that starts a worker of the test's own on an MLmodel folder."""
    with ExitStack() as stack:
        yield lambda folder: stack.enter_context(running_worker(folder, tmp_path))


@pytest.fixture(scope="module")
def worker(late_model: SavedModel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningWorker]:
    """Return a worker that the tests of a module share."""
    with running_worker(late_model.folder, tmp_path_factory.mktemp("worker")) as found:
        yield found


@pytest.fixture
def workspace(tmp_path: Path, environ: dict[str, str]) -> Iterator[Workspace]:
    """Return an open project that declares the deployment `late`."""
    (tmp_path / "project").mkdir()
    text = "project: test\ndeploy:\n  late: {key: flight_id}\n"
    (tmp_path / "project" / "ropewalk.yaml").write_text(text)
    if not environ:
        add_database(tmp_path / "project/.ropewalk/ropewalk.db")
    with Workspace(load_project(tmp_path / "project", plugins.sections()), load_settings(environ)) as found:
        yield found


OpenIn = Callable[[str], Workspace]


@pytest.fixture
def open_in(workspace: Workspace, environ: dict[str, str]) -> Iterator[OpenIn]:
    """Return a function that opens the project of `workspace` in an environment of that name."""
    with ExitStack() as stack:

        def open_it(environment: str) -> Workspace:
            project = load_project(workspace.root, plugins.sections())
            settings = load_settings({**environ, "ROPEWALK_ENVIRONMENT": environment})
            return stack.enter_context(Workspace(project, settings))

        yield open_it


def record(workspace: Workspace, node: str, key: str, output: Output) -> None:
    """Record an execution of a node, current in the workspace's environment."""
    environment = workspace.settings.environment
    start_run(workspace.database, RunRow(f"run of {key}", environment, "running", None, None, False, 0, None))
    text = json.dumps(dataclasses.asdict(output))
    row = ActionRow(key, key, node, {}, {}, {}, text, f"run of {key}", 0, 0, 0)
    with workspace.database.write() as connection:
        record_action(connection, row, environment)


def declare(workspace: Workspace, *names: str) -> None:
    """Write deployments of these names into the project file, in place of those it had."""
    lines = "".join(f"  {name}: {{key: flight_id}}\n" for name in names)
    text = f"project: test\ndeploy:\n{lines}" if names else "project: test\n"
    (workspace.root / "ropewalk.yaml").write_text(text)


def place_version(workspace: Workspace, model: SavedModel, version: int) -> Target:
    """Put a saved model where a workspace keeps the files of a registered version; return it as a target."""
    shutil.copytree(model.folder, workspace.state / "serving" / "late" / str(version))
    return Target("late", version, f"digest-{version}", "flight_id")


def move_to(workspace: Workspace, model: SavedModel, version: int, name: str = "late") -> Deployment:
    """Point a deployment at a saved model, as `deploy` does after its trial."""
    target = place_version(workspace, model, version)
    environment = workspace.settings.environment
    before = current_deployment(workspace.database, environment, name)
    expected = before.revision if before else 0
    return move_deployment(workspace.database, environment, name, target, expected=expected)


def register_version(workspace: Workspace, model: SavedModel, name: str = "late") -> Target:
    """Put a saved model's files into the object store and register them as the next version."""
    paths = [path for path in sorted(model.folder.rglob("*")) if path.is_file()]
    stored = {path: workspace.objects.put_file(path) for path in paths}
    files = [
        Artifact(path.relative_to(model.folder).as_posix(), o.digest, o.size) for path, o in stored.items()
    ]
    with workspace.database.write() as connection:
        if find_model(connection, name) is None:
            insert_model(connection, name, None, {})
        # The same content has the same digest, in whatever version it stands.
        digest = f"digest of {model.folder.parent.name}"
        new = NewVersion(name, "models:/m-1", "mlflow-artifacts:/models/m-1", digest)
        version = insert_version(connection, new, files)
    return Target(name, int(version), digest, "flight_id")
