"""Figures over many traces, and how two filters go together."""

from __future__ import annotations

import math
import statistics
from typing import Any

import pytest

from ropewalk.mlops.tracking.traces.correlation import Correlation
from ropewalk.mlops.tracking.traces.measures import Aggregation

from .conftest import SECOND, Call, Export, span


@pytest.fixture(scope="module")
def measured(call: Call, v3: Call, export: Export) -> str:
    """Return an experiment with five traces of one to five seconds, at one to five minutes."""
    experiment = str(call("POST", "experiments/create", json={"name": "measured"})["experiment_id"])
    for n in range(1, 6):
        times = {"startTimeUnixNano": str(n * 60 * SECOND), "endTimeUnixNano": str((n * 60 + n) * SECOND)}
        usage = {"input_tokens": n, "output_tokens": 10 * n, "total_tokens": 11 * n}
        attributes = {"mlflow.chat.tokenUsage": usage, "mlflow.llm.model": f"m{n % 2}"}
        attributes["mlflow.llm.cost"] = {"total_cost": n / 4}
        status = {"code": 2} if n == 5 else {}
        root = span(1, name="even" if n % 2 == 0 else "odd", status=status, attributes=attributes, **times)
        trace = export(root, into=experiment)
        said = {"assessment_name": "score", "feedback": {"value": n}}
        v3("POST", f"traces/{trace}/assessments", json={"assessment": said})
    return experiment


@pytest.fixture
def ask(v3: Call, measured: str) -> Any:
    """Return a function that asks for figures and returns [(dimensions, values)]."""

    def measure(view: str, name: str, *kinds: Any, status: int = 200, **fields: Any) -> Any:
        how = [kind if isinstance(kind, dict) else {"aggregation_type": kind} for kind in kinds]
        sent = {"experiment_ids": [measured], "view_type": view, "metric_name": name, "aggregations": how}
        answer = v3("POST", "traces/metrics", status, json={**sent, **fields})
        points = answer.get("data_points", [])
        return answer if status != 200 else [(p.get("dimensions", {}), p["values"]) for p in points]

    return measure


def test_counts_in_groups(ask: Any) -> None:
    """Traces are counted by name and by how they ended."""
    assert ask("TRACES", "trace_count", "COUNT") == [({}, {"COUNT": 5})]
    assert ask("TRACES", "trace_count", "COUNT", dimensions=["trace_name", "trace_status"]) == [
        ({"trace_name": "even", "trace_status": "OK"}, {"COUNT": 2}),
        ({"trace_name": "odd", "trace_status": "ERROR"}, {"COUNT": 1}),
        ({"trace_name": "odd", "trace_status": "OK"}, {"COUNT": 2}),
    ]


def test_latencies(ask: Any) -> None:
    """Durations have averages and percentiles."""
    median = {"aggregation_type": "PERCENTILE", "percentile_value": 50}

    [(_, values)] = ask("TRACES", "latency", "AVG", median, {"aggregation_type": 4, "percentile_value": 90})

    assert values == {"AVG": 3000, "P50.0": 3000, "P90.0": 4600}


def test_tokens_and_costs(ask: Any) -> None:
    """Tokens of traces and costs of spans are summed."""
    assert ask("TRACES", "output_tokens", "SUM", "MAX") == [({}, {"SUM": 150, "MAX": 50})]
    assert ask("SPANS", "total_cost", "SUM", dimensions=["span_model_name"]) == [
        ({"span_model_name": "m0"}, {"SUM": 1.5}),
        ({"span_model_name": "m1"}, {"SUM": 2.25}),
    ]


def test_assessments_are_averaged(ask: Any) -> None:
    """Values of assessments are counted and averaged."""
    assert ask("ASSESSMENTS", "assessment_value", "AVG", dimensions=["assessment_name"]) == [
        ({"assessment_name": "score"}, {"AVG": 3})
    ]
    counted = ask("ASSESSMENTS", "assessment_count", "COUNT", dimensions=["assessment_value"])
    assert counted[0] == ({"assessment_value": "1"}, {"COUNT": 1})


def test_intervals_of_time(ask: Any) -> None:
    """Figures are told apart by intervals of time, within limits."""
    points = ask(
        "TRACES",
        "trace_count",
        "COUNT",
        time_interval_seconds=120,
        start_time_ms=120_000,
        end_time_ms=240_000,
    )

    assert points == [
        ({"time_bucket": "1970-01-01T00:02:00+00:00"}, {"COUNT": 2}),
        ({"time_bucket": "1970-01-01T00:04:00+00:00"}, {"COUNT": 1}),
    ]


