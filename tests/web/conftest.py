"""Hand-made views of the flagship project, one for each template; a project with state; and ways to ask for pages."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

import httpx
import pytest
from starlette.applications import Starlette

from ropewalk import plugins
from ropewalk.dataops.catalog import ColumnCard
from ropewalk.dataops.lake import open_lake
from ropewalk.devops.forge import IssueFiles
from ropewalk.devops.monitoring import Alert, Breach, WindowRow
from ropewalk.lineage import LineageLink, LineageNode
from ropewalk.mlops.registry import FilesReport, RegistryEvent, Review
from ropewalk.mlops.tracking import create_run, finish_run, log_metrics
from ropewalk.pipeline import Workspace, declare_graph
from ropewalk.project import load_project
from ropewalk.settings import load_settings
from ropewalk.store.artifacts import Artifact, put_artifact
from ropewalk.store.deployments import Target, move_deployment
from ropewalk.store.gates import GateDecision, GateResult, record_decision
from ropewalk.store.lineage import EdgeRow, replace_edges
from ropewalk.store.monitoring import raise_alert, replace_windows
from ropewalk.store.pipeline import ActionRow, NodeRunRow, RunRow, record_action, record_node_run, start_run
from ropewalk.store.pipeline import finish_run as finish_pipeline_run
from ropewalk.store.registry import NewVersion, insert_model, insert_version, set_alias
from ropewalk.web.app import create_app
from ropewalk.web.assets import load_assets
from ropewalk.web.charts import Limit, LineChart, Series
from ropewalk.web.grid import GridColumn, make_grid
from ropewalk.web.render import Renderer
from ropewalk.web.tokens import TokenLine, TokensPage
from ropewalk.web.views import (
    compare,
    data,
    deployments,
    experiments,
    history,
    issues,
    lineage,
    metrics,
    models,
    overview,
    questions,
    run,
    run_lines,
    sql,
)
from ropewalk.web.views.addresses import address_of
from ropewalk.web.views.alerts import standing_alerts
from ropewalk.web.views.nodes import NodeLine
from ropewalk.web.xy_charts import Line, XYChart

if TYPE_CHECKING:
    from playwright.sync_api import Browser

MADE_AT = 1_795_428_000_000
MINUTE = 60_000
EDGES = [
    ("source:flights", "table:staging.flights"),
    ("source:arrivals", "table:staging.arrivals"),
    ("source:planes", "table:staging.planes"),
    ("source:weather", "table:staging.weather"),
    ("source:airlines", "table:mart.flight_features"),
    ("source:airports", "table:mart.departures_daily"),
    ("table:staging.flights", "table:mart.flight_features"),
    ("table:staging.planes", "table:mart.flight_features"),
    ("table:staging.weather", "table:mart.flight_features"),
    ("table:staging.flights", "table:mart.departures_daily"),
    ("table:staging.arrivals", "table:mart.flight_outcomes"),
    ("table:mart.flight_features", "table:mart.labelled_flights"),
    ("table:mart.flight_outcomes", "table:mart.labelled_flights"),
    ("table:mart.labelled_flights", "step:train"),
    ("table:mart.labelled_flights", "step:evaluate"),
    ("step:train", "step:evaluate"),
    ("step:evaluate", "gate:late"),
    ("step:train", "model:late"),
    ("gate:late", "model:late"),
    ("model:late", "deployment:late"),
    ("deployment:late", "monitor:late"),
    ("table:mart.flight_outcomes", "monitor:late"),
]
NOTES = {
    "source:flights": "337k rows",
    "table:staging.flights": "337k rows",
    "table:mart.flight_features": "329k rows",
    "step:train": "200 rounds",
    "step:evaluate": "AUC 0.7712",
    "gate:late": "passed",
    "model:late": "version 3",
    "deployment:late": "version 3",
    "monitor:late": "2 alerts",
}
IDS = sorted({end for edge in EDGES for end in edge})
LINKS = tuple(LineageLink(*edge, "input") for edge in EDGES)
WINDOWS = tuple(
    WindowRow(
        deployment="late",
        name=f"2013-{month:02}",
        starts_at=1_370_044_800_000 + month,
        model_version="late/3",
        predictions=29_000 + 100 * month,
        labelled=28_000 if month < 12 else 9_000,
        quality="measured",
        mean_prediction=predicted,
        positive_rate=actual,
        reference_rate=0.231,
        auc=auc,
        worst_psi=psi,
        worst_column=column,
        drift={column: psi, "distance": 0.003},
        breaches=breaches,
    )
    for month, predicted, actual, auc, psi, column, breaches in (
        (7, 0.262, 0.289, 0.771, 0.112, "temp", ()),
        (8, 0.241, 0.236, 0.768, 0.098, "temp", ()),
        (
            9,
            0.198,
            0.133,
            0.724,
            0.141,
            "dewp",
            (Breach("rate_shift", 0.098, 0.08, "moved by 0.098, limit 0.08"),),
        ),
        (10, 0.192, 0.151, 0.731, 0.163, "temp", ()),
        (11, 0.205, 0.162, 0.722, 0.224, "temp", ()),
        (12, 0.244, 0.331, 0.707, 0.318, "temp", (Breach("psi", 0.318, 0.25, "PSI 0.318, limit 0.25"),)),
    )
)
NAMES = tuple(window.name for window in WINDOWS)
CHARTS = (
    LineChart(
        "Share of positives",
        NAMES,
        (
            Series("actual", tuple(w.positive_rate for w in WINDOWS)),
            Series("predicted", tuple(w.mean_prediction for w in WINDOWS)),
        ),
        (Limit(0.311), Limit(0.151, is_floor=True)),
        is_share=True,
    ),
    LineChart(
        "Ranking quality (AUC)",
        NAMES,
        (Series("AUC", tuple(w.auc for w in WINDOWS)),),
        (Limit(0.70, is_floor=True),),
        from_zero=False,
    ),
    LineChart(
        "Drift of the inputs (PSI)",
        NAMES,
        (Series("worst PSI", tuple(w.worst_psi for w in WINDOWS)),),
        (Limit(0.25),),
    ),
)
ALERTS = tuple(
    Alert(
        fingerprint=f"late/{breach.limit}/{window.name}",
        deployment="late",
        window=window.name,
        limit=breach.limit,
        value=breach.value,
        bound=breach.bound,
        message=breach.message,
        issue=number,
        raised_at=MADE_AT,
    )
    for number, window in enumerate((w for w in WINDOWS if w.breaches), 1)
    for breach in window.breaches
)
GATE = GateDecision(
    gate="late",
    action_key="k" * 64,
    run_id="run-7",
    decided_at=MADE_AT,
    results=(
        GateResult("evaluate.auc", 0.7712, "min", 0.76, None, None, "passed", "0.7712 is at least 0.76"),
        GateResult("evaluate.auc", 0.7712, "max_drop", 0.005, 0.7698, 2, "passed", "0.0014 above version 2"),
    ),
)


def node_line(node_id: str) -> NodeLine:
    """Return the line of one of the flagship's nodes."""
    kind, _, name = node_id.partition(":")
    state = {"table:mart.departures_daily": "edited"}.get(node_id, "current")
    return NodeLine(node_id, kind, name, state, NOTES.get(node_id, ""), address_of(node_id), MADE_AT)


