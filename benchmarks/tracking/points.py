"""Ten million points of one run: how long a page of them, and the thinned-out series of a chart, take."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.rig.goals import Goal
from benchmarks.tracking.load import Client, Request, prepare
from benchmarks.tracking.servers import Place, ours

from ropewalk.mlops.tracking.wire.places import place_token
from ropewalk.pipeline import Workspace
from ropewalk.project import load_project
from ropewalk.settings import load_settings
from ropewalk.store import Database
from ropewalk.store.tracking.metrics import append_metrics
from ropewalk.store.tracking.runs import NewRun, insert_run
from ropewalk.store.tracking.segments import Point
from ropewalk.store.tracking.values import Metric

POINTS, BATCH, TRANSACTION = 10_000_000, 1_000, 200
NOW = 1_760_000_000_000
PAGE = 25_000
TIMES = 7


def long_run(here: Path) -> Iterator[Goal]:
    """Log the points through the store, then read them over HTTP: pages from everywhere, and charts of any width."""
    place = Place(here / "points")
    with ours(place):
        pass
    began = time.process_time()
    _log(place.folder / ".ropewalk/ropewalk.db")
    cpu = (time.process_time() - began) / POINTS * 1e6
    yield Goal("points: logging one", f"{cpu:.2f} µs of CPU in the store, merging included", cpu, 3)
    with ours(place) as server:
        client = Client(server)
        for name, request in _readings(place).items():
            client.send(request)
            walls = sorted(_wall(client, request) for _ in range(TIMES))
            middle = walls[TIMES // 2]
            text = f"{middle:.0f} ms of {TIMES} readings, {walls[0]:.0f} to {walls[-1]:.0f}"
            yield Goal(f"points: {name}", text, middle, 100)
        yield Goal("points: memory", f"{server.memory():.0f} MB after these", server.memory(), 250)


def _log(path: Path) -> None:
    database = Database.open(path)
    with database.write() as connection:
        run = insert_run(connection, NewRun("long", "0", "long", "bench", NOW))
    for first in range(0, POINTS, BATCH * TRANSACTION):
        with database.write() as connection:
            for start in range(first, first + BATCH * TRANSACTION, BATCH):
                points = map(_point, range(start, start + BATCH))
                batch = [Metric("loss", value, step, time) for step, time, value in points]
                append_metrics(connection, run, batch)
    database.close()


def _point(step: int) -> Point:
    return step, NOW + step, step % 977 / 7


def _readings(place: Place) -> dict[str, Request]:
    history = {"run_id": "long", "metric_key": "loss", "max_results": PAGE}
    chart = {"run_ids": "long", "metric_key": "loss", "max_results": 2_500}
    found = {"first page of 25,000": prepare("GET", "metrics/get-history", history)}
    # As the server itself would sign them, had it just given out the page before.
    with Workspace(load_project(place.folder, []), load_settings({})) as workspace:
        for name, step in (("middle", POINTS // 2), ("last", POINTS - PAGE - 1)):
            token = place_token(workspace, _point(step), "long", "loss")
            asked = {**history, "page_token": token}
            found[f"{name} page of 25,000"] = prepare("GET", "metrics/get-history", asked)
    found["chart of all"] = prepare("GET", "metrics/get-history-bulk-interval", chart)
    for width in (1_000_000, 500_000, 40_000):
        steps = {"start_step": POINTS // 3, "end_step": POINTS // 3 + width}
        found[f"chart of {width:,} steps"] = prepare(
            "GET", "metrics/get-history-bulk-interval", {**chart, **steps}
        )
    return found


def _wall(client: Client, request: Request) -> float:
    started = time.perf_counter()
    client.send(request)
    return (time.perf_counter() - started) * 1e3