@pytest.mark.parametrize(
    ("view", "name", "text", "count"),
    [
        ("TRACES", "trace_count", "trace.status = 'ERROR'", 1),
        ("TRACES", "trace_count", "trace.tag.`mlflow.traceName` = 'even'", 2),
        ("TRACES", "trace_count", "trace.metadata.`mlflow.trace_schema.version` = '3'", 5),
        ("SPANS", "span_count", "span.name = 'odd'", 3),
        ("SPANS", "span_count", "span.status = 'ERROR'", 1),
        ("ASSESSMENTS", "assessment_count", "assessment.type = 'feedback'", 5),
    ],
)
def test_filters(ask: Any, view: str, name: str, text: str, count: int) -> None:
    """Figures are narrowed by what traces, spans and assessments say."""
    assert ask(view, name, "COUNT", filters=[text]) == [({}, {"COUNT": count})]


@pytest.mark.parametrize(
    "asked",
    [
        ("TRACES", "nothing", "COUNT", {}),
        ("TRACES", "trace_count", "SUM", {}),
        ("TRACES", "trace_count", "COUNT", {"dimensions": ["span_name"]}),
        ("TRACES", "latency", "PERCENTILE", {}),
        ("TRACES", "latency", {"aggregation_type": "PERCENTILE", "percentile_value": 101}, {}),
        ("TRACES", "latency", {"aggregation_type": "AVG", "percentile_value": 1}, {}),
        ("TRACES", "trace_count", "COUNT", {"time_interval_seconds": 60}),
        (
            "TRACES",
            "trace_count",
            "COUNT",
            {"time_interval_seconds": -1, "start_time_ms": 0, "end_time_ms": 1},
        ),
        ("TRACES", "trace_count", "COUNT", {"filters": ["span.name = 'x'"]}),
        ("TRACES", "trace_count", "COUNT", {"filters": ["trace.name = 'x'"]}),
        ("TRACES", "trace_count", "COUNT", {"filters": ["trace.tag = 'x'"]}),
        ("TRACES", "trace_count", "COUNT", {"filters": [""]}),
        ("TRACES", "trace_count", "COUNT", {"filters": ["trace.status = 'OK' AND trace.status = 'OK'"]}),
        ("TRACES", "trace_count", "COUNT", {"max_results": 0}),
        ("OTHER", "trace_count", "COUNT", {}),
    ],
)
def test_bad_questions_are_refused(ask: Any, asked: tuple[str, str, Any, dict[str, Any]]) -> None:
    """What cannot be measured is refused."""
    view, name, kind, fields = asked

    ask(view, name, kind, status=400, **fields)


def test_percentiles_are_pythons() -> None:
    """Percentiles interpolate as the standard library's inclusive quantiles do."""
    values = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0]

    assert Aggregation("PERCENTILE", 25).of(values) == statistics.quantiles(values, method="inclusive")[0]


@pytest.mark.parametrize(
    ("counts", "npmi"),
    [
        ((0, 5, 0, 10), math.nan),
        ((5, 5, 0, 0), math.nan),
        ((5, 5, 0, 10), -1.0),
        ((10, 10, 10, 10), 1.0),
        ((5, 4, 2, 10), 0.0),
    ],
)
def test_correlation(counts: tuple[int, int, int, int], npmi: float) -> None:
    """Filters that never meet, always meet, and meet by chance."""
    found = Correlation(*counts)

    assert found.npmi == pytest.approx(npmi, nan_ok=True)
    assert math.isnan(npmi) or -1 <= found.npmi_smoothed <= 1


def test_correlation_of_filters(v3: Call, measured: str) -> None:
    """Traces are counted under each filter, both, and among all that count."""
    asked = {
        "experiment_ids": [measured],
        "filter_string1": "name = 'odd'",
        "filter_string2": "span.status = 'ERROR'",
        "base_filter": "timestamp_ms > 60000",
    }

    answer = v3("POST", "traces/calculate-filter-correlation", json=asked)

    names = ("total_count", "filter1_count", "filter2_count", "joint_count")
    assert [answer[name] for name in names] == [4, 2, 1, 1]
    assert answer["npmi"] == pytest.approx(0.5)