def boxes(*ids: str) -> tuple[LineageNode, ...]:
    """Return boxes for `ids`, or for all nodes of the flagship."""
    return tuple(
        LineageNode(i, i.partition(":")[0], i.partition(":")[2], NOTES.get(i, ""), address_of(i), "ok")
        for i in ids or IDS
    )


def make_overview() -> overview.Overview:
    lines = tuple(node_line(node_id) for node_id in IDS)
    strands = tuple(
        overview.Strand(
            name, nodes := tuple(n for n in lines if n.kind in kinds), len(nodes) - (name == "data")
        )
        for name, kinds in overview.STRANDS.items()
    )
    runs = tuple(
        overview.RunLine(
            id=f"7f3a{number}c1d9e2b",
            state="failed" if number == 2 else "succeeded",
            environment="dev",
            commit="1f2e3d4c5b6a",
            branch="main",
            is_dirty=number == 1,
            started_at=MADE_AT - number * 30 * MINUTE,
            duration_ms=41_300 * (number + 1),
            executed=18 - number,
            failed=int(number == 2),
        )
        for number in range(4)
    )
    return overview.Overview(
        project="flights",
        environment="dev",
        verdict="warn",
        sentence="17 of 18 nodes are current, 1 edited since, 2 alerts.",
        strands=strands,
        picture=boxes(),
        links=tuple(EDGES),
        alerts=standing_alerts(ALERTS),
        runs=runs,
    )


