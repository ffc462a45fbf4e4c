"""Spans in any order and more than once, and what is derived of a trace from them."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import permutations
from typing import Any

import pytest

from .conftest import SECOND, Call, Export, fresh_id, span


def _usage(tokens: int) -> dict[str, Any]:
    return {
        "mlflow.chat.tokenUsage": {"input_tokens": tokens, "output_tokens": 1, "total_tokens": tokens + 1}
    }


def _info(v3: Call, trace: str) -> dict[str, Any]:
    return dict(v3("GET", f"traces/{trace}")["trace"]["trace_info"])


def test_a_retried_export_doubles_nothing(export: Export, v3: Call, rows: Callable[[str], int]) -> None:
    """The same spans again change nothing: no row, no token."""
    sent = [span(1), span(2, parent=1, attributes=_usage(5))]
    trace = export(*sent)
    before = {
        table: rows(table) for table in ("span", "span_segment", "span_attribute", "span_figure", "trace_tag")
    }
    info = _info(v3, trace)

    export(*sent, trace=trace[3:])

    assert {table: rows(table) for table in before} == before
    assert _info(v3, trace) == info
    assert json.loads(info["trace_metadata"]["mlflow.trace.tokenUsage"])["input_tokens"] == 5


def test_a_retry_in_other_parts_doubles_nothing(export: Export, v3: Call, rows: Callable[[str], int]) -> None:
    """Spans that come again in another export are the same spans, and the room they took is given back."""
    one, two = span(1), span(2, parent=1, attributes=_usage(5))
    trace = export(one, two)
    before = rows("span_segment")

    export(two, trace=trace[3:])
    export(one, trace=trace[3:])

    assert rows("span_segment") == before + 1
    kept = v3("GET", f"traces/get?trace_id={trace}")["trace"]
    assert [item["name"] for item in kept["spans"]] == ["span 1", "span 2"]
    assert '"input_tokens": 5' in kept["trace_info"]["trace_metadata"]["mlflow.trace.tokenUsage"]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_any_order_gives_one_trace(export: Export, v3: Call, order: tuple[int, ...]) -> None:
    """Spans of one trace in three requests, in any order, come to the same trace."""
    sent = [
        span(1, status={"code": 2, "message": "broken"}, endTimeUnixNano=str(1009 * SECOND)),
        span(2, parent=1, startTimeUnixNano=str(999 * SECOND)),
        span(3, parent=2, attributes=_usage(7)),
    ]
    trace = fresh_id()

    for place in order:
        export(sent[place], trace=trace)

    kept = v3("GET", f"traces/get?trace_id=tr-{trace}")["trace"]
    info = kept["trace_info"]
    assert [one["name"] for one in kept["spans"]] == ["span 1", "span 2", "span 3"]
    assert (info["state"], info["request_time"], info["execution_duration"]) == (
        "ERROR",
        "1970-01-01T00:16:39Z",
        "10s",
    )
    assert info["tags"]["mlflow.traceName"] == "span 1"


def test_a_span_that_goes_on(export: Export, v3: Call) -> None:
    """A span without an end is in progress; once it has ended, its beginning is not taken for news."""
    running = span(1)
    del running["endTimeUnixNano"]
    trace = export(running)
    assert _info(v3, trace)["state"] == "IN_PROGRESS"
    assert "execution_duration" not in _info(v3, trace)

    export(span(1), trace=trace[3:])
    export(running, trace=trace[3:])

    assert _info(v3, trace)["state"] == "OK"
    assert "end_time_unix_nano" in v3("GET", f"traces/get?trace_id={trace}")["trace"]["spans"][0]


def test_usage_of_a_parent_contains_its_childrens(export: Export, v3: Call) -> None:
    """What a span counts contains what the spans below it count."""
    trace = export(
        span(1),
        span(2, parent=1, attributes=_usage(10)),
        span(3, parent=2, attributes=_usage(4)),
        span(4, parent=1, attributes=_usage(1)),
    )

    usage = json.loads(_info(v3, trace)["trace_metadata"]["mlflow.trace.tokenUsage"])

    assert usage == {"input_tokens": 11, "output_tokens": 2, "total_tokens": 13}


def test_costs_are_summed(export: Export, v3: Call) -> None:
    """Costs of spans come to the cost of the trace."""
    cost = {"input_cost": 0.25, "output_cost": 0.5, "total_cost": 0.75}
    trace = export(span(1), *(span(n, parent=1, attributes={"mlflow.llm.cost": cost}) for n in (2, 3)))

    assert json.loads(_info(v3, trace)["trace_metadata"]["mlflow.trace.cost"])["total_cost"] == 1.5


def test_what_the_client_says_stands(export: Export, v3: Call, experiment: str) -> None:
    """A trace's own description is heeded over what spans tell, whichever comes first."""
    info = {
        "trace_location": {"type": 1, "mlflow_experiment": {"experiment_id": experiment}},
        "request_time": "1970-01-01T00:16:40.5Z",
        "execution_duration": "2.250s",
        "state": "OK",
        "request_preview": "mine",
        "trace_metadata": {"mlflow.trace.tokenUsage": '{"input_tokens": 1}'},
        "tags": {"mlflow.traceName": "mine"},
    }
    for is_first in (True, False):
        identifier = fresh_id()
        steps = [
            lambda trace=identifier: v3(
                "POST", "traces", json={"trace": {"trace_info": {"trace_id": f"tr-{trace}", **info}}}
            ),
            lambda trace=identifier: export(
                span(1, attributes={"mlflow.spanInputs": "theirs", **_usage(9)}), trace=trace
            ),
        ]
        for step in steps if is_first else reversed(steps):
            step()

        kept = _info(v3, f"tr-{identifier}")
        assert kept["request_preview"] == "mine"
        assert kept["tags"]["mlflow.traceName"] == "mine"
        assert kept["trace_metadata"]["mlflow.trace.tokenUsage"] == '{"input_tokens": 1}'
        assert kept["tags"]["mlflow.trace.spansLocation"] == "TRACKING_STORE"


