"""What a row says of itself is true: reading rows write nothing, and every route says what it needs."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec
import pytest

from ropewalk.errors import RopewalkError
from ropewalk.mlops import registry
from ropewalk.mlops.tracking import create_run, get_run, log_metrics, routes
from ropewalk.mlops.tracking.logged_models import create_logged_model
from ropewalk.mlops.tracking.rows.row import Row
from ropewalk.mlops.tracking.rows.table import TABLES
from ropewalk.pipeline import Workspace
from ropewalk.routes import Permission
from ropewalk.store.tracking.logged_models import NewLoggedModel

ROWS: list[Row[Any]] = [row for table in TABLES for row in table]
READS = [row for row in ROWS if row.permission is Permission.READ]
WRITES = [row for row in ROWS if row.permission is Permission.WRITE]


@pytest.fixture(scope="module")
def known(workspace: Workspace) -> dict[str, Any]:
    """Return values of a request that name things that are there."""
    run = get_run(workspace, create_run(workspace, "training", "train", {}, {"depth": "6"}))
    log_metrics(workspace, run.id, {"auc": 0.79})
    new = NewLoggedModel("", run.experiment_id, "model", None, run.id)
    model = create_logged_model(workspace, new, {}, {})
    version = registry.register(workspace, "late", model.id, run.id, "key", "digest", {}, {"a": "b"})
    registry.set_alias(workspace, "late", "champion", version.version)
    return {
        "run_id": run.id,
        "run_ids": [run.id],
        "experiment_id": run.experiment_id,
        "experiment_ids": [run.experiment_id],
        "experiment_name": "training",
        "metric_key": "auc",
        "model_id": model.id,
        "max_results": 10,
        "name": "late",
        "version": version.version,
        "alias": "champion",
    }


def _asked(row: Row[Any], values: dict[str, Any]) -> Any:
    names = {field.name for field in msgspec.structs.fields(row.asked)}
    asked = row.asked(**{name: value for name, value in values.items() if name in names})
    if "history-bulk" in row.path and "run_id" in names:
        asked.run_id = [values.get("run_id", "x")]
    return asked


def _changes(workspace: Workspace) -> int:
    """Return how many rows this thread's connection has written, also in what it took back."""
    with workspace.database.read() as connection:
        if not isinstance(connection, sqlite3.Connection):
            pytest.skip("only SQLite counts what it has written")
        return connection.total_changes


@pytest.mark.parametrize("row", READS, ids=lambda row: f"{row.method} {row.path}")
def test_reading_rows_write_nothing(workspace: Workspace, known: dict[str, Any], row: Row[Any]) -> None:
    """Whoever may only read changes nothing, by any row that asks for no more than reading."""
    before = _changes(workspace)

    answer = row.respond(workspace, _asked(row, known))

    assert answer is not None
    assert _changes(workspace) == before


@pytest.mark.parametrize("row", READS, ids=lambda row: f"{row.method} {row.path}")
def test_refused_reading_writes_nothing(workspace: Workspace, row: Row[Any]) -> None:
    """A search or look-up that finds nothing leaves nothing, not even the name that was asked for."""
    before = _changes(workspace)

    with suppress(RopewalkError):
        row.respond(workspace, _asked(row, {"name": "x", "metric_key": "new", "run_id": "x"}))

    assert _changes(workspace) == before


def test_only_searches_are_posted_with_reading() -> None:
    """A POST that needs no more than reading is a search, whose filter does not fit into a query."""
    posted = {row.path.removeprefix("/mlflow/") for row in READS if row.method != "GET"}

    assert posted == {
        "experiments/search",
        "experiments/search-datasets",
        "runs/search",
        "logged-models/search",
        "registered-models/get-latest-versions",
    }


def test_nothing_is_written_with_get() -> None:
    """A link on a page, which a browser follows without asking, changes nothing."""
    assert [row.path for row in WRITES if row.method == "GET"] == []


@pytest.mark.parametrize("permission", [Permission.ADMINISTER, Permission.PREDICT])
def test_permissions_of_other_rooms(workspace: Workspace, permission: Permission) -> None:
    """The protocol neither administers nor predicts."""
    assert [route.path for route in routes(workspace) if route.permission is permission] == []


def test_every_row_is_served(workspace: Workspace) -> None:
    """No row is left out of the table, with the permission that it names."""
    served = {(route.method, route.path): route.permission for route in routes(workspace)}
    prefixed: Callable[[Row[Any]], tuple[str, str]] = lambda row: (row.method, f"/api/2.0{row.path}")  # noqa: E731

    assert {prefixed(row): row.permission for row in ROWS}.items() <= served.items()