def make_table_line(name: str = "mart.flight_features", **changes: object) -> data.TableLine:
    fields: dict[str, object] = {
        "name": name,
        "kind": "table",
        "state": "current",
        "rows": 328_521,
        "columns": 4,
        "description": "One row per departure, with what was known two hours before it",
        "contract": "holds",
        "made_at": MADE_AT,
    }
    return data.TableLine(**(fields | changes))  # type: ignore[arg-type]


def make_table_view() -> data.TableView:
    columns = [
        ("flight_id", "VARCHAR"),
        ("scheduled_at", "TIMESTAMP"),
        ("distance", "DOUBLE"),
        ("dep_delay", "DOUBLE"),
    ]
    contract = data.ContractView(
        path="contracts/mart.flight_features.odcs.yaml",
        owner="operations",
        checks=("error required('flight_id')", "warning minimum('distance') '0'"),
        passed=1,
        warnings=("minimum(distance): 3 of 328,521 rows are below 0",),
        samples=(("flight_id = '2013-01-01-UA-1545-EWR', distance = -3.0",),),
    )
    around = (
        "table:staging.flights",
        "table:staging.weather",
        "table:mart.flight_features",
        "table:mart.labelled_flights",
    )
    return data.TableView(
        line=make_table_line(contract="warned"),
        node_id="table:mart.flight_features",
        file="tables/mart/flight_features.sql",
        sql="SELECT flight_id, scheduled_at, distance, dep_delay\nFROM staging.flights\nWHERE distance < 5000",
        columns=(
            ColumnCard(*columns[0], "Carrier, number and scheduled time", None, True, True),
            ColumnCard(*columns[1], "Scheduled departure, New York time", None, True),
            ColumnCard(*columns[2], "Miles between the airports"),
            ColumnCard(*columns[3], "Minutes late", "internal"),
        ),
        contract=contract,
        sample=make_grid(columns, [("UA1545-201301010515", "2013-01-01 05:15:00", 1400.0, None)] * 5),
        nodes=boxes(*around),
        links=tuple(link for link in LINKS if link.upstream in around and link.downstream in around),
    )


def make_run_line(number: int = 1) -> run_lines.RunLine:
    return run_lines.RunLine(
        id=f"{number}c0ffee1234567890abcdef12345678",
        name=f"train-{number}",
        status="FINISHED",
        started_at=MADE_AT - number * MINUTE,
        duration_ms=21_400,
        params={"num_leaves": str(15 * number), "rounds": "200"},
        metrics={"auc": 0.76 + number / 100, "log_loss": 0.461},
    )


def make_runs() -> experiments.RunTable:
    return experiments.RunTable(
        experiment=experiments.ExperimentLine("1", "flights", 3, MADE_AT),
        sort="-metrics.auc",
        page=1,
        pages=2,
        metrics=("auc", "log_loss"),
        params=("num_leaves",),
        runs=tuple(make_run_line(number) for number in (3, 2, 1)),
    )


def make_run_page() -> run.RunPage:
    return run.RunPage(
        run=make_run_line(),
        experiment_id="1",
        experiment_name="flights",
        user="ropewalk",
        metrics=(run.MetricLine("auc", 0.7712, 0), run.MetricLine("log_loss", 0.461, 0)),
        tags={"ropewalk.node": "step:train"},
        inputs=(run.InputLine("mart.labelled_flights", "ab12" * 8, "mart.labelled_flights"),),
        artifacts=(
            run.FileLine("model/MLmodel", 812),
            run.FileLine("model/model.lgb", 1_240_112),
        ),
        versions=(run.VersionLink("late", "3"),),
    )


def make_comparison() -> compare.Comparison:
    return compare.Comparison(
        runs=tuple(make_run_line(number) for number in (3, 2)),
        facts=(compare.Row("branch", ("main", "feature")),),
        params=(
            compare.Row("num_leaves", ("45", "30")),
            compare.Row("rounds", ("200", "200"), is_same=True),
        ),
        metrics=(compare.Row("auc", (0.79, None), best=(0,), is_number=True),),
        charts=(
            XYChart(
                "auc", (Line("train-3", ((0, 0.5), (9, 0.79))), Line("train-2", ((0, 0.5),), address="/"))
            ),
        ),
        aggregate="best",
        total=3,
        is_wide=True,
        ids="a,b",
        filter="",
        charted=("auc",),
        chartable=("auc", "log_loss"),
    )


