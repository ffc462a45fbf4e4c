"""Predictions and outcomes in a plain DuckDB, shaped as the lake has them."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from ropewalk import plugins
from ropewalk.dataops.lake import open_lake
from ropewalk.devops.monitoring import MonitorKind
from ropewalk.devops.monitoring.section import Period
from ropewalk.devops.monitoring.sql import Sources, table_source
from ropewalk.devops.serving.segments import Record, SegmentHeader, SegmentWriter
from ropewalk.mlops.registry import register
from ropewalk.mlops.tracking import create_run, get_run
from ropewalk.mlops.tracking.artifacts import proxied_path
from ropewalk.mlops.tracking.logged_models import create_logged_model
from ropewalk.pipeline import Output, Task, Workspace
from ropewalk.project import load_project
from ropewalk.settings import load_settings
from ropewalk.store.artifacts import Artifact, put_artifact
from ropewalk.store.monitoring import WindowRow
from ropewalk.store.tracking.logged_models import NewLoggedModel


@dataclass
class Served:
    """What a deployment answered and what became of it, as frames and as tables of a connection."""

    connection: duckdb.DuckDBPyConnection
    predictions: pd.DataFrame
    outcomes: pd.DataFrame

    def reload(self) -> None:
        """Bring the tables up to date with the frames."""
        frames = {"predictions.late": self.predictions, "mart.outcomes": self.outcomes}
        for table, frame in frames.items():
            self.connection.register("frame", frame)
            self.connection.execute(f"CREATE OR REPLACE TABLE {table} AS FROM frame")
            self.connection.unregister("frame")

    def sources(self, by: Period = "month", time_type: str = "VARCHAR", key_as_text: bool = False) -> Sources:
        """Return where figures are to be computed from."""
        return Sources(
            model="late",
            predictions=table_source("predictions.late"),
            labels=table_source("mart.outcomes"),
            key="flight_id",
            key_as_text=key_as_text,
            label="late",
            time="scheduled_at",
            time_type=time_type,
            by=by,
        )


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """Return a connection with the schemas of a lake."""
    with duckdb.connect() as opened:
        opened.execute("CREATE SCHEMA predictions; CREATE SCHEMA mart; CREATE SCHEMA training")
        yield opened


@pytest.fixture
def served(connection: duckdb.DuckDBPyConnection) -> Served:
    """Return 3,000 predictions over July to September 2013, with an outcome for each."""
    random = np.random.default_rng(20130701)
    moments = pd.Timestamp("2013-07-01") + pd.to_timedelta(random.integers(0, 92 * 24, 3000), unit="h")
    # Rounded, so that ties are common.
    predicted = np.round(random.beta(2, 5, 3000), 2)
    predictions = pd.DataFrame(
        {
            "prediction_id": [f"r{i}-0" for i in range(3000)],
            "request_id": [f"r{i}" for i in range(3000)],
            "model": "late",
            "model_version": 1,
            "prediction": predicted,
            "flight_id": np.arange(3000),
            "scheduled_at": moments.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "wind": np.where(random.random(3000) < 0.1, None, random.gamma(2, 5, 3000)),
            "carrier": random.choice(["UA", "DL", "AA", "F9"], 3000, p=[0.5, 0.3, 0.15, 0.05]),
        }
    )
    outcomes = pd.DataFrame({"flight_id": np.arange(3000), "late": random.random(3000) < predicted})
    found = Served(connection, predictions, outcomes)
    found.reload()
    return found


def window(**figures: object) -> WindowRow:
    """Return the row of one window, measured and unremarkable but for `figures`."""
    usual: dict[str, object] = {
        "deployment": "late",
        "name": "2013-09",
        "starts_at": 1_377_993_600_000,
        "model_version": "late/1",
        "predictions": 1000,
        "labelled": 1000,
        "quality": "measured",
        "mean_prediction": 0.2,
        "positive_rate": 0.2,
        "reference_rate": 0.2,
        "auc": 0.77,
        "worst_psi": 0.1,
        "worst_column": "wind",
    }
    return WindowRow(**{**usual, **figures})  # type: ignore[arg-type]


@pytest.fixture
def make_window() -> object:
    """Return the function that makes a window's row."""
    return window


PROJECT = """\
project: test
monitor:
  late:
    time: scheduled_at
    labels: {table: mart.outcomes, key: flight_id, column: late}
    limits: {psi: 0.25, auc: {min: 0.6}, rate_shift: 0.1}
"""
SIGNATURE = [
    {"type": "double", "name": "wind", "required": False},
    {"type": "string", "name": "carrier", "required": False},
    {"type": "double", "name": "computed_by_the_step", "required": False},
]


