"""The protocol's rows for traces, as clients since 3.0 ask; those of before are in `traces_legacy`."""

from __future__ import annotations

from ropewalk.mlops.tracking.errors import InvalidRequest
from ropewalk.mlops.tracking.rows.experiments import check_page_size
from ropewalk.mlops.tracking.rows.row import Row
from ropewalk.mlops.tracking.traces import correlation, measures, reading, recording
from ropewalk.mlops.tracking.traces.assessments import check_assessment, identified
from ropewalk.mlops.tracking.wire import trace_answers as answers
from ropewalk.mlops.tracking.wire import traces as wire
from ropewalk.mlops.tracking.wire.answers import need
from ropewalk.mlops.tracking.wire.compat import missing, wire_number
from ropewalk.mlops.tracking.wire.pages import next_token, read_page
from ropewalk.pipeline import Workspace
from ropewalk.routes import Permission
from ropewalk.store.tracking.traces import Trace

# MLflow's own page and its own bound.
DEFAULT_PAGE, MOST = 100, 500
MEASURES = 1000


def _start(workspace: Workspace, asked: wire.StartTraceV3) -> wire.TraceAnswer:
    sent = need(asked.trace.trace_info if asked.trace else None, "trace.trace_info")
    described = answers.read_trace_info(sent)
    said = tuple(identified(one, place) for place, one in enumerate(described.assessments))
    for one in said:
        check_assessment(one)
    kept = recording.describe_trace(workspace, recording.with_assessments(described, said))
    return wire.TraceAnswer(wire.Trace(answers.trace_info(kept)))


def _get_info(workspace: Workspace, asked: wire.GetTraceInfoV3) -> wire.TraceAnswer:
    found = reading.find_trace(workspace, need(asked.trace_id, "trace_id"))
    return wire.TraceAnswer(wire.Trace(answers.trace_info(found)))


def _get(workspace: Workspace, asked: wire.GetTrace) -> wire.TraceAnswer:
    identifier = need(asked.trace_id, "trace_id")
    found = reading.whole_trace(workspace, identifier, is_partial_fine=bool(asked.allow_partial))
    return wire.TraceAnswer(answers.whole(found.trace, found.spans))


def _within(traces: list[Trace], experiment_ids: list[str]) -> list[Trace]:
    """Return the traces of the experiments that a client limits its request to, all without such a limit."""
    return [one for one in traces if not experiment_ids or one.experiment_id in experiment_ids]


def _get_many(workspace: Workspace, asked: wire.BatchGetTraces) -> wire.BatchGetTracesResponse:
    if not asked.trace_ids:
        raise missing("trace_ids")
    found = reading.whole_traces(workspace, asked.trace_ids)
    kept = {one.id for one in _within([one.trace for one in found], asked.experiment_ids)}
    return wire.BatchGetTracesResponse(
        [answers.whole(one.trace, one.spans) for one in found if one.trace.id in kept]
    )


def _get_infos(workspace: Workspace, asked: wire.BatchGetTraceInfos) -> wire.BatchGetTraceInfosResponse:
    if not asked.trace_ids:
        raise missing("trace_ids")
    if len(asked.trace_ids) > MOST * 10:
        raise InvalidRequest(
            f"At most {MOST * 10} traces can be asked for at once, not {len(asked.trace_ids)}"
        )
    found = _within(reading.find_traces(workspace, asked.trace_ids), asked.experiment_ids)
    return wire.BatchGetTraceInfosResponse([answers.trace_info(one) for one in found])


def _search(workspace: Workspace, asked: wire.SearchTracesV3) -> wire.SearchTracesV3Response:
    if not asked.locations:
        raise missing("locations")
    # Tables of a warehouse are another product's: naming one here finds nothing, as in MLflow.
    places = [one.mlflow_experiment.experiment_id for one in asked.locations if one.mlflow_experiment]
    experiment_ids = [one for one in places if one is not None]
    found, token = search_page(workspace, experiment_ids, asked)
    return wire.SearchTracesV3Response([answers.trace_info(one) for one in found], token)


def search_page(
    workspace: Workspace, experiment_ids: list[str], asked: wire.SearchTracesV3 | wire.SearchTraces
) -> tuple[list[Trace], str | None]:
    """Return one page of what a search asks for, and the token of the next.

    Raises:
        InvalidRequest: the number of results or the token does not fit.
        InvalidFilter: the filter or an ordering does not parse.
    """
    limit = check_page_size(DEFAULT_PAGE if asked.max_results is None else asked.max_results, MOST)
    search = (experiment_ids, asked.filter, asked.order_by)
    page = read_page(workspace, asked.page_token, limit, *search)
    found = reading.search_traces(
        workspace, experiment_ids, filter_text=asked.filter, order_by=asked.order_by, page=page
    )
    return found[:limit], next_token(workspace, page, len(found), *search)


def tag_row(workspace: Workspace, asked: wire.SetTraceTagV3) -> None:
    """Set a tag of a trace."""
    recording.tag_trace(
        workspace, need(asked.trace_id, "trace_id"), need(asked.key, "key"), asked.value or ""
    )


def untag_row(workspace: Workspace, asked: wire.DeleteTraceTagV3) -> None:
    """Remove a tag of a trace."""
    recording.untag_trace(workspace, need(asked.trace_id, "trace_id"), need(asked.key, "key"))