def make_version_line(version: int = 3) -> models.VersionLine:
    newest = version == 3
    return models.VersionLine(
        version=str(version),
        aliases=("production",) if newest else (),
        metrics={"evaluate.auc": 0.7712 - (3 - version) / 700},
        run_id="1c0ffee1234567890abcdef12345678",
        digest="9f" * 32,
        deployments=("late",) if newest else (),
        created_at=MADE_AT - (3 - version) * 1440 * MINUTE,
    )


def make_model_line() -> models.ModelLine:
    return models.ModelLine("late", None, "3", "3", 3, {"evaluate.auc": 0.7712}, MADE_AT)


def make_deployment() -> deployments.DeploymentPage:
    around = ("gate:late", "step:train", "model:late", "deployment:late", "monitor:late")
    return deployments.DeploymentPage(
        name="late",
        model="late",
        version=3,
        key="flight_id",
        moved_at=MADE_AT,
        history=(
            deployments.Move(2, 3, "7f3a0c1d9e2b44", MADE_AT),
            deployments.Move(1, 2, None, MADE_AT - 999 * MINUTE),
        ),
        is_monitored=True,
        windows=WINDOWS,
        charts=CHARTS,
        psi_limit=0.25,
        alerts=standing_alerts(ALERTS),
        nodes=boxes(*around),
        links=tuple(link for link in LINKS if link.upstream in around and link.downstream in around),
        request="curl http://127.0.0.1:8765/deployments/late/invocations -d '{\"dataframe_records\": []}'",
    )


def make_sql(problem: sql.QueryProblem | None = None) -> sql.SQLPage:
    columns = [("origin", "VARCHAR"), ("flights", "BIGINT"), ("late", "DOUBLE")]
    rows = [("EWR", 120_835, 0.2371), ("JFK", 111_279, 0.2012), ("LGA", 104_662, 0.1904)]
    return sql.SQLPage(
        query="SELECT origin, count(*) AS flights, avg(late) AS late FROM mart.labelled_flights GROUP BY ALL",
        limit=1000,
        result=None if problem else make_grid(columns, rows),
        problem=problem,
        status=400 if problem else 200,
        tables=(sql.SchemaTable("mart.labelled_flights", 328_521, (GridColumn("origin", "VARCHAR"),)),),
    )


def make_past_run(state: str = "failed") -> history.HistoryLine:
    ended = None if state in {"running", "killed"} else 72_000
    return history.HistoryLine(
        "7f3a0c1d9e2b4455",
        state,
        "dev",
        "schedule:nightly",
        "1f2e3d4c5b",
        "main",
        True,
        MADE_AT,
        ended,
        3,
        1,
        1,
        0,
    )


SCHEDULE = history.ScheduleLine(
    "nightly",
    "0 3 * * *",
    "Europe/Berlin",
    MADE_AT + 999 * MINUTE,
    MADE_AT,
    "failed",
    "7f3a0c1d9e2b4455",
    "exit code 1",
)


def make_run_history() -> history.RunHistory:
    new, broken = ("new: never executed",), ("params.rounds: 100 -> 200", "input mart.features: changed")
    return history.RunHistory(
        make_past_run(),
        (
            history.NodeOutcome("table:mart.features", "/data/mart.features", "executed", new, None, 410, 1),
            history.NodeOutcome(
                "step:train", "/lineage?focus=step%3Atrain", "failed", broken, "out of luck", 61_000, 3
            ),
        ),
        (
            history.LogTail("train", 3, "line 1\nRuntimeError: out of luck", True),
            history.LogTail("score", 1, "", False),
        ),
        "ropewalk logs 7f3a0c1d",
    )


ISSUE = issues.IssueLine(
    1, "open", "late breaks its psi limit of 0.25", "late/psi", "2026-11-23T10:00:00+00:00", 1
)
ISSUE_TEXT = """In 2013-12, column temp drifted: PSI 0.318, limit 0.25.

| window | predictions | worst PSI |
|---|---:|---:|
| 2013-12 | 27110 | 0.318 |

To see it again:

```
ropewalk sql "SELECT 1 < 2"
```
"""