def test_previews_show_what_was_said(export: Export, v3: Call) -> None:
    """Of a conversation the list shows the last message, of other values their beginning."""
    messages = {"messages": [{"role": "user", "content": "first"}, {"role": "user", "content": "second"}]}
    trace = export(span(1, attributes={"mlflow.spanInputs": messages, "mlflow.spanOutputs": "x" * 2000}))

    info = _info(v3, trace)

    assert info["request_preview"] == "second"
    assert len(info["response_preview"]) == 1000
    assert info["response_preview"].endswith("...")


def test_session_and_user_are_kept(export: Export, v3: Call) -> None:
    """OpenTelemetry's session and user become MLflow's."""
    trace = export(span(1, attributes={"session.id": "s-1", "user.id": "ada"}))

    metadata = _info(v3, trace)["trace_metadata"]

    assert (metadata["mlflow.trace.session"], metadata["mlflow.trace.user"]) == ("s-1", "ada")


def test_spans_of_several_traces_in_one_export(export: Export, v3: Call) -> None:
    """One export may have spans of many traces."""
    other = fresh_id()

    trace = export(span(1), span(1, name="other") | {"traceId": other})

    assert len(v3("GET", f"traces/get?trace_id={trace}")["trace"]["spans"]) == 1
    assert _info(v3, f"tr-{other}")["tags"]["mlflow.traceName"] == "other"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"trace_id": "../../up"}, "trace_id"),
        ({"trace_id": ""}, "trace_id"),
        ({"trace_id": "tr-" + "x" * 200}, "trace_id"),
        ({"request_time": "yesterday"}, "request_time"),
        ({"request_time": "1969-01-01T00:00:00Z"}, "request_time"),
        ({"execution_duration": "5"}, "execution_duration"),
        ({"state": "DONE"}, "trace"),
        ({"tags": {"a": "x" * 9000}}, "maximum length"),
        ({"tags": {"": "x"}}, "without a name"),
        ({"trace_metadata": {"a" * 300: "x"}}, "maximum length"),
        ({"trace_location": {}}, "experiment_id"),
    ],
)
def test_bad_descriptions_are_refused(v3: Call, experiment: str, change: dict[str, Any], words: str) -> None:
    """What of a trace's description does not fit is named."""
    info = {
        "trace_id": f"tr-{fresh_id()}",
        "trace_location": {"mlflow_experiment": {"experiment_id": experiment}},
        "request_time": "1970-01-01T00:00:01Z",
    }

    answer = v3("POST", "traces", 400, json={"trace": {"trace_info": {**info, **change}}})

    assert words in answer["message"]


def test_spans_in_other_words_are_read_in_mlflows(
    export: Export, v3: Call, found: Callable[..., list[str]], fresh: str
) -> None:
    """A trace of OpenInference and of GenAI has inputs, types, models and the tokens of all its spans."""
    agent = {"openinference.span.kind": "AGENT", "input.value": '{"q": 1}', "output.value": "Bye!"}
    call = {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 7, "gen_ai.request.model": "m"}
    counts = {"llm.token_count.prompt": 2, "llm.token_count.completion": 3}
    trace = export(
        span(1, attributes=agent, name="asked"),
        span(2, parent=1, attributes=call),
        span(3, parent=1, attributes=counts),
        into=fresh,
    )

    info = _info(v3, trace)
    kept = v3("GET", f"traces/get?trace_id={trace}")["trace"]["spans"][0]["attributes"]

    assert (info["request_preview"], info["response_preview"]) == ('{"q": 1}', '"Bye!"')
    usage = json.loads(info["trace_metadata"]["mlflow.trace.tokenUsage"])
    assert usage == {"input_tokens": 9, "output_tokens": 3, "total_tokens": 12}
    # What a span said in its own words is kept beside it.
    by_key = {one["key"]: one["value"] for one in kept}
    assert by_key["input.value"] == {"string_value": '{"q": 1}'}
    assert by_key["mlflow.spanInputs"] == {
        "kvlist_value": {"values": [{"key": "q", "value": {"int_value": 1}}]}
    }
    assert found(fresh, "span.type = 'CHAT_MODEL' AND span.attributes.mlflow.llm.model = 'm'") == ["asked"]
    assert found(fresh, "span.type = 'LLM'") == []


def test_hostile_words_do_not_lose_a_span(export: Export, v3: Call) -> None:
    """Texts that no database or encoding holds are replaced in what is read of them, and the span is kept."""
    text = '{"half": "\\ud800", "\\u0000": [1e999, 99999999999999999999]}'

    trace = export(span(1, attributes={"input.value": text, "output.value": "[" * 50_000}))

    kept = v3("GET", f"traces/get?trace_id={trace}")["trace"]["spans"][0]["attributes"]
    by_key = {one["key"]: one["value"] for one in kept}
    assert by_key["mlflow.spanInputs"]["kvlist_value"]["values"][0]["value"] == {"string_value": "?"}
    assert by_key["mlflow.spanOutputs"] == {"string_value": "[" * 50_000}