class Watched:
    """A project with a registered model, whose deployment can be asked and watched."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.random = np.random.default_rng(2013)
        self.training = self._flights(4000)
        self.known: list[dict[str, object]] = []
        self.asked = 0
        (self.node,) = MonitorKind().declare(workspace.project)

    def prepare(self) -> None:
        """Store what the model is trained on and an outcome of long ago, and register version 1."""
        self.store("training.flights", self.training)
        self.store("mart.outcomes", pd.DataFrame({"flight_id": [-1], "late": [False]}))
        self.register([self.trained_on("training.flights")])

    def _flights(self, rows: int) -> pd.DataFrame:
        wind = self.random.gamma(2, 5, rows)
        carrier = self.random.choice(["UA", "DL", "AA"], rows)
        chance = np.round(1 / (1 + np.exp(3 - wind / 8)), 3)
        late = self.random.random(rows) < chance
        return pd.DataFrame({"wind": wind, "carrier": carrier, "prediction": chance, "late": late})

    def store(self, table: str, frame: pd.DataFrame) -> None:
        """Write a table of the lake."""
        with open_lake(self.workspace).transaction("test") as transaction:
            transaction.connection.register("frame", frame)
            transaction.replace(table, "SELECT * FROM frame")
            transaction.connection.unregister("frame")

    def trained_on(self, table: str) -> dict[str, object]:
        """Return the lineage of a table as it is now."""
        return {"table": table, "snapshot": open_lake(self.workspace).snapshot(), "digest": "d"}

    def register(
        self,
        inputs: list[dict[str, object]],
        mlmodel: Mapping[str, object] | None = None,
        model: str = "late",
    ) -> int:
        """Register a model version that was trained on `inputs` and return its number."""
        signed = {"signature": {"inputs": json.dumps(SIGNATURE)}}
        run_id, model_id = log_model(self.workspace, signed if mlmodel is None else mlmodel)
        version = register(
            self.workspace,
            model,
            model_id=model_id,
            run_id=run_id,
            node_key="key",
            digest=f"digest of {model_id}",
            metrics={},
            tags={"ropewalk.inputs": json.dumps(inputs)},
        )
        return int(version.version)

    def predict(
        self,
        month: str | None,
        rows: int,
        *,
        wind_factor: float = 1,
        version: int = 1,
        model: str = "late",
    ) -> pd.DataFrame:
        """Answer requests as a worker does: append them to a segment of its own."""
        frame = self._flights(rows)
        frame["wind"] *= wind_factor
        ids = list(range(self.asked, self.asked + rows))
        self.asked += rows
        self.known += [
            {"flight_id": i, "late": bool(late)} for i, late in zip(ids, frame["late"], strict=True)
        ]
        header = SegmentHeader("late", model, version, "flight_id", {"wind": "double", "carrier": "string"})
        writer = SegmentWriter(self.workspace.state / "predictions" / "late", header)
        time = None if month is None else f"{month}-15T12:00:00Z"
        names = ["flight_id", "scheduled_at", "wind", "carrier"]
        columns = [ids, [time] * rows, frame["wind"].tolist(), frame["carrier"].tolist()]
        if rows:
            writer.append(Record(f"r{self.asked}", 1, names, columns, frame["prediction"].tolist()))
        writer.close()
        return frame

    def learn_outcomes(self) -> None:
        """Let the outcomes of all that was predicted arrive."""
        self.store("mart.outcomes", pd.DataFrame(self.known))

    def forget_profiles(self) -> None:
        """Lose the kept reference profiles."""
        with self.workspace.database.write() as connection:
            connection.execute("DELETE FROM reference_profile")

    def execute(self, labels_id: str = "table:mart.outcomes", **changes: object) -> Output:
        """Run the monitor, its declaration or that of its labels changed by `changes`."""
        monitor = self.node.spec
        ours = {name: changes.pop(name) for name in ("time", "by", "ignore") if name in changes}
        spec = monitor.model_copy(update={**ours, "labels": monitor.labels.model_copy(update=changes)})
        deployed = Output("d", "deployment:late@1", {"model": "late", "version": 1, "key": "flight_id"})
        newest = f"snapshot:{changes.pop('snapshot', open_lake(self.workspace).snapshot())}"
        return MonitorKind().execute(
            Task(
                node=dataclasses.replace(self.node, spec=spec),
                key="key",
                inputs={"deployment:late": deployed, "mart.outcomes": Output("d", newest)},
                input_ids={"deployment:late": "deployment:late", "mart.outcomes": labels_id},
                run_id="run",
                workspace=self.workspace,
                report=lambda *_: None,
            )
        )

    def probe(self) -> Mapping[str, str]:
        """Return the outside facts as the next plan sees them."""
        return MonitorKind().probe(self.node, self.workspace, None).facts


def log_model(workspace: Workspace, mlmodel: Mapping[str, object]) -> tuple[str, str]:
    """Log a model that is nothing but its MLmodel file; return its run's and its own id."""
    run_id = create_run(workspace, "test", "train", {}, {})
    experiment = get_run(workspace, run_id).experiment_id
    new = NewLoggedModel(id="", experiment_id=experiment, name="model", model_type=None, source_run_id=run_id)
    model = create_logged_model(workspace, new, {}, {})
    stored = workspace.objects.put_bytes(json.dumps(mlmodel).encode())
    folder = proxied_path(model.artifact_uri)
    with workspace.database.write() as database:
        put_artifact(database, Artifact(f"{folder}/MLmodel", stored.digest, stored.size))
    return run_id, model.id


@pytest.fixture(scope="session")
def prepared(tmp_path_factory) -> Path:
    """Return a project with a model in the registry and nothing predicted yet; tests work on copies of it."""
    root = tmp_path_factory.mktemp("prepared")
    (root / "ropewalk.yaml").write_text(PROJECT)
    with Workspace(load_project(root, plugins.sections()), load_settings({})) as workspace:
        Watched(workspace).prepare()
    return root


@pytest.fixture
def watched(prepared, tmp_path) -> Iterator[Watched]:
    """Return a copy of the prepared project, opened."""
    root = Path(shutil.copytree(prepared, tmp_path / "project"))
    with Workspace(load_project(root, plugins.sections()), load_settings({})) as workspace:
        yield Watched(workspace)