METRIC = metrics.MetricLine(
    "late_share",
    "Share of late departures",
    "ratio",
    "mart.flight_features",
    "operations",
    None,
    ("carrier", "month"),
)
QUESTION = questions.QuestionLine("late", "Who is late?", "By carrier and month.", "operations")


def make_samples() -> dict[str, object]:
    """Return a view for each template."""
    line = make_table_line()
    never = make_table_line(
        "raw.weather", kind="source", state="never", rows=None, contract=None, made_at=None
    )
    return {
        "overview.html": make_overview(),
        "tables.html": data.TableList(
            (
                data.Schema("raw", (never,)),
                data.Schema("mart", (line, make_table_line("mart.departures_daily", contract=None))),
            ),
            3,
            14,
        ),
        "table.html": make_table_view(),
        "metrics.html": metrics.MetricList((METRIC,)),
        "metric.html": metrics.MetricPage(
            METRIC, "carrier", "month", "", ("day", "month"), make_sql().result, CHARTS[0], "SELECT 1"
        ),
        "questions.html": questions.QuestionList((QUESTION,)),
        "question.html": questions.QuestionPage(
            QUESTION,
            (
                questions.Field("carrier", "text", "UA", ("UA", "AA")),
                questions.Field("since", "date", "2013-01-01", ()),
            ),
            "SELECT 1",
            {"carrier": "UA"},
            make_sql().result,
            chart=CHARTS[0],
            is_bars=True,
        ),
        "tokens.html": TokensPage(
            "ada",
            (TokenLine("1a2b", "notebook", ("read", "write"), "active", MADE_AT, "2027-02-21", None),),
            (("read", True), ("delete", False)),
            "rw_shown-once",
        ),
        "experiments.html": experiments.ExperimentList(
            (experiments.ExperimentLine("1", "flights", 3, MADE_AT),)
        ),
        "runs.html": make_runs(),
        "run.html": make_run_page(),
        "compare.html": make_comparison(),
        "models.html": models.ModelList((make_model_line(),), ("delay",)),
        "model.html": models.ModelPage(
            make_model_line(),
            tuple(map(make_version_line, (3, 2))),
            (GATE,),
            boxes("gate:late", "model:late"),
            LINKS,
        ),
        "version.html": models.VersionPage(
            model="late",
            line=make_version_line(),
            description=None,
            tags={},
            decision=GATE,
            files=make_run_page().artifacts,
            content="9f" * 32,
            same=("2",),
            state="known",
            report=FilesReport(),
            review=Review("ada", (), (), ()),
            needs={"production": "one more approval"},
            history=(RegistryEvent("late", "registered", actor="ada", happened_at=MADE_AT),),
            nodes=boxes("model:late"),
            links=(),
        ),
        "deployments.html": deployments.DeploymentList(
            (deployments.DeploymentLine("late", "late", 3, MADE_AT, 178_300, "2013-12", 2),), ()
        ),
        "deployment.html": make_deployment(),
        "lineage.html": lineage.LineagePage(
            "model:late", None, None, boxes(), LINKS, 0, 0, tuple(IDS), "/models/late"
        ),
        "history.html": history.History((make_past_run(),), (SCHEDULE,), None, ("dev",), True),
        "history_run.html": make_run_history(),
        "sql.html": make_sql(),
        "issues.html": issues.IssueList((ISSUE,), 1),
        "issue.html": issues.IssuePage(ISSUE, ISSUE_TEXT, "0001-late.md"),
    }


@pytest.fixture
def samples() -> dict[str, object]:
    """Return a view for each template."""
    return make_samples()


@pytest.fixture(scope="session")
def renderer() -> Renderer:
    """Return a renderer for a project called flights."""
    return Renderer("flights", "dev", load_assets())


