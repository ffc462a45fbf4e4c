"""The protocol's rows that read one metric of several runs, whole or thinned out to what a chart can show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from ropewalk.mlops.tracking import runs
from ropewalk.mlops.tracking.errors import InvalidRequest
from ropewalk.mlops.tracking.rows.row import Row
from ropewalk.mlops.tracking.wire import compat
from ropewalk.mlops.tracking.wire import models as wire
from ropewalk.mlops.tracking.wire import requests as ask
from ropewalk.pipeline import Workspace
from ropewalk.routes import Permission
from ropewalk.store.tracking.segments import Point

# MLflow's own bounds.
RUNS = 100
POINTS = 25_000
SAMPLED = 2_500


class GetMetricHistoryBulk(Struct, omit_defaults=True):
    """What MLflow's pages ask to draw one metric of several runs; upstream has no message for it."""

    run_id: list[str] = []
    metric_key: str | None = None
    max_results: int | None = None


class GetMetricHistoryBulkInterval(Struct, omit_defaults=True):
    """The same between two steps, with about `max_results` steps of each run."""

    run_ids: list[str] = []
    metric_key: str | None = None
    start_step: int | None = None
    end_step: int | None = None
    max_results: int | None = None


def _bulk(workspace: Workspace, asked: GetMetricHistoryBulk) -> ask.GetMetricHistoryResponse:
    if not asked.run_id:
        raise InvalidRequest("GetMetricHistoryBulk request must specify at least one run_id.")
    if len(asked.run_id) > RUNS:
        raise InvalidRequest(f"GetMetricHistoryBulk request cannot specify more than {RUNS} run_ids.")
    if not asked.metric_key:
        raise InvalidRequest("GetMetricHistoryBulk request must specify a metric_key.")
    limit = POINTS if asked.max_results is None else min(asked.max_results, POINTS)
    found: list[wire.Metric] = []
    for run_id in sorted(set(asked.run_id)):
        # Asked of each run, also when there is no room left: one that is unknown is refused.
        points = runs.metric_page(workspace, run_id, asked.metric_key, None, max(limit - len(found), 0))
        found += _written(run_id, asked.metric_key, points)
    return ask.GetMetricHistoryResponse(found)


def _interval(workspace: Workspace, asked: GetMetricHistoryBulkInterval) -> ask.GetMetricHistoryResponse:
    key, limit = _checked(asked)
    interval = None
    if asked.start_step is not None and asked.end_step is not None:
        interval = asked.start_step, asked.end_step
    within = {
        run_id: runs.chart_points(workspace, run_id, key, limit, interval)
        for run_id in dict.fromkeys(asked.run_ids)
    }
    steps = sample_steps(within.values(), limit)
    return ask.GetMetricHistoryResponse(
        [
            metric
            for run_id, points in within.items()
            for metric in _written(run_id, key, [point for point in points if point[0] in steps])
        ]
    )


def _checked(asked: GetMetricHistoryBulkInterval) -> tuple[str, int]:
    """Return the metric's name and the number of steps.

    Raises:
        InvalidRequest: one of them is missing or out of bounds, or the steps are no interval.
    """
    if not asked.run_ids:
        raise compat.missing("run_ids")
    if len(asked.run_ids) > RUNS:
        raise InvalidRequest(f"GetMetricHistoryBulkInterval request must specify at most {RUNS} run_ids.")
    if not asked.metric_key:
        raise compat.missing("metric_key")
    limit = SAMPLED if asked.max_results is None else asked.max_results
    if not 1 <= limit <= SAMPLED:
        raise InvalidRequest(f"max_results must be between 1 and {SAMPLED}")
    if (asked.start_step is None) != (asked.end_step is None):
        raise InvalidRequest("If either start step or end step are specified, both must be specified.")
    if asked.start_step is not None and asked.end_step is not None and asked.start_step > asked.end_step:
        raise InvalidRequest(
            f"end_step must be greater than start_step. Found {asked.start_step} and {asked.end_step}"
        )
    return asked.metric_key, limit


def sample_steps(series: Iterable[Sequence[Point]], limit: int) -> set[int]:
    """Return `limit` steps at equal distances among all that occur, and the first and the last of each series.

    All of them when they are not more than `limit`.
    """
    every = [[point[0] for point in points] for points in series]
    steps = sorted({step for of_one in every for step in of_one})
    if len(steps) <= limit:
        return set(steps)
    # The ends of each line stay, or a chart would show it shorter than it is.
    ends = {step for of_one in every if of_one for step in (min(of_one), max(of_one))}
    return {steps[number * len(steps) // limit] for number in range(limit)} | ends


def _written(run_id: str, key: str, points: Iterable[Point]) -> list[wire.Metric]:
    return [
        wire.Metric(key, compat.wire_number(value), time, step, run_id=run_id) for step, time, value in points
    ]


_AT = "/mlflow/metrics"
ROWS = (
    Row("GET", f"{_AT}/get-history-bulk", Permission.READ, GetMetricHistoryBulk, _bulk),
    Row("GET", f"{_AT}/get-history-bulk-interval", Permission.READ, GetMetricHistoryBulkInterval, _interval),
)
