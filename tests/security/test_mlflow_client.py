"""The unmodified MLflow client with a token: in the variable it has for that, and as a password."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from types import ModuleType

import pytest


@pytest.fixture
def mlflow(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """Return the client, pointed at the guarded project, showing nothing yet."""
    os.environ |= {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlflow
    for name in ("TOKEN", "USERNAME", "PASSWORD"):
        monkeypatch.delenv(f"MLFLOW_TRACKING_{name}", raising=False)
    mlflow.set_tracking_uri(url)
    yield mlflow
    while mlflow.active_run():
        mlflow.end_run()


def test_token(mlflow: ModuleType, tokens: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's token logs a run with a metric and a file, and finds it again."""
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", tokens["developer"])

    with mlflow.start_run() as run:
        mlflow.log_metric("auc", 0.77)
        mlflow.log_text("fine", "note.txt")

    assert mlflow.get_run(run.info.run_id).data.metrics == {"auc": 0.77}
    assert mlflow.artifacts.load_text(f"{run.info.artifact_uri}/note.txt") == "fine"


def test_password(mlflow: ModuleType, tokens: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A token is a password for clients that know only users."""
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "a_reporter")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", tokens["reporter"])

    assert mlflow.get_experiment("0").name == "Default"
    with pytest.raises(mlflow.exceptions.MlflowException, match="may not write"):
        mlflow.create_experiment("x")


def test_nothing_shown(mlflow: ModuleType) -> None:
    """Without either the client says what is missing."""
    with pytest.raises(mlflow.exceptions.MlflowException, match="MLFLOW_TRACKING_TOKEN"):
        mlflow.get_experiment("0")


def test_deleting_takes_more(
    mlflow: ModuleType, tokens: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A developer makes a model and only a maintainer removes it."""
    client = mlflow.MlflowClient()
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", tokens["developer"])
    client.create_registered_model("shared")
    with pytest.raises(mlflow.exceptions.MlflowException, match="may not delete"):
        client.delete_registered_model("shared")

    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", tokens["maintainer"])
    client.delete_registered_model("shared")