FILES = {
    "ropewalk.yaml": """
        project: flights
        sources:
          flights: {kind: files, path: "landing/*.csv"}
        gates:
          late: [{metric: evaluate.auc, min: 0.76}]
        deploy:
          late: {model: late, key: flight_id}
        monitor:
          late:
            by: month
            time: scheduled_at
            labels: {table: mart.features, key: flight_id, column: late}
            limits: {psi: 0.25, auc: {min: 0.70}, rate_shift: 0.08}
        """,
    "landing/flights.csv": "flight_id,distance,late\\nUA1,1400,0\\n",
    "tables/mart/features.sql": """
        -- What was known of each flight two hours before its departure
        SELECT flight_id, distance, late FROM raw.flights
        """,
    "tables/mart/daily.sql": "SELECT count(*) AS flights FROM mart.features",
    "metrics/punctuality.yaml": """
        table: mart.features
        dimensions: {flight: flight_id}
        measures:
          flights: {kind: count, description: Flights with what was known of them}
        """,
    "questions/longest.sql": """
        -- title: The longest flights
        -- chart: bar x=flight_id y=distance
        SELECT flight_id, distance FROM mart.features ORDER BY distance DESC, flight_id LIMIT 5
        """,
    "contracts/mart.features.odcs.yaml": """
        apiVersion: v3.1.0
        kind: DataContract
        id: features
        version: 1.0.0
        status: active
        schema:
          - name: mart.features
            properties:
              - name: flight_id
                logicalType: string
                description: Carrier, number and scheduled time
                required: true
                primaryKey: true
        """,
    "steps/train.py": """
        from ropewalk import Metrics, Model, Table, step

        @step(model="late")
        def train(features: Table, *, rounds: int = 200) -> Model: ...

        @step
        def evaluate(train: Model, features: Table) -> Metrics: ...
        """,
}
PIPELINE_RUN = "7f3a0c1d9e2b4455"
SUMMARIES: dict[str, dict[str, object]] = {
    "source:flights": {"rows": 2},
    "table:mart.features": {
        "rows": 2,
        "contract": {
            "checks": 2,
            "passed": 1,
            "warnings": ["unique: 1 row"],
            "failed": [{"severity": "warning", "sample": [{"flight_id": "7", "who": "***"}]}],
        },
    },
    "step:evaluate": {"metrics": {"auc": 0.7712}},
    "gate:late": {"verdict": "passed"},
    "model:late": {"version": "1"},
    "deployment:late": {"version": 1},
}
ORIGINS = [f"file:landing/2013-{month:02}.csv" for month in range(1, 7)]


def write_flights(root: Path) -> Path:
    """Write the flagship in small below `root` and return its folder."""
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip(), encoding="utf-8")
    return root


def open_at(root: Path) -> Workspace:
    """Open the project at `root`; the caller closes it."""
    return Workspace(load_project(root, plugins.sections()), load_settings({}))


def fill(workspace: Workspace) -> str:
    """Give the small flagship a state as runs of it leave behind; return the id of its tracked run."""
    fill_lake(workspace)
    run_id = fill_tracking(workspace)
    fill_registry(workspace, run_id)
    fill_monitoring(workspace)
    fill_pipeline(workspace, run_id)
    return run_id


def fill_lake(workspace: Workspace) -> None:
    with open_lake(workspace).transaction("made by a test") as lake:
        lake.replace(
            "raw.flights",
            "SELECT 'UA' || i AS flight_id, 1400.5 AS distance, i % 2 AS late FROM range(2) r(i)",
        )
        lake.replace("mart.features", "SELECT flight_id, distance, NULL::BIGINT AS late FROM raw.flights")


def fill_tracking(workspace: Workspace) -> str:
    run_ids = [
        create_run(workspace, "flights", f"train-{n}", {"ropewalk.node": "step:train"}, {"rounds": str(n)})
        for n in (100, 200)
    ]
    for number, run_id in enumerate(run_ids):
        log_metrics(workspace, run_id, {"auc": 0.76 + number / 100})
        finish_run(workspace, run_id, "FINISHED")
    return run_ids[-1]


def fill_registry(workspace: Workspace, run_id: str) -> None:
    stored = workspace.objects.put_bytes(b"flavors: {}")
    artifact = Artifact("MLmodel", stored.digest, stored.size)
    new = NewVersion(
        "late", "models:/m-1", "models:/m-1", "9f" * 32, run_id=run_id, metrics={"evaluate.auc": 0.7712}
    )
    with workspace.database.write() as connection:
        put_artifact(connection, artifact)
        insert_model(connection, "late", "Which departures are late", {})
        insert_version(connection, new, [artifact])
        set_alias(connection, "late", "production", "1")
    record_decision(workspace.database, "late", "g" * 64, PIPELINE_RUN, GATE.results[:1])
    move_deployment(
        workspace.database,
        "dev",
        "late",
        Target("late", 1, "9f" * 32, "flight_id"),
        expected=0,
        run_id=PIPELINE_RUN,
    )


