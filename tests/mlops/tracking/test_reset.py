"""The door for suites of tests: it empties the server, and is there only when it is asked for."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from ropewalk.mlops import registry
from ropewalk.mlops.tracking import (
    application,
    create_run,
    list_experiments,
    log_metrics,
    reset_routes,
    routes,
)
from ropewalk.mlops.tracking.logged_models import create_logged_model
from ropewalk.pipeline import Workspace
from ropewalk.store.tracking.logged_models import NewLoggedModel
from ropewalk.store.tracking.reset import TABLES

MIGRATIONS = Path(__file__).parents[3] / "src/ropewalk/store/migrations"
# Tracking, registry, traces, evaluation and gateway: what clients of the protocol write.
EMPTIED = ("0003", "0004", "0010", "0011", "0014", "0015", "0016")

Ask = Callable[..., httpx.Response]


@pytest.fixture
def ask(workspace: Workspace) -> Ask:
    """Return a function that asks the routes, with the door among them."""
    transport = httpx.ASGITransport(application([*routes(workspace), *reset_routes(workspace)]))

    def ask(method: str, path: str, **more: Any) -> httpx.Response:
        async def send() -> httpx.Response:
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
                return await client.request(method, path, **more)

        return asyncio.run(send())

    return ask


def test_reset(workspace: Workspace, ask: Ask) -> None:
    """After it there is one experiment, `Default`, and nothing else."""
    run = create_run(workspace, "training", "train", {"a": "b"}, {"depth": "6"})
    log_metrics(workspace, run, {"auc": 0.8})
    model = create_logged_model(workspace, NewLoggedModel("", "0", "m", None, run), {"p": "1"}, {"t": "1"})
    registry.register(workspace, "late", model.id, run, "key", "digest", {}, {"a": "b"})
    registry.set_alias(workspace, "late", "champion", "1")

    assert ask("POST", "/-/reset").status_code == 204

    assert [(found.id, found.name) for found in list_experiments(workspace)] == [("0", "Default")]
    assert registry.list_models(workspace) == []
    search = ask("POST", "/api/2.0/mlflow/runs/search", json={"experiment_ids": ["0", "1", "2"]})
    assert search.json() == {}


def test_default_is_active_again(workspace: Workspace, ask: Ask) -> None:
    """Also when it had been renamed and deleted."""
    ask("POST", "/api/2.0/mlflow/experiments/update", json={"experiment_id": "0", "new_name": "Other"})
    ask("POST", "/api/2.0/mlflow/experiments/delete", json={"experiment_id": "0"})

    ask("POST", "/-/reset")

    found = ask("GET", "/api/2.0/mlflow/experiments/get", params={"experiment_id": "0"}).json()["experiment"]
    assert (found["name"], found["lifecycle_stage"]) == ("Default", "active")


def test_other_pages_cannot_reach_it(ask: Ask) -> None:
    """A page from elsewhere does not empty the server."""
    assert ask("POST", "/-/reset", headers={"origin": "https://evil.example"}).status_code == 403


def test_it_is_not_there_otherwise(workspace: Workspace) -> None:
    """Without being asked for there is no such route."""
    assert not [route for route in routes(workspace) if route.path.startswith("/-/")]


def test_every_table_is_emptied() -> None:
    """A table that a migration adds to tracking or registry is emptied too."""
    files = [file for file in MIGRATIONS.glob("*.sql") if file.name.startswith(EMPTIED)]
    made = {name for file in files for name in re.findall(r"CREATE TABLE (\w+)", file.read_text())}

    assert made - {*TABLES} == {"experiment"}
    assert {*TABLES} <= made


def test_ids_begin_again(workspace: Workspace, ask: Ask) -> None:
    """A suite finds the ids that it found the time before."""
    made = []
    for _ in range(2):
        ask("POST", "/-/reset")
        answer = ask("POST", "/api/2.0/mlflow/experiments/create", json={"name": "first"})
        made.append(answer.json()["experiment_id"])

    assert made == ["1", "1"]
