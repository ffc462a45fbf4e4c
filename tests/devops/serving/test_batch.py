"""Claims about predicting many rows: same answers as the model, recorded like any request."""

from __future__ import annotations

import asyncio
import datetime as dt
from decimal import Decimal

import numpy as np
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route as StarletteRoute

from ropewalk.devops.serving import Supervisor, predict, routes
from ropewalk.devops.serving.errors import (
    BadPayload,
    DeploymentMissing,
    ModelNotServable,
    WorkerLost,
    WrongValue,
)
from ropewalk.devops.serving.segments import read_segments
from ropewalk.pipeline import Workspace

from .conftest import SavedModel, move_to


def rows(model: SavedModel, count: int, **more: object) -> list[dict[str, object]]:
    return [{**dict(zip(model.table.columns, row, strict=True)), **more} for row in model.rows(count)]


def test_rows_are_predicted_in_batches(workspace: Workspace, late_model: SavedModel) -> None:
    """Without a running server a worker is started for the occasion; every row is answered and recorded."""
    move_to(workspace, late_model, 3)

    found = predict(workspace, "late", rows(late_model, 3000))

    assert found.values == late_model.booster.predict(late_model.table).tolist()
    assert len(set(found.ids)) == 3000
    assert found.versions == [3]
    entries = list(read_segments(workspace.state / "predictions" / "late", {}))
    assert [len(entry.record.predictions) for entry in entries] == [2000, 1000]


def test_a_running_server_is_asked_by_its_address(workspace: Workspace, late_model: SavedModel) -> None:
    """With the address of `ropewalk up` its workers answer."""
    move_to(workspace, late_model, 3)

    async def scenario() -> list[object]:
        table = [StarletteRoute(r.path, r.endpoint, methods=[r.method]) for r in routes(workspace)]
        config = uvicorn.Config(Starlette(routes=table), port=0, log_config=None, lifespan="off")
        server = uvicorn.Server(config)
        async with Supervisor(workspace):
            serving = asyncio.create_task(server.serve())
            while not server.started:  # noqa: ASYNC110  # uvicorn has no event for it
                await asyncio.sleep(0.02)
            port = server.servers[0].sockets[0].getsockname()[1]
            url = f"http://127.0.0.1:{port}"
            found = await asyncio.to_thread(predict, workspace, "late", rows(late_model, 5), url=url)
            server.should_exit = True
            await serving
        return found.values

    assert asyncio.run(scenario()) == late_model.booster.predict(late_model.table.head(5)).tolist()


def test_wide_rows_are_sent_in_smaller_batches(workspace: Workspace, late_model: SavedModel) -> None:
    """A batch over the body limit is halved until it fits; the order of the answers stays."""
    move_to(workspace, late_model, 3)

    found = predict(workspace, "late", rows(late_model, 20, note="x" * 1_000_000))

    assert found.values == late_model.booster.predict(late_model.table.head(20)).tolist()
    entries = list(read_segments(workspace.state / "predictions" / "late", {}))
    assert [len(entry.record.predictions) for entry in entries] == [5, 5, 5, 5]


def test_values_of_python_and_numpy_are_understood(workspace: Workspace, late_model: SavedModel) -> None:
    """Decimals, dates and NumPy's scalars, as databases and DataFrames give them, go through; NaN is missing."""
    move_to(workspace, late_model, 3)
    (row,) = rows(
        late_model, 1, flight_id=np.int64(7), scheduled_at=dt.datetime.fromisoformat("2013-07-01 05:00")
    )
    row |= {"distance": Decimal("100.5"), "wind": float("nan")}

    found = predict(workspace, "late", [row])

    (entry,) = read_segments(workspace.state / "predictions" / "late", {})
    recorded = dict(zip(entry.record.names, [values[0] for values in entry.record.columns], strict=True))
    assert (recorded["flight_id"], recorded["scheduled_at"]) == (7, "2013-07-01T05:00:00")
    assert (recorded["distance"], recorded["wind"]) == (100.5, None)
    assert len(found.values) == 1


def test_the_workers_refusal_is_raised(workspace: Workspace, late_model: SavedModel) -> None:
    """A wrong value is the same error here as over HTTP, and says which batch it was in."""
    move_to(workspace, late_model, 3)
    bad = rows(late_model, 2001)
    bad[2000]["hour"] = "noon"

    with pytest.raises(WrongValue, match="row 0, column 'hour'") as caught:
        predict(workspace, "late", bad)

    assert caught.value.detail == "in the batch from row 2000 on"


def test_rows_of_different_columns_are_refused(workspace: Workspace, late_model: SavedModel) -> None:
    """A row that lacks a column is not filled up."""
    move_to(workspace, late_model, 3)

    with pytest.raises(WrongValue, match="no column 'extra'"):
        predict(workspace, "late", [*rows(late_model, 1, extra=1), *rows(late_model, 1)])


@pytest.mark.parametrize("value", [object(), {1}])
def test_what_cannot_be_sent_is_refused(workspace: Workspace, late_model: SavedModel, value: object) -> None:
    """A value without a JSON form is an error of ours, not of the encoder."""
    move_to(workspace, late_model, 3)

    with pytest.raises(WrongValue):
        predict(workspace, "late", rows(late_model, 1, extra=value))


def test_no_rows_are_refused(workspace: Workspace, late_model: SavedModel) -> None:
    """An empty table is said to be empty."""
    move_to(workspace, late_model, 3)

    with pytest.raises(BadPayload, match="no rows"):
        predict(workspace, "late", [])


def test_an_unknown_deployment_is_told(workspace: Workspace) -> None:
    """Before anything is deployed there is nothing to ask."""
    with pytest.raises(DeploymentMissing, match="no deployment 'late'"):
        predict(workspace, "late", [{"a": 1}])


def test_a_server_that_is_not_there_is_told(workspace: Workspace) -> None:
    """A wrong address is one sentence with a hint."""
    with pytest.raises(WorkerLost, match="no answer from") as caught:
        predict(workspace, "late", [{"a": 1}], url="http://127.0.0.1:9")

    assert caught.value.hint == "is `ropewalk up` running?"


def test_a_broken_model_is_told(workspace: Workspace, late_model: SavedModel) -> None:
    """The reason why the worker did not start reaches the caller."""
    move_to(workspace, late_model, 3)
    (workspace.state / "serving" / "late" / "3" / "MLmodel").unlink()

    with pytest.raises(ModelNotServable, match="no MLmodel file"):
        predict(workspace, "late", rows(late_model, 1))
