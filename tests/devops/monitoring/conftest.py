"""Predictions and outcomes in a plain DuckDB, shaped as the lake has them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import duckdb
import numpy as np
import pandas as pd
import pytest

from ropewalk.devops.monitoring.section import Period
from ropewalk.devops.monitoring.sql import Sources, table_source
from ropewalk.store.monitoring import WindowRow


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

    def sources(self, by: Period = "month", time_type: str = "VARCHAR") -> Sources:
        """Return where figures are to be computed from."""
        return Sources(
            predictions=table_source("predictions.late"),
            labels=table_source("mart.outcomes"),
            key="flight_id",
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
            "model_version": "late/1",
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