def _delete(workspace: Workspace, asked: wire.DeleteTraces) -> wire.DeleteTracesResponse:
    doomed = reading.Doomed(
        need(asked.experiment_id, "experiment_id"),
        asked.request_ids,
        asked.max_timestamp_millis,
        asked.max_traces,
    )
    return wire.DeleteTracesResponse(reading.delete_traces(workspace, doomed))


def _link_run(workspace: Workspace, asked: wire.LinkTracesToRun) -> None:
    if not asked.trace_ids:
        raise missing("trace_ids")
    recording.link_traces(workspace, asked.trace_ids, need(asked.run_id, "run_id"))


def _link_prompts(workspace: Workspace, asked: wire.LinkPromptsToTrace) -> None:
    if not asked.prompt_versions:
        raise missing("prompt_versions")
    named = [f"{need(one.name, 'name')}/{need(one.version, 'version')}" for one in asked.prompt_versions]
    recording.link_prompts(workspace, need(asked.trace_id, "trace_id"), named)


def _correlate(
    workspace: Workspace, asked: wire.CalculateTraceFilterCorrelation
) -> wire.CalculateTraceFilterCorrelationResponse:
    if not asked.experiment_ids:
        raise missing("experiment_ids")
    filters = need(asked.filter_string1, "filter_string1"), need(asked.filter_string2, "filter_string2")
    found = correlation.correlate(workspace, asked.experiment_ids, filters, asked.base_filter)
    return wire.CalculateTraceFilterCorrelationResponse(
        npmi=wire_number(found.npmi),
        npmi_smoothed=wire_number(found.npmi_smoothed),
        filter1_count=found.first,
        filter2_count=found.second,
        joint_count=found.joint,
        total_count=found.total,
    )


def _measure(workspace: Workspace, asked: wire.QueryTraceMetrics) -> wire.QueryTraceMetricsResponse:
    for name in ("experiment_ids", "aggregations", "view_type"):
        if not getattr(asked, name):
            raise missing(name)
    query = measures.MeasureQuery(
        view=answers.named(wire.METRIC_VIEW_TYPES, asked.view_type, ""),  # type: ignore[arg-type]  # names of the enumeration
        measure=need(asked.metric_name, "metric_name"),
        experiment_ids=asked.experiment_ids,
        aggregations=[
            measures.Aggregation(
                answers.named(wire.AGGREGATION_TYPES, how.aggregation_type, ""),
                how.percentile_value,
            )
            for how in asked.aggregations
        ],
        dimensions=asked.dimensions,
        filters=asked.filters,
        interval_s=asked.time_interval_seconds,
        since=asked.start_time_ms,
        until=asked.end_time_ms,
    )
    limit = check_page_size(MEASURES if asked.max_results is None else asked.max_results, MEASURES * 50)
    page = read_page(workspace, asked.page_token, limit, query)
    found = measures.measure_traces(workspace, query)[page.offset : page.offset + page.limit]
    points = [
        wire.MetricDataPoint(query.measure, dict(one.dimensions), dict(one.values)) for one in found[:limit]
    ]
    return wire.QueryTraceMetricsResponse(points, next_token(workspace, page, len(found), query))


_READ, _WRITE = Permission.READ, Permission.WRITE
_AT, _ONE = "/mlflow/traces", "/mlflow/traces/{trace_id}"
# What has a path of its own stands before what takes any word for a trace's id.
ROWS = (
    Row("POST", _AT, _WRITE, wire.StartTraceV3, _start, api="3.0"),
    Row("POST", f"{_AT}/search", _READ, wire.SearchTracesV3, _search, api="3.0"),
    Row("GET", f"{_AT}/get", _READ, wire.GetTrace, _get, api="3.0"),
    Row("GET", f"{_AT}/batchGet", _READ, wire.BatchGetTraces, _get_many, api="3.0"),
    Row("POST", f"{_AT}/batchGetInfos", _READ, wire.BatchGetTraceInfos, _get_infos, api="3.0"),
    Row("POST", f"{_AT}/delete-traces", Permission.DELETE, wire.DeleteTraces, _delete, api="3.0"),
    Row("POST", f"{_AT}/delete-traces", Permission.DELETE, wire.DeleteTraces, _delete),
    Row("POST", f"{_AT}/link-to-run", _WRITE, wire.LinkTracesToRun, _link_run),
    Row("POST", f"{_AT}/link-prompts", _WRITE, wire.LinkPromptsToTrace, _link_prompts),
    Row(
        "POST",
        f"{_AT}/calculate-filter-correlation",
        _READ,
        wire.CalculateTraceFilterCorrelation,
        _correlate,
        api="3.0",
    ),
    Row("POST", f"{_AT}/metrics", _READ, wire.QueryTraceMetrics, _measure, api="3.0"),
    Row("GET", _ONE, _READ, wire.GetTraceInfoV3, _get_info, api="3.0"),
    Row("PATCH", f"{_ONE}/tags", _WRITE, wire.SetTraceTagV3, tag_row, api="3.0"),
    Row("DELETE", f"{_ONE}/tags", _WRITE, wire.DeleteTraceTagV3, untag_row, api="3.0"),
)
