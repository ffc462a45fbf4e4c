"""What a row says of itself is true: reading rows write nothing, and every route says what it needs."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from typing import Any

import msgspec
import pytest

from ropewalk.errors import InvalidInput, NotFound
from ropewalk.mlops import registry
from ropewalk.mlops.tracking import create_run, get_run, log_metrics, routes
from ropewalk.mlops.tracking.evaluation.issues import IssueChange, IssueOrigin, create_issue
from ropewalk.mlops.tracking.evaluation.scorers import register_scorer
from ropewalk.mlops.tracking.evaluation.sets import create_evaluation_set
from ropewalk.mlops.tracking.gateway.endpoints import EndpointChange, RouteChoice, create_endpoint
from ropewalk.mlops.tracking.gateway.models import ModelChange, create_model
from ropewalk.mlops.tracking.gateway.secrets import create_secret
from ropewalk.mlops.tracking.logged_models import create_logged_model
from ropewalk.mlops.tracking.rows.row import Row
from ropewalk.mlops.tracking.rows.table import TABLES
from ropewalk.mlops.tracking.traces.assessments import create_assessment
from ropewalk.mlops.tracking.traces.recording import record_spans
from ropewalk.mlops.tracking.wire.traces import MetricAggregation, MlflowExperimentLocation, TraceLocation
from ropewalk.pipeline import Workspace
from ropewalk.routes import Permission
from ropewalk.store.tracking.logged_models import NewLoggedModel
from ropewalk.store.tracking.traces_assessments import Assessment

ROWS: list[Row[Any]] = [row for table in TABLES for row in table]
READS = [row for row in ROWS if row.permission is Permission.READ]
CHANGES = {Permission.WRITE, Permission.DELETE, Permission.MANAGE, Permission.ADMINISTER}
WRITES = [row for row in ROWS if row.permission in CHANGES]
# Whose questions tell more than every reader should know.
GUARDED = ("/mlflow/webhooks", "/mlflow/roles/", "/mlflow/users/")


@pytest.fixture(scope="module")
def known(workspace: Workspace) -> dict[str, Any]:
    """Return values of a request that name things that are there."""
    run = get_run(workspace, create_run(workspace, "training", "train", {}, {"depth": "6"}))
    log_metrics(workspace, run.id, {"auc": 0.79})
    new = NewLoggedModel("", run.experiment_id, "model", None, run.id)
    model = create_logged_model(workspace, new, {}, {})
    version = registry.register(workspace, "late", model.id, run.id, "key", "digest", {}, {"a": "b"})
    registry.set_alias(workspace, "late", "champion", version.version)
    issue = create_issue(workspace, IssueChange("slow", "very"), IssueOrigin(run.experiment_id))
    scorer = register_scorer(workspace, run.experiment_id, "late", "{}")
    secret = create_secret(workspace, "key", {"api_key": "swordfish"})
    endpoint_model = create_model(workspace, ModelChange("gpt", secret.id, "openai", "gpt-4"))
    said = EndpointChange(name="late", routes=[RouteChoice(endpoint_model.id)], experiment=run.experiment_id)
    return {
        **_traced(workspace, run.experiment_id),
        "role_id": 50,
        "workspace_name": workspace.project.name,
        "dataset_id": create_evaluation_set(workspace, "late", [], {}).id,
        "issue_id": issue.id,
        "scorer_ids": [scorer.id],
        "secret_id": secret.id,
        "model_definition_id": endpoint_model.id,
        "endpoint_id": create_endpoint(workspace, said).id,
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


def _traced(workspace: Workspace, experiment: str) -> dict[str, Any]:
    """Record a trace with an assessment, and return what requests say of it."""
    content = {"trace_id": "AAAAAAAAAAAAAAAAAAAAAQ==", "span_id": "AAAAAAAAAAI=", "name": "ask"}
    times = {"start_time_unix_nano": 5_000_000, "end_time_unix_nano": 9_000_000}
    record_spans(workspace, experiment, [{**content, **times}])
    trace_id = f"tr-{1:032x}"
    said = Assessment("", trace_id, "feedback", "good", "HUMAN", "ada", 1, 1, value=True)
    return {
        "trace_id": trace_id,
        "request_id": trace_id,
        "trace_ids": [trace_id],
        "assessment_id": create_assessment(workspace, said).id,
        "locations": [TraceLocation(mlflow_experiment=MlflowExperimentLocation(experiment))],
        "filter_string1": "attributes.status = 'OK'",
        "filter_string2": "attributes.name = 'ask'",
        "view_type": "TRACES",
        "metric_name": "trace_count",
        "aggregations": [MetricAggregation("COUNT")],
    }


def _asked(row: Row[Any], values: dict[str, Any]) -> Any:
    names = {field.name for field in msgspec.structs.fields(row.asked)}
    # One of two names is enough, and for the gateway both are one too many.
    names -= {"name", "secret_name"} if {"endpoint_id", "secret_id"} & names & values.keys() else set()
    # Other rows mean another thing by it: which runs or experiments to show.
    names -= {"view_type"} if "traces" not in row.path else set()
    names -= {"version"} if "scorers" in row.path else set()
    asked = row.asked(**{name: value for name, value in values.items() if name in names})
    if "history-bulk" in row.path and "run_id" in names:
        asked.run_id = [values.get("run_id", "x")]
    return asked


def _changes(workspace: Workspace) -> int:
    """Return a number that grows with whatever is written, also with what is taken back."""
    with workspace.database.read() as connection:
        if isinstance(connection, sqlite3.Connection):
            return connection.total_changes
        # A server gives a transaction its number at its first write, and nobody else writes to the tests' own.
        number = "SELECT CAST(pg_snapshot_xmax(pg_current_snapshot()) AS TEXT)"
        return int(connection.execute(number).fetchone()[0])


@pytest.mark.parametrize("row", READS, ids=lambda row: f"{row.method} {row.path}")
def test_reading_rows_write_nothing(workspace: Workspace, known: dict[str, Any], row: Row[Any]) -> None:
    """Whoever may only read changes nothing, by any row that asks for no more than reading."""
    before = _changes(workspace)

    # All that is named is there: a row that refused would have shown nothing of what it does when it answers.
    assert row.respond(workspace, _asked(row, known)) is not None
    assert _changes(workspace) == before


@pytest.mark.parametrize("row", READS, ids=lambda row: f"{row.method} {row.path}")
def test_refused_reading_writes_nothing(workspace: Workspace, row: Row[Any]) -> None:
    """A search or look-up that finds nothing leaves nothing, not even the name that was asked for."""
    before = _changes(workspace)

    # It may say so, and nothing else: an error of the server's own would hide what it wrote.
    with suppress(InvalidInput, NotFound):
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
        "datasets/search",
        "issues/search",
        "traces/search",
        "traces/batchGetInfos",
        "traces/calculate-filter-correlation",
        "traces/metrics",
    }


def test_nothing_is_written_with_get() -> None:
    """A link on a page, which a browser follows without asking, changes nothing."""
    written = [row.path for row in WRITES if row.method == "GET" and not row.path.startswith(GUARDED)]

    assert written == []


def test_permissions_of_other_rooms(workspace: Workspace) -> None:
    """Only the gateway's keys are the owner's, and only its closed routes are for who may predict."""
    administering = {route.path for route in routes(workspace) if route.permission is Permission.ADMINISTER}
    predicting = {route.path for route in routes(workspace) if route.permission is Permission.PREDICT}

    assert all("gateway" in path for path in predicting)
    assert {
        path for path in administering if "/gateway/secrets/" not in path and "/users/" not in path
    } == set()


def test_every_row_is_served(workspace: Workspace) -> None:
    """No row is left out of the table, with the permission that it names."""
    served = {(route.method, route.path): route.permission for route in routes(workspace)}
    wanted = {(row.method, path): row.permission for row in ROWS for path in row.paths}

    assert wanted.items() <= served.items()
