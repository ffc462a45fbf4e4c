"""The structs of traces, field by field those of the descriptors of mlflow-skinny 3.17.2 (a test compares them).

MLflow is licensed under the Apache License 2.0. Written by hand, because these messages alone hold what protobuf's JSON
has forms of its own for: times and durations as texts, any JSON value, maps, lists of fields, and OpenTelemetry's spans,
which are passed on as they are.

A field that is None is unset and is left out on output; a value that was set is kept, also when it is 0 or "".
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from msgspec import UNSET, Raw, Struct, UnsetType

from ropewalk.mlops.tracking.wire.models import Int32, Int64

TraceStatus = Literal["TRACE_STATUS_UNSPECIFIED", "OK", "ERROR", "IN_PROGRESS"]
TraceState = Literal["STATE_UNSPECIFIED", "OK", "ERROR", "IN_PROGRESS"]
TraceLocationType = Literal["TRACE_LOCATION_TYPE_UNSPECIFIED", "MLFLOW_EXPERIMENT", "INFERENCE_TABLE"]
SourceType = Literal["SOURCE_TYPE_UNSPECIFIED", "HUMAN", "LLM_JUDGE", "CODE"]
MetricViewType = Literal["TRACES", "SPANS", "ASSESSMENTS"]
AggregationType = Literal["COUNT", "SUM", "AVG", "PERCENTILE", "MIN", "MAX"]

# Names of an enumeration by their numbers, which the wire accepts too.
TRACE_STATUSES = dict(enumerate(("TRACE_STATUS_UNSPECIFIED", "OK", "ERROR", "IN_PROGRESS")))
TRACE_STATES = dict(enumerate(("STATE_UNSPECIFIED", "OK", "ERROR", "IN_PROGRESS")))
SOURCE_TYPES = dict(enumerate(("SOURCE_TYPE_UNSPECIFIED", "HUMAN", "LLM_JUDGE", "CODE")))
METRIC_VIEW_TYPES = dict(enumerate(("TRACES", "SPANS", "ASSESSMENTS"), 1))
AGGREGATION_TYPES = dict(enumerate(("COUNT", "SUM", "AVG", "PERCENTILE", "MIN", "MAX"), 1))


class TraceRequestMetadata(Struct, omit_defaults=True):
    """MLflow's `mlflow.TraceRequestMetadata`."""

    key: str | None = None
    value: str | None = None


class TraceTag(Struct, omit_defaults=True):
    """MLflow's `mlflow.TraceTag`."""

    key: str | None = None
    value: str | None = None


class TraceInfo(Struct, omit_defaults=True):
    """MLflow's `mlflow.TraceInfo`."""

    request_id: str | None = None
    experiment_id: str | None = None
    timestamp_ms: Int64 | None = None
    execution_time_ms: Int64 | None = None
    status: TraceStatus | int | None = None
    request_metadata: list[TraceRequestMetadata] = []
    tags: list[TraceTag] = []


class MlflowExperimentLocation(Struct, omit_defaults=True):
    """MLflow's `mlflow.TraceLocation.MlflowExperimentLocation`."""

    experiment_id: str | None = None


class InferenceTableLocation(Struct, omit_defaults=True):
    """MLflow's `mlflow.TraceLocation.InferenceTableLocation`."""

    full_table_name: str | None = None


class TraceLocation(Struct, omit_defaults=True):
    """MLflow's `mlflow.TraceLocation`."""

    type: TraceLocationType | int | None = None
    mlflow_experiment: MlflowExperimentLocation | None = None
    inference_table: InferenceTableLocation | None = None


class AssessmentSource(Struct, omit_defaults=True):
    """MLflow's `mlflow.assessments.AssessmentSource`."""

    source_type: SourceType | int | None = None
    source_id: str | None = None


class AssessmentError(Struct, omit_defaults=True):
    """MLflow's `mlflow.assessments.AssessmentError`."""

    error_code: str | None = None
    error_message: str | None = None
    stack_trace: str | None = None


class Feedback(Struct, omit_defaults=True):
    """MLflow's `mlflow.assessments.Feedback`."""

    value: Any | UnsetType = UNSET
    error: AssessmentError | None = None


class SerializedValue(Struct, omit_defaults=True):
    """MLflow's `mlflow.assessments.Expectation.SerializedValue`."""

    serialization_format: str | None = None
    value: str | None = None


class Expectation(Struct, omit_defaults=True):
    """MLflow's `mlflow.assessments.Expectation`."""

    value: Any | UnsetType = UNSET
    serialized_value: SerializedValue | None = None


class IssueReference(Struct, omit_defaults=True):
    """MLflow's `mlflow.assessments.IssueReference`."""

    issue_name: str | None = None


