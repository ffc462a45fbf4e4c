"""The schema: which rows of the protocol can be asked in GraphQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, TypeVar, cast

import msgspec
from graphql import (
    DirectiveLocation,
    GraphQLArgument,
    GraphQLDirective,
    GraphQLField,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    GraphQLString,
    specified_directives,
)

from ropewalk.mlops.tracking.errors import InvalidRequest
from ropewalk.mlops.tracking.graphql.types import input_type, object_type
from ropewalk.mlops.tracking.rows import artifacts, experiments, model_versions, runs, series
from ropewalk.mlops.tracking.rows.row import Row
from ropewalk.mlops.tracking.wire import models as wire
from ropewalk.mlops.tracking.wire import registry as wire_registry
from ropewalk.mlops.tracking.wire import requests as ask
from ropewalk.mlops.tracking.wire.compat import convert
from ropewalk.pipeline import Workspace

Answer = TypeVar("Answer", bound=msgspec.Struct)
# Far more than a page shows; one query may hold ten searches, and each run found may be asked for its versions.
MOST_RESULTS = 1000


def _row(rows: Sequence[Row[Any]], path: str) -> Row[Any]:
    return next(row for row in rows if row.path == f"/mlflow/{path}")


_EXPERIMENT = _row(experiments.ROWS, "experiments/get")
_VERSIONS = _row(model_versions.ROWS, "model-versions/search")
# Each field answers as its row does. None of these rows writes anything, also not those that MLflow calls mutations.
QUERIES: Mapping[str, tuple[Row[Any], type[msgspec.Struct]]] = {
    "mlflowGetExperiment": (_EXPERIMENT, ask.GetExperimentResponse),
    "mlflowGetRun": (_row(runs.ROWS, "runs/get"), ask.GetRunResponse),
    "mlflowListArtifacts": (_row(artifacts.ROWS, "artifacts/list"), ask.ListArtifactsResponse),
    "mlflowSearchModelVersions": (_VERSIONS, wire_registry.SearchModelVersionsResponse),
    "mlflowSearchRuns": (_row(runs.ROWS, "runs/search"), ask.SearchRunsResponse),
    "mlflowSearchDatasets": (
        _row(experiments.ROWS, "experiments/search-datasets"),
        ask.SearchDatasetsResponse,
    ),
    "mlflowGetMetricHistoryBulkInterval": (
        _row(series.ROWS, "metrics/get-history-bulk-interval"),
        ask.GetMetricHistoryResponse,
    ),
}
Info = GraphQLResolveInfo[Any]
MUTATIONS = ("mlflowSearchRuns", "mlflowSearchDatasets")
_COMPONENT = GraphQLDirective(
    "component",
    [DirectiveLocation.QUERY, DirectiveLocation.MUTATION],
    {"name": GraphQLArgument(GraphQLNonNull(GraphQLString))},
)
_API_ERROR = GraphQLObjectType(
    "ApiError",
    {
        "code": GraphQLField(GraphQLString),
        "httpStatus": GraphQLField(GraphQLInt),
        "message": GraphQLField(GraphQLString),
    },
)


@cache
def schema() -> GraphQLSchema:
    """Return the schema; whoever executes a query gives the workspace as its context."""
    _extend_runs()
    queries = {name: _field(*QUERIES[name]) for name in QUERIES}
    mutations = {name: _field(*QUERIES[name]) for name in MUTATIONS}
    # MLflow's own probe of its schema, which clients use to see whether anybody answers.
    queries["test"] = _echo("Test")
    mutations["testMutation"] = _echo("TestMutation")
    return GraphQLSchema(
        query=GraphQLObjectType("Query", queries),
        mutation=GraphQLObjectType("Mutation", mutations),
        directives=[*specified_directives, _COMPONENT],
    )


def _field(row: Row[Any], answer: type[msgspec.Struct]) -> GraphQLField:
    def resolve(_: object, info: Info, **given: Any) -> object:
        asked = convert(given.get("input", {}), row.asked)
        limit = getattr(asked, "max_results", None)
        if limit is not None and limit > MOST_RESULTS:
            raise InvalidRequest(f"max_results can be at most {MOST_RESULTS} in GraphQL, not {limit}")
        if limit is None and "max_results" in asked.__struct_fields__:
            asked.max_results = MOST_RESULTS
        return row.respond(cast("Workspace", info.context), asked)

    asked_struct: type[msgspec.Struct] = row.asked
    found = object_type(answer)
    # Clients ask for it on every answer; ours come as errors of the query.
    found.fields.setdefault("apiError", GraphQLField(_API_ERROR, resolve=lambda *_: None))
    return GraphQLField(found, {"input": GraphQLArgument(input_type(asked_struct))}, resolve)


def _extend_runs() -> None:
    """Let a run be asked for its experiment and for the model versions that were made of it."""
    fields = object_type(wire.Run).fields
    fields["experiment"] = GraphQLField(object_type(wire.Experiment), resolve=_experiment)
    versions = GraphQLList(GraphQLNonNull(object_type(wire_registry.ModelVersion)))
    fields["modelVersions"] = GraphQLField(versions, resolve=_versions)


def _experiment(run: wire.Run, info: Info) -> object:
    assert run.info
    asked = ask.GetExperiment(run.info.experiment_id)
    return _answered(_EXPERIMENT, info, asked, ask.GetExperimentResponse).experiment


def _versions(run: wire.Run, info: Info) -> object:
    assert run.info
    asked = wire_registry.SearchModelVersions(
        filter=f"run_id = '{run.info.run_id}'", max_results=MOST_RESULTS
    )
    return _answered(_VERSIONS, info, asked, wire_registry.SearchModelVersionsResponse).model_versions


def _answered(row: Row[Any], info: Info, asked: msgspec.Struct, shape: type[Answer]) -> Answer:
    answer = row.respond(cast("Workspace", info.context), asked)
    assert isinstance(answer, shape)
    return answer


def _echo(name: str) -> GraphQLField:
    answer = GraphQLObjectType(name, {"output": GraphQLField(GraphQLString)})
    argument = {"inputString": GraphQLArgument(GraphQLString, out_name="text")}
    return GraphQLField(answer, argument, lambda _, __, text=None: {"output": text})
