"""The protocol's rows for runs and what they log."""

from __future__ import annotations

from typing import Protocol

from ropewalk.mlops.tracking import limits, runs
from ropewalk.mlops.tracking.filter import RUNS, parse_filter, parse_ordering
from ropewalk.mlops.tracking.model_notes import note_model
from ropewalk.mlops.tracking.rows.experiments import check_page_size, within
from ropewalk.mlops.tracking.rows.row import Row
from ropewalk.mlops.tracking.runs import Batch, RunRequest
from ropewalk.mlops.tracking.wire import answers, compat, documents
from ropewalk.mlops.tracking.wire import models as wire
from ropewalk.mlops.tracking.wire import requests as ask
from ropewalk.mlops.tracking.wire.pages import next_token, read_page
from ropewalk.mlops.tracking.wire.places import place_token, read_place
from ropewalk.pipeline import Workspace
from ropewalk.routes import Permission
from ropewalk.store import now_ms
from ropewalk.store.search import Condition
from ropewalk.store.tracking.run_documents import search_run_documents
from ropewalk.store.tracking.runs import RunChange
from ropewalk.store.tracking.values import ModelMetric

# Clients that never chose an experiment send none, and expect the one that every MLflow server has.
DEFAULT_EXPERIMENT = "0"
# The protocol's own default, which its descriptor names.
DEFAULT_PAGE = 1000


class NamesRun(Protocol):
    """A request that names its run by either of two fields."""

    run_id: str | None
    run_uuid: str | None


def run_of(asked: NamesRun) -> str:
    """Return the id of the run that a request is about.

    Raises:
        InvalidRequest: it names none.
    """
    # Clients of before MLflow 1.0 send the second; its answers repeat the id under both names to this day.
    identifier = asked.run_id or asked.run_uuid
    if not identifier:
        raise compat.missing("run_id")
    return identifier


def _create(workspace: Workspace, asked: ask.CreateRun) -> ask.CreateRunResponse:
    request = RunRequest(
        experiment_id=asked.experiment_id or DEFAULT_EXPERIMENT,
        name=asked.run_name,
        user_id=asked.user_id or "",
        started_at=asked.start_time,
        tags=answers.entries(asked.tags),
    )
    return ask.CreateRunResponse(answers.run(runs.begin_run(workspace, request)))


def _get(workspace: Workspace, asked: ask.GetRun) -> documents.RunAnswer:
    return documents.RunAnswer(documents.run(runs.get_run_document(workspace, run_of(asked))))


def _update(workspace: Workspace, asked: ask.UpdateRun) -> ask.UpdateRunResponse:
    # An unset status changes nothing, which is not the same as the enumeration's first member.
    status = compat.by_name(wire.RunStatus, asked.status, "") or None
    change = RunChange(status, asked.end_time, asked.run_name)  # type: ignore[arg-type]  # by_name checked it
    return ask.UpdateRunResponse(answers.run_info(runs.update_run(workspace, run_of(asked), change)))


def _delete(workspace: Workspace, asked: ask.DeleteRun) -> None:
    runs.move_run(workspace, answers.need(asked.run_id, "run_id"), "deleted")


def _restore(workspace: Workspace, asked: ask.RestoreRun) -> None:
    runs.move_run(workspace, answers.need(asked.run_id, "run_id"), "active")


def _search(workspace: Workspace, asked: ask.SearchRuns) -> documents.RunsAnswer:
    wanted = DEFAULT_PAGE if asked.max_results is None else asked.max_results
    # A page is built in memory as a whole, so its size is bounded even for clients that ask for all.
    limit = check_page_size(wanted, limits.RUNS_PAGE)
    search = (asked.experiment_ids, asked.filter, asked.order_by, asked.run_view_type)
    page = read_page(workspace, asked.page_token, limit, *search)
    conditions = [
        Condition("attribute", "experiment_id", "IN", tuple(asked.experiment_ids)),
        within(asked.run_view_type),
        *parse_filter(asked.filter, RUNS),
    ]
    orderings = [parse_ordering(text, RUNS) for text in asked.order_by]
    with workspace.database.read() as connection:
        found = search_run_documents(connection, conditions, orderings, page)
    return documents.RunsAnswer(
        [documents.run(item) for item in found[:limit]], next_token(workspace, page, len(found), *search)
    )


def _log_metric(workspace: Workspace, asked: ask.LogMetric) -> None:
    point = wire.Metric(
        key=asked.key,
        value=asked.value,
        timestamp=asked.timestamp,
        step=asked.step,
        dataset_name=asked.dataset_name,
        dataset_digest=asked.dataset_digest,
        model_id=asked.model_id,
    )
    _log(workspace, run_of(asked), [point], Batch())


def _log_batch(workspace: Workspace, asked: ask.LogBatch) -> None:
    # The descriptors do not call it required in a batch, but MLflow's server does, with this sentence.
    run_id = asked.run_id
    if not run_id:
        raise compat.missing("run_id")
    # Counted before anything is converted.
    limits.check_batch(asked.metrics, asked.params, asked.tags)
    for number, point in enumerate(asked.metrics):
        # A batch is of the past; what has no time in it would get that of its arrival.
        if point.timestamp is None:
            raise compat.missing(f"metrics[{number}].timestamp")
    # Parameters only: of a tag's values the last stands, because tags may change and parameters may not.
    params = limits.unique_entries("parameter", answers.read_pairs(asked.params))
    _log(workspace, run_id, asked.metrics, Batch(params=params, tags=answers.entries(asked.tags)))