class Assessment(Struct, omit_defaults=True):
    """MLflow's `mlflow.assessments.Assessment`."""

    assessment_id: str | None = None
    assessment_name: str | None = None
    trace_id: str | None = None
    span_id: str | None = None
    source: AssessmentSource | None = None
    create_time: str | None = None
    last_update_time: str | None = None
    feedback: Feedback | None = None
    expectation: Expectation | None = None
    issue: IssueReference | None = None
    rationale: str | None = None
    error: AssessmentError | None = None
    metadata: dict[str, str] = {}
    overrides: str | None = None
    valid: bool | None = None


class TraceInfoV3(Struct, omit_defaults=True):
    """MLflow's `mlflow.TraceInfoV3`."""

    trace_id: str | None = None
    client_request_id: str | None = None
    trace_location: TraceLocation | None = None
    request: str | None = None
    response: str | None = None
    request_preview: str | None = None
    response_preview: str | None = None
    request_time: str | None = None
    execution_duration: str | None = None
    state: TraceState | int | None = None
    trace_metadata: dict[str, str] = {}
    assessments: list[Assessment] = []
    tags: dict[str, str] = {}


class Trace(Struct, omit_defaults=True):
    """MLflow's `mlflow.Trace`."""

    trace_info: TraceInfoV3 | None = None
    spans: list[Raw] = []


class SetTraceTag(Struct, omit_defaults=True):
    """MLflow's `mlflow.SetTraceTag`."""

    request_id: str | None = None
    key: str | None = None
    value: str | None = None


class SetTraceTagV3(Struct, omit_defaults=True):
    """MLflow's `mlflow.SetTraceTagV3`."""

    trace_id: str | None = None
    key: str | None = None
    value: str | None = None


class DeleteTraceTag(Struct, omit_defaults=True):
    """MLflow's `mlflow.DeleteTraceTag`."""

    request_id: str | None = None
    key: str | None = None


class DeleteTraceTagV3(Struct, omit_defaults=True):
    """MLflow's `mlflow.DeleteTraceTagV3`."""

    trace_id: str | None = None
    key: str | None = None


class StartTrace(Struct, omit_defaults=True):
    """MLflow's `mlflow.StartTrace`."""

    experiment_id: str | None = None
    timestamp_ms: Int64 | None = None
    request_metadata: list[TraceRequestMetadata] = []
    tags: list[TraceTag] = []


class EndTrace(Struct, omit_defaults=True):
    """MLflow's `mlflow.EndTrace`."""

    request_id: str | None = None
    timestamp_ms: Int64 | None = None
    status: TraceStatus | int | None = None
    request_metadata: list[TraceRequestMetadata] = []
    tags: list[TraceTag] = []


class GetTraceInfo(Struct, omit_defaults=True):
    """MLflow's `mlflow.GetTraceInfo`."""

    request_id: str | None = None


class TraceInfoAnswer(Struct, omit_defaults=True):
    """MLflow's `mlflow.GetTraceInfo.Response`; starting and ending a trace are answered by the same."""

    trace_info: TraceInfo | None = None


class GetTraceInfoV3(Struct, omit_defaults=True):
    """MLflow's `mlflow.GetTraceInfoV3`."""

    trace_id: str | None = None


class TraceAnswer(Struct, omit_defaults=True):
    """MLflow's `mlflow.GetTrace.Response`; other requests for one trace are answered by the same."""

    trace: Trace | None = None


class GetTrace(Struct, omit_defaults=True):
    """MLflow's `mlflow.GetTrace`."""

    trace_id: str | None = None
    allow_partial: bool | None = None
    required: ClassVar[tuple[str, ...]] = ("trace_id",)


class BatchGetTraces(Struct, omit_defaults=True):
    """MLflow's `mlflow.BatchGetTraces`."""

    trace_ids: list[str] = []
    experiment_ids: list[str] = []


class BatchGetTracesResponse(Struct, omit_defaults=True):
    """MLflow's `mlflow.BatchGetTraces.Response`."""

    traces: list[Trace] = []


class BatchGetTraceInfos(Struct, omit_defaults=True):
    """MLflow's `mlflow.BatchGetTraceInfos`."""

    trace_ids: list[str] = []
    experiment_ids: list[str] = []


class BatchGetTraceInfosResponse(Struct, omit_defaults=True):
    """MLflow's `mlflow.BatchGetTraceInfos.Response`."""

    trace_infos: list[TraceInfoV3] = []


class SearchTraces(Struct, omit_defaults=True):
    """MLflow's `mlflow.SearchTraces`."""

    experiment_ids: list[str] = []
    filter: str | None = None
    max_results: Int32 | None = None
    order_by: list[str] = []
    page_token: str | None = None


class SearchTracesResponse(Struct, omit_defaults=True):
    """MLflow's `mlflow.SearchTraces.Response`."""

    traces: list[TraceInfo] = []
    next_page_token: str | None = None


class SearchTracesV3(Struct, omit_defaults=True):
    """MLflow's `mlflow.SearchTracesV3`."""

    locations: list[TraceLocation] = []
    filter: str | None = None
    max_results: Int32 | None = None
    order_by: list[str] = []
    page_token: str | None = None


