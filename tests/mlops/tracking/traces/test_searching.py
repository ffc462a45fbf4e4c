"""Searching traces: the whole language, orderings, pages and totals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ropewalk.mlops.tracking.traces import count_traces
from ropewalk.pipeline import Workspace

from .conftest import SECOND, Call, Export, span

Found = Callable[..., list[str]]


@pytest.fixture(scope="module")
def traced(call: Call, v3: Call, export: Export) -> str:
    """Return an experiment with three traces: `fast`, `slow` and `wrong`."""
    experiment = str(call("POST", "experiments/create", json={"name": "traced"})["experiment_id"])
    run = call("POST", "runs/create", json={"experiment_id": experiment, "start_time": 1})["run"]["info"][
        "run_id"
    ]
    asked = {"mlflow.spanInputs": {"question": "What is a 50% share?"}, "team": "blue"}
    fast = export(
        span(1, name="fast", attributes={"session.id": "s1"}),
        span(2, parent=1, name="ask", attributes={"mlflow.spanType": "LLM", **asked}),
        into=experiment,
    )
    late = {"startTimeUnixNano": str(1001 * SECOND), "endTimeUnixNano": str(1002 * SECOND)}
    slow = export(
        span(1, name="slow", startTimeUnixNano=str(1001 * SECOND), endTimeUnixNano=str(1009 * SECOND)),
        span(2, parent=1, name="ask", attributes={"mlflow.spanType": "TOOL", "model name": "m-1"}, **late),
        span(3, parent=1, name="other", attributes={"mlflow.spanType": "LLM"}, **late),
        into=experiment,
    )
    wrong = export(
        span(
            1, name="wrong", status={"code": 2, "message": "timed out"}, startTimeUnixNano=str(1002 * SECOND)
        )
        | {"endTimeUnixNano": str(1005 * SECOND)},
        into=experiment,
    )
    call("PATCH", f"traces/{fast}/tags", json={"key": "env", "value": "prod"})
    call("PATCH", f"traces/{slow}/tags", json={"key": "env", "value": "Dev"})
    call("POST", "traces/link-to-run", json={"trace_ids": [slow, wrong], "run_id": run})
    prompts = {"trace_id": wrong, "prompt_versions": [{"name": "greet", "version": "2"}]}
    call("POST", "traces/link-prompts", json=prompts)
    for trace, content in (
        (fast, {"assessment_name": "good", "feedback": {"value": True}}),
        (slow, {"assessment_name": "good", "feedback": {"value": "no"}}),
        (wrong, {"assessment_name": "expected", "expectation": {"value": 5}}),
        (wrong, {"assessment_name": "i-1", "issue": {"issue_name": "i-1"}}),
    ):
        v3("POST", f"traces/{trace}/assessments", json={"assessment": content})
    call("PATCH", f"traces/{fast}/tags", json={"key": "run", "value": run})
    return experiment


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", "wrong slow fast"),
        ("status = 'OK'", "slow fast"),
        ("attributes.status != 'OK'", "wrong"),
        ("trace.status IN ('ERROR', 'IN_PROGRESS')", "wrong"),
        ("status NOT IN ('ERROR')", "slow fast"),
        ("timestamp_ms > 1000000 AND timestamp < 1002000", "slow"),
        ("execution_time_ms >= 3000", "wrong slow"),
        ("execution_time = 8000", "slow"),
        ("end_time <= 1001000", "fast"),
        ("name = 'fast'", "fast"),
        ("trace.name LIKE '%o%'", "wrong slow"),
        ("name ILIKE 'WRO%'", "wrong"),
        ("name IN ('fast', 'slow')", "slow fast"),
        ("name RLIKE '^(fast|slow)$'", "slow fast"),
        ("tags.env = 'prod'", "fast"),
        ("tag.env ILIKE 'dev'", "slow"),
        ("tags.`env` IS NULL", "wrong"),
        ("tags.env IS NOT NULL", "slow fast"),
        ("tags.env RLIKE 'e'", "slow"),
        ("metadata.`mlflow.trace.session` = 's1'", "fast"),
        ("request_metadata.mlflow.trace.session IS NULL", "wrong slow"),
        ("prompt = 'greet/2'", "wrong"),
        ("prompt = 'greet/1'", ""),
        ("span.name = 'ask'", "slow fast"),
        ("span.name = 'ask' AND span.type = 'LLM'", "fast"),
        ("span.type IN ('TOOL', 'AGENT')", "slow"),
        ("span.status = 'ERROR'", "wrong"),
        ("span.attributes.team = 'blue'", "fast"),
        ("span.attributes.`model name` LIKE 'm-%'", "slow"),
        ("span.attributes.team RLIKE '^b.*e$'", "fast"),
        ("trace.text LIKE '%timed out%'", "wrong"),
        ("text ILIKE '%WHAT IS%'", "fast"),
        ("trace.text LIKE '%50\\% share%'", ""),
        ("feedback.good = 'true'", "fast"),
        ("feedback.good = 'no'", "slow"),
        ("feedback.good != 'no'", "fast"),
        ("feedback.good IS NULL", "wrong"),
        ("feedback.good IS NOT NULL", "slow fast"),
        ("feedback.good RLIKE 'n.'", "slow"),
        ("expectation.expected = '5'", "wrong"),
        ("expectation.good IS NOT NULL", ""),
        ("issue.id = 'i-1'", "wrong"),
        ("status = 'OK' AND tags.env = 'prod' AND span.name = 'ask' AND feedback.good = 'true'", "fast"),
    ],
)
def test_filters(found: Found, traced: str, text: str, names: str) -> None:
    """Each part of the language finds what it says."""
    assert found(traced, text) == names.split()


def test_runs_find_their_traces(call: Call, found: Found, traced: str) -> None:
    """A run finds the traces that are linked to it."""
    run = call("POST", "runs/search", json={"experiment_ids": [traced]})["runs"][0]["info"]["run_id"]

    assert found(traced, f"run_id = '{run}'") == ["wrong", "slow"]
    assert found(traced, f"attribute.run_id IN ('{run}')") == ["wrong", "slow"]


@pytest.mark.parametrize(
    ("order_by", "names"),
    [
        (["timestamp_ms ASC"], "fast slow wrong"),
        (["execution_time DESC"], "slow wrong fast"),
        (["name ASC"], "fast slow wrong"),
        (["tags.env ASC"], "slow fast wrong"),
        (["tags.env DESC"], "fast slow wrong"),
        (["status ASC", "execution_time ASC"], "wrong fast slow"),
        (["metadata.`mlflow.trace.session` ASC"], "fast wrong slow"),
        (["run_id DESC", "timestamp ASC"], "fast slow wrong"),
    ],
)
def test_orderings(found: Found, traced: str, order_by: list[str], names: str) -> None:
    """Traces are ordered by what is asked, those without it last."""
    assert found(traced, None, *order_by) == names.split()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("stauts = 'OK'", "Valid keys"),
        ("spam.name = 'x'", "Invalid entity type"),
        ("params.x = 'y'", "Invalid entity type"),
        ("span.nam = 'x'", "Invalid span key"),
        ("issue.name = 'x'", "Invalid issue key"),
        ("issue.id LIKE 'x'", "Invalid comparator"),
        ("prompt LIKE 'x'", "Invalid comparator"),
        ("trace.text = 'x'", "Invalid comparator"),
        ("timestamp_ms = 'x'", "numeric value"),
        ("status = 5", "quoted string"),
        ("timestamp_ms LIKE 'x'", "Invalid comparator"),
        ("name RLIKE '('", "Invalid regular expression"),
        ("status = 'OK' OR status = 'ERROR'", "Invalid clause"),
        ("status = 'OK' AND", "nothing follows"),
    ],
)
def test_bad_filters_are_refused(v3: Call, traced: str, text: str, words: str) -> None:
    """What a filter cannot say is refused, and what it can is named."""
    place = [{"mlflow_experiment": {"experiment_id": traced}}]

    answer = v3("POST", "traces/search", 400, json={"locations": place, "filter": text})

    assert words in answer["message"]


@pytest.mark.parametrize("order", ["span.name ASC", "feedback.good DESC", "prompt", "text", "name SIDEWAYS"])
def test_bad_orderings_are_refused(v3: Call, traced: str, order: str) -> None:
    """What a trace has many of orders nothing."""
    place = [{"mlflow_experiment": {"experiment_id": traced}}]

    v3("POST", "traces/search", 400, json={"locations": place, "order_by": [order]})


def test_a_hostile_pattern_takes_no_time(found: Found, fresh: str, export: Export) -> None:
    """A pattern that takes other engines for ever takes this one as long as the text is."""
    export(span(1, name="a" * 400), into=fresh)

    assert found(fresh, r"name RLIKE '^(a+)+$'") == ["a" * 400]
    assert found(fresh, r"name RLIKE '^(a|aa)+$b'") == []


def test_pages_and_totals(v3: Call, workspace: Workspace, traced: str) -> None:
    """Pages meet without gaps, and the total is known beside them."""
    asked: dict[str, Any] = {
        "locations": [{"mlflow_experiment": {"experiment_id": traced}}],
        "max_results": 2,
    }
    first = v3("POST", "traces/search", json=asked)

    second = v3("POST", "traces/search", json={**asked, "page_token": first["next_page_token"]})

    assert [len(page["traces"]) for page in (first, second)] == [2, 1]
    assert "next_page_token" not in second
    assert count_traces(workspace, [traced]) == 3
    assert count_traces(workspace, [traced], "span.name = 'ask'") == 2
    other = {**asked, "filter": "status = 'OK'", "page_token": first["next_page_token"]}
    assert "page token" in v3("POST", "traces/search", 400, json=other)["message"]


@pytest.mark.parametrize(
    "asked", [{}, {"locations": [{}], "max_results": 0}, {"locations": [{}], "max_results": 501}]
)
def test_bad_searches_are_refused(v3: Call, asked: dict[str, Any]) -> None:
    """Without a place or with a page that is none there is no search."""
    v3("POST", "traces/search", 400, json=asked)


def test_no_experiment_finds_nothing(found: Found) -> None:
    """An id that is no number names no experiment."""
    assert found("catalog.schema") == []


def test_legacy_search(call: Call, traced: str) -> None:
    """Clients of before 3.0 search by the older route."""
    answer = call("GET", "traces", params={"experiment_ids": [traced], "filter": "status = 'ERROR'"})

    [trace] = answer["traces"]
    assert (trace["status"], trace["timestamp_ms"], trace["execution_time_ms"]) == ("ERROR", 1_002_000, 3000)
    assert {"key": "mlflow.traceName", "value": "wrong"} in trace["tags"]


def test_a_session_is_judged_as_a_whole(
    call: Call, v3: Call, export: Export, found: Found, fresh: str
) -> None:
    """An assessment that speaks of a session counts for each of its traces."""
    first, _ = (
        export(span(1, name=name, attributes={"session.id": "both"}), into=fresh) for name in ("one", "two")
    )
    export(span(1, name="three"), into=fresh)
    said = {
        "assessment_name": "nice",
        "feedback": {"value": "yes"},
        "metadata": {"mlflow.trace.session": "both"},
    }
    v3("POST", f"traces/{first}/assessments", json={"assessment": said})

    assert sorted(found(fresh, "feedback.nice = 'yes'")) == ["one", "two"]
    assert found(fresh, "feedback.nice IS NULL") == ["three"]