def _log(workspace: Workspace, run_id: str, sent: list[wire.Metric], batch: Batch) -> None:
    """Log points for the run, and those that name a model for that model too."""
    now = now_ms()
    points = [answers.read_metric(point, now) for point in sent]
    for_models: dict[str, list[ModelMetric]] = {}
    for given, point in zip(sent, points, strict=True):
        if given.model_id:
            logged = ModelMetric(point, run_id, given.dataset_name or "", given.dataset_digest or "")
            for_models.setdefault(given.model_id, []).append(logged)
    runs.log_batch(workspace, run_id, Batch(points, batch.params, batch.tags, for_models))


def _log_param(workspace: Workspace, asked: ask.LogParam) -> None:
    key, value = answers.need(asked.key, "key"), answers.need(asked.value, "value")
    runs.log_batch(workspace, run_of(asked), Batch(params={key: value}))


def _set_tag(workspace: Workspace, asked: ask.SetTag) -> None:
    key, value = answers.need(asked.key, "key"), answers.need(asked.value, "value")
    runs.log_batch(workspace, run_of(asked), Batch(tags={key: value}))


def _delete_tag(workspace: Workspace, asked: ask.DeleteTag) -> None:
    runs.untag_run(workspace, answers.need(asked.run_id, "run_id"), answers.need(asked.key, "key"))


def _log_inputs(workspace: Workspace, asked: ask.LogInputs) -> None:
    run_id = answers.need(asked.run_id, "run_id")
    # MLflow asked for data sets until models could be inputs, and has taken a request with neither since.
    if not asked.datasets and not asked.models:
        raise compat.missing("datasets")
    datasets, models = answers.read_datasets(asked.datasets), answers.read_models(asked.models, "input")
    runs.log_uses(workspace, run_id, datasets, models)


def _log_outputs(workspace: Workspace, asked: ask.LogOutputs) -> None:
    models = answers.read_models(asked.models, "output")
    runs.log_uses(workspace, answers.need(asked.run_id, "run_id"), [], models)


def _log_model(workspace: Workspace, asked: ask.LogModel) -> None:
    run_id, text = answers.need(asked.run_id, "run_id"), answers.need(asked.model_json, "model_json")
    note_model(workspace, run_id, text)


def _history(workspace: Workspace, asked: ask.GetMetricHistory) -> ask.GetMetricHistoryResponse:
    key, run_id = answers.need(asked.metric_key, "metric_key"), run_of(asked)
    after = read_place(workspace, asked.page_token, run_id, key)
    # Without a page size the whole series is the answer, as clients of before paging expect.
    limit = None if asked.max_results is None else check_page_size(asked.max_results, limits.HISTORY_PAGE)
    # One more than asked for shows whether there is a next page.
    found = runs.metric_page(workspace, run_id, key, after, limit and limit + 1)
    page = found[:limit]
    return ask.GetMetricHistoryResponse(
        [wire.Metric(key, compat.wire_number(value), time, step) for step, time, value in page],
        place_token(workspace, page[-1], run_id, key) if len(page) < len(found) else None,
    )


_READ, _WRITE = Permission.READ, Permission.WRITE
_AT = "/mlflow/runs"
ROWS = (
    Row("POST", f"{_AT}/create", _WRITE, ask.CreateRun, _create),
    Row("GET", f"{_AT}/get", _READ, ask.GetRun, _get),
    Row("POST", f"{_AT}/update", _WRITE, ask.UpdateRun, _update),
    Row("POST", f"{_AT}/delete", _WRITE, ask.DeleteRun, _delete),
    Row("POST", f"{_AT}/restore", _WRITE, ask.RestoreRun, _restore),
    Row("POST", f"{_AT}/search", _READ, ask.SearchRuns, _search),
    Row("POST", f"{_AT}/log-metric", _WRITE, ask.LogMetric, _log_metric),
    # Clients split their batches to stay below a megabyte; the others' bodies are not theirs to split.
    Row("POST", f"{_AT}/log-batch", _WRITE, ask.LogBatch, _log_batch, limits.BATCH_BYTES),
    Row("POST", f"{_AT}/log-parameter", _WRITE, ask.LogParam, _log_param),
    Row("POST", f"{_AT}/set-tag", _WRITE, ask.SetTag, _set_tag),
    Row("POST", f"{_AT}/delete-tag", _WRITE, ask.DeleteTag, _delete_tag),
    Row("POST", f"{_AT}/log-inputs", _WRITE, ask.LogInputs, _log_inputs),
    Row("POST", f"{_AT}/log-model", _WRITE, ask.LogModel, _log_model),
    Row("POST", f"{_AT}/outputs", _WRITE, ask.LogOutputs, _log_outputs),
    Row("GET", "/mlflow/metrics/get-history", _READ, ask.GetMetricHistory, _history),
)