class SearchTracesV3Response(Struct, omit_defaults=True):
    """MLflow's `mlflow.SearchTracesV3.Response`."""

    traces: list[TraceInfoV3] = []
    next_page_token: str | None = None


class StartTraceV3(Struct, omit_defaults=True):
    """MLflow's `mlflow.StartTraceV3`."""

    trace: Trace | None = None
    required: ClassVar[tuple[str, ...]] = ("trace",)


class LinkTracesToRun(Struct, omit_defaults=True):
    """MLflow's `mlflow.LinkTracesToRun`."""

    trace_ids: list[str] = []
    run_id: str | None = None
    required: ClassVar[tuple[str, ...]] = ("run_id",)


class PromptVersionRef(Struct, omit_defaults=True):
    """MLflow's `mlflow.LinkPromptsToTrace.PromptVersionRef`."""

    name: str | None = None
    version: str | None = None
    required: ClassVar[tuple[str, ...]] = ("name", "version")


class LinkPromptsToTrace(Struct, omit_defaults=True):
    """MLflow's `mlflow.LinkPromptsToTrace`."""

    trace_id: str | None = None
    prompt_versions: list[PromptVersionRef] = []
    required: ClassVar[tuple[str, ...]] = ("trace_id",)


class DeleteTraces(Struct, omit_defaults=True):
    """MLflow's `mlflow.DeleteTraces`."""

    experiment_id: str | None = None
    max_timestamp_millis: Int64 | None = None
    max_traces: Int32 | None = None
    request_ids: list[str] = []
    required: ClassVar[tuple[str, ...]] = ("experiment_id",)


class DeleteTracesResponse(Struct, omit_defaults=True):
    """MLflow's `mlflow.DeleteTraces.Response`."""

    traces_deleted: Int32 | None = None


class CalculateTraceFilterCorrelation(Struct, omit_defaults=True):
    """MLflow's `mlflow.CalculateTraceFilterCorrelation`."""

    experiment_ids: list[str] = []
    filter_string1: str | None = None
    filter_string2: str | None = None
    base_filter: str | None = None


class CalculateTraceFilterCorrelationResponse(Struct, omit_defaults=True):
    """MLflow's `mlflow.CalculateTraceFilterCorrelation.Response`."""

    npmi: float | None = None
    npmi_smoothed: float | None = None
    filter1_count: Int32 | None = None
    filter2_count: Int32 | None = None
    joint_count: Int32 | None = None
    total_count: Int32 | None = None


class MetricAggregation(Struct, omit_defaults=True):
    """MLflow's `mlflow.MetricAggregation`."""

    aggregation_type: AggregationType | int | None = None
    percentile_value: float | None = None


class QueryTraceMetrics(Struct, omit_defaults=True):
    """MLflow's `mlflow.QueryTraceMetrics`."""

    experiment_ids: list[str] = []
    view_type: MetricViewType | int | None = None
    metric_name: str | None = None
    aggregations: list[MetricAggregation] = []
    dimensions: list[str] = []
    filters: list[str] = []
    time_interval_seconds: Int64 | None = None
    start_time_ms: Int64 | None = None
    end_time_ms: Int64 | None = None
    max_results: Int32 | None = None
    page_token: str | None = None


class MetricDataPoint(Struct, omit_defaults=True):
    """MLflow's `mlflow.MetricDataPoint`."""

    metric_name: str | None = None
    dimensions: dict[str, str] = {}
    values: dict[str, float] = {}


class QueryTraceMetricsResponse(Struct, omit_defaults=True):
    """MLflow's `mlflow.QueryTraceMetrics.Response`."""

    data_points: list[MetricDataPoint] = []
    next_page_token: str | None = None


class GetAssessmentRequest(Struct, omit_defaults=True):
    """MLflow's `mlflow.GetAssessmentRequest`."""

    trace_id: str | None = None
    assessment_id: str | None = None
    required: ClassVar[tuple[str, ...]] = ("trace_id", "assessment_id")


class AssessmentAnswer(Struct, omit_defaults=True):
    """MLflow's `mlflow.CreateAssessment.Response`; all requests for one assessment are answered by the same."""

    assessment: Assessment | None = None


class CreateAssessment(Struct, omit_defaults=True):
    """MLflow's `mlflow.CreateAssessment`; the trace is named by the path."""

    assessment: Assessment | None = None
    trace_id: str | None = None
    required: ClassVar[tuple[str, ...]] = ("assessment",)


class UpdateAssessment(Struct, omit_defaults=True):
    """MLflow's `mlflow.UpdateAssessment`; the trace and the assessment are named by the path."""

    assessment: Assessment | None = None
    update_mask: str | None = None
    trace_id: str | None = None
    assessment_id: str | None = None
    required: ClassVar[tuple[str, ...]] = ("assessment", "update_mask")


class DeleteAssessment(Struct, omit_defaults=True):
    """MLflow's `mlflow.DeleteAssessment`."""

    trace_id: str | None = None
    assessment_id: str | None = None
    required: ClassVar[tuple[str, ...]] = ("trace_id", "assessment_id")
