"""Ropewalk's tracking server beside `mlflow server --workers 1`: same data, same requests, same minutes.

    python -m benchmarks.tracking.compare [--mlflow PYTHON] [--only sqlite|postgresql|points] [--runs 50000]

CPU milliseconds per request are of the whole tree of each server's processes; a database server's own are not
counted. Each line holds our share of what stock takes against its goal. Without `--mlflow` only our figures appear.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.rig.goals import Goal, print_goals
from benchmarks.tracking.load import Client, Cost, prepare
from benchmarks.tracking.points import long_run
from benchmarks.tracking.seed import RUNS, Seeds, fill, our_tables, stock_tables
from benchmarks.tracking.servers import Engine, Place, Server, ours, stock
from tests.servers.database_server import DatabaseServer, running_server

if TYPE_CHECKING:
    from benchmarks.tracking.load import Request

# How many points the run has whose history is read, all of one key.
HISTORY = 30_000
PAGE = 25_000


@dataclass(frozen=True)
class Operation:
    """A kind of request.

    Attributes:
        name: what the table calls it.
        goal: how many times stock's CPU is to be ours; per engine.
        make: the request of that number, for the run of that id.
        times: how many are sent to ours, and to stock.
        times_on_server: the same on PostgreSQL, where it is not as on SQLite.
    """

    name: str
    goal: dict[Engine, float]
    make: Callable[[str, int], Request]
    times: tuple[int, int]
    times_on_server: tuple[int, int] | None = None

    def sent(self, engine: Engine) -> tuple[int, int]:
        """Return how many are sent to ours, and to stock."""
        return (self.times_on_server if engine == "postgresql" else None) or self.times


def _both(goal: float) -> dict[Engine, float]:
    return {"sqlite": goal, "postgresql": goal}


def _log_metric(run: str, number: int) -> Request:
    point = {"run_id": run, "key": "loss", "value": 0.5, "timestamp": 1_760_000_000_000, "step": number}
    return prepare("POST", "runs/log-metric", point)


def _log_batch(keys: int, of: str) -> Callable[[str, int], Request]:
    def make(run: str, number: int) -> Request:
        steps = 1000 // keys
        points = [
            {
                "key": f"{of}{key}",
                "value": key + step / 7,
                "timestamp": 1_760_000_000_000 + step,
                "step": step,
            }
            for key in range(keys)
            for step in range(number * steps, (number + 1) * steps)
        ]
        return prepare("POST", "runs/log-batch", {"run_id": run, "metrics": points})

    return make


def _create(_: str, number: int) -> Request:
    tags = [{"key": f"mlflow.tag{n}", "value": f"value {n}"} for n in range(4)]
    body = {"experiment_id": "0", "run_name": f"made-{number}", "start_time": 1_700_000_000_000, "tags": tags}
    return prepare("POST", "runs/create", body)


def _get(ids: list[str]) -> Callable[[str, int], Request]:
    return lambda _, number: prepare("GET", "runs/get", {"run_id": ids[number * 37 % len(ids)]})


def _filtered(_: str, number: int) -> Request:
    search = {
        "experiment_ids": ["0"],
        "filter": f"metrics.m0 > 0.5 and params.p0 = '{number % 10}'",
        "order_by": ["metrics.m1 DESC"],
        "max_results": 100,
    }
    return prepare("POST", "runs/search", search)


def _newest(_: str, __: int) -> Request:
    return prepare("POST", "runs/search", {"experiment_ids": ["0"], "max_results": 1000})


def _history(run: str, _: int) -> Request:
    query = {"run_id": run, "metric_key": "long", "max_results": PAGE}
    return prepare("GET", "metrics/get-history", query)


def operations(ids: list[str]) -> list[Operation]:
    """Return what is measured, in this order; reads find what the writes before them left."""
    return [
        Operation("log-metric", _both(8), _log_metric, (1000, 150)),
        Operation("log-batch, 1,000 points, 1 key", _both(30), _log_batch(1, "one"), (100, 10)),
        Operation("log-batch, 1,000 points, 100 keys", _both(30), _log_batch(100, "many"), (100, 10)),
        Operation("create-run", _both(6), _create, (500, 100)),
        Operation("get-run", _both(8), _get(ids), (1000, 150)),
        # On PostgreSQL so often that the clock of CPU time, which ticks a hundred times a second, counts for nothing.
        Operation(
            "search, filter and order", {"sqlite": 100, "postgresql": 25}, _filtered, (50, 2), (200, 20)
        ),
        Operation("search, newest 1,000", _both(10), _newest, (20, 3)),
        Operation("history, page of 25,000", _both(20), _history, (30, 3)),
    ]


def measured(
    engine: Engine, seeds: Seeds, python: Path | None, server: DatabaseServer | None, here: Path
) -> Iterator[Goal]:
    """Run every operation on both servers, one after the other, and yield a line for each."""
    with ExitStack() as running:
        mine = _seeded("ropewalk", running, here, server, seeds, None)
        theirs = _seeded("stock", running, here, server, seeds, python) if python else None
        clients = [Client(one) for one in (mine, theirs) if one]
        runs = [_begin(client) for client in clients]
        for operation in operations(seeds.ids):
            costs = [
                client.cost(partial(operation.make, run), times, min(5, times - 1))
                for client, run, times in zip(clients, runs, operation.sent(engine), strict=False)
            ]
            yield _goal(f"{engine}: {operation.name}", operation.goal[engine], costs)
        yield from _footprint(engine, mine, theirs)


def _begin(client: Client) -> str:
    """Return a new run with a long series, logged as clients log it."""
    made = client.call("POST", "runs/create", {"experiment_id": "0", "start_time": 1})["run"]["info"][
        "run_id"
    ]
    for number in range(HISTORY // 1000):
        points = [
            {"key": "long", "value": step / 3, "timestamp": 1_760_000_000_000 + step, "step": step}
            for step in range(number * 1000, (number + 1) * 1000)
        ]
        client.send(prepare("POST", "runs/log-batch", {"run_id": made, "metrics": points}))
    return str(made)


def _seeded(
    name: str,
    running: ExitStack,
    here: Path,
    server: DatabaseServer | None,
    seeds: Seeds,
    python: Path | None,
) -> Server:
    database = running.enter_context(server.database("template0")) if server else None
    place = Place(here / name, server.network_url(database) if server and database else None)
    # Started once to make its tables, filled, and started anew: what is counted begins with a filled database.
    with stock(python, place) if python else ours(place):
        pass
    file = place.folder / ("mlflow.db" if python else ".ropewalk/ropewalk.db")
    fill(place.url or file, stock_tables(seeds) if python else our_tables(seeds))
    return running.enter_context(stock(python, place) if python else ours(place))


def _goal(name: str, times: float, costs: list[Cost]) -> Goal:
    mine = costs[0]
    text = f"ropewalk {mine.cpu_ms:.2f} ms CPU, {mine.wall_ms:.1f} ms wall"
    if len(costs) == 1:
        return Goal(name, text, 0, 1 / times)
    other = costs[1]
    ratio = other.cpu_ms / max(mine.cpu_ms, 1e-3)
    return Goal(
        name,
        f"{ratio:.1f}x of {times:g}x: {text}; stock {other.cpu_ms:.1f}, {other.wall_ms:.1f}",
        1 / ratio,
        1 / times,
    )


def _footprint(engine: Engine, mine: Server, theirs: Server | None) -> Iterator[Goal]:
    yield Goal(f"{engine}: CPU until the first answer, s", f"ropewalk {mine.start_cpu:.2f} s"
               + (f", stock {theirs.start_cpu:.2f} s" if theirs else ""), mine.start_cpu, 1)  # fmt: skip
    if theirs:
        own, other = mine.memory(), theirs.memory()
        text = f"{other / own:.1f}x of 8x: ropewalk {own:.0f} MB, stock {other:.0f} MB after this load"
        yield Goal(f"{engine}: memory", text, own / other, 1 / 8)


def main() -> None:
    """Measure what the command line asks for, and print it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--mlflow", type=lambda text: Path(text).absolute(), help="a Python with mlflow")
    parser.add_argument("--only", action="append", choices=("sqlite", "postgresql", "points"))
    parser.add_argument("--runs", type=int, default=RUNS)
    options = parser.parse_args()
    wanted = options.only or ["sqlite", "postgresql", "points"]
    engines: tuple[Engine, ...] = ("sqlite", "postgresql")
    measures: list[Callable[[Path], Iterator[Goal]]] = [
        partial(_on, engine, options.runs, options.mlflow) for engine in engines if engine in wanted
    ]
    if "points" in wanted:
        measures.append(long_run)
    print_goals(measures)


def _on(engine: Engine, runs: int, python: Path | None, here: Path) -> Iterator[Goal]:
    with running_server() if engine == "postgresql" else nullcontext() as server:
        yield from measured(engine, Seeds(runs), python, server, here / engine)


if __name__ == "__main__":
    main()