def fill_monitoring(workspace: Workspace) -> None:
    replace_windows(workspace.database, "late", WINDOWS)
    issues_folder = IssueFiles(workspace.state / "issues")
    for alert in ALERTS:
        issue = issues_folder.open(f"late breaks its {alert.limit} limit", f"late/{alert.limit}", ISSUE_TEXT)
        raise_alert(workspace.database, replace(alert, issue=issue.number))


def fill_pipeline(workspace: Workspace, run_id: str) -> None:
    """Record every node as executed but one, and with it what came from outside and what was made."""
    graph = declare_graph(workspace.project, plugins.kinds())
    start_run(
        workspace.database, RunRow(PIPELINE_RUN, "dev", "running", "1f2e3d4c", "main", False, MADE_AT, None)
    )
    for node_id, node in graph.nodes.items():
        if node_id == "table:mart.daily":
            continue
        edges = [EdgeRow(up, node_id, "input") for up in graph.inputs[node_id].values()]
        edges += [EdgeRow(origin, node_id, "origin") for origin in ORIGINS if node_id == "source:flights"]
        edges += [EdgeRow(node_id, f"run:{run_id}", "product") for _ in "1" if node_id == "step:train"]
        edges += [EdgeRow(node_id, "model_version:late/1", "product") for _ in "1" if node_id == "model:late"]
        output = {
            "digest": "d" * 64,
            # What the lake of this state has was written by its newest snapshot.
            "reference": f"snapshot:{open_lake(workspace).snapshot()}",
            "summary": SUMMARIES.get(node_id, {}),
            "observed": None,
            "origins": [],
            "makes": [],
        }
        row = ActionRow(
            node_id.ljust(64, "0"),
            node_id,
            node_id,
            dict(node.facts),
            {},
            {},
            json.dumps(output),
            PIPELINE_RUN,
            1,
            2,
            MADE_AT,
        )
        with workspace.database.write() as connection:
            record_action(connection, row, "dev")
            replace_edges(connection, node_id, edges)
            record_node_run(
                connection, NodeRunRow(PIPELINE_RUN, node_id, "executed", [], None, MADE_AT, MADE_AT)
            )
    finish_pipeline_run(workspace.database, PIPELINE_RUN, "succeeded")


@pytest.fixture(scope="session")
def flights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """Return the small flagship with a state; tests only read it."""
    with open_at(write_flights(tmp_path_factory.mktemp("flights"))) as workspace:
        fill(workspace)
        yield workspace


@pytest.fixture
def flights_root(tmp_path: Path) -> Path:
    """Return the folder of a small flagship of the test's own, before its first run."""
    return write_flights(tmp_path)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Return a headless Chromium; without one these tests fail and say what to install."""
    # Here, because two would be in each other's way; imported late, as most tests of pages need none.
    from page_checks import headless

    with headless() as found:
        yield found


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Workspace]:
    """Return the small flagship before its first run."""
    with open_at(write_flights(tmp_path)) as workspace:
        yield workspace


Get = Callable[..., httpx.Response]
BROWSER = {"accept": "text/html,application/xhtml+xml"}


def make_get(app: Starlette) -> Get:
    """Return a function that asks `app` for a path, as a browser unless headers say otherwise."""

    def get(
        path: str, method: str = "GET", headers: Mapping[str, str] = BROWSER, **options: object
    ) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8765") as client:
                return await client.request(method, path, headers=dict(headers), **options)  # type: ignore[arg-type]

        return asyncio.run(ask())

    return get


@pytest.fixture
def get_from() -> Callable[[Starlette], Get]:
    """Return a function that makes a way to ask an application of the test's own."""
    return make_get


@pytest.fixture
def get(flights: Workspace) -> Get:
    """Return a function that asks the application of the small flagship for a path."""
    return make_get(create_app(flights, plugins.routes(flights)))


@pytest.fixture
def get_empty(empty: Workspace) -> Get:
    """Return a function that asks the application of a project that never ran for a path."""
    return make_get(create_app(empty, plugins.routes(empty)))
