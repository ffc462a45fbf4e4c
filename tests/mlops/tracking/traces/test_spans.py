"""What is read out of one span, of its usage and of its words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ropewalk.mlops.tracking.traces import conventions, usage
from ropewalk.mlops.tracking.traces.previews import preview
from ropewalk.mlops.tracking.traces.prompts import prompts_of
from ropewalk.mlops.tracking.traces.spans import plain, read_span, span_of

CONTENT = {
    "trace_id": "AAAAAAAAAAAAAAAAAAAAAQ==",
    "span_id": "AAAAAAAAAAI=",
    "name": "ask",
    "start_time_unix_nano": 5,
    "end_time_unix_nano": 9,
    "status": {"code": "STATUS_CODE_ERROR", "message": "no"},
    "events": [{"name": "exception", "attributes": [{"key": "m", "value": {"string_value": "boom"}}]}],
    "links": [{"trace_id": "AAAAAAAAAAAAAAAAAAAAAw==", "span_id": "AAAAAAAAAAQ="}],
}


def test_a_span_as_it_is_kept() -> None:
    """Ids are hexadecimal, and what a search for text finds has names, messages and events."""
    row = span_of(CONTENT).row()

    assert (row.id, row.parent, row.status, row.started_ns, row.ended_ns) == (
        "0" * 15 + "2",
        None,
        "ERROR",
        5,
        9,
    )
    assert row.attributes[""] == "ask\nno\nexception\nboom"
    assert read_span(row.content).trace_id == "tr-" + "0" * 31 + "1"


def test_a_span_as_mlflow_files_it() -> None:
    """Attributes are JSON texts, and links name traces as MLflow does."""
    form = span_of(CONTENT).file_form()

    assert form["attributes"] == {"mlflow.traceRequestId": json.dumps("tr-" + "0" * 31 + "1")}
    assert form["links"] == [
        {"trace_id": "tr-" + "0" * 31 + "3", "span_id": "0" * 15 + "4", "attributes": None}
    ]
    assert form["status"] == {"code": "STATUS_CODE_ERROR", "message": "no"}


@pytest.mark.parametrize(
    ("value", "held"),
    [
        ({}, None),
        ({"double_value": "-Infinity"}, float("-inf")),
        ({"array_value": {}}, []),
        ({"kvlist_value": {"values": [{"key": "a", "value": {"bool_value": False}}]}}, {"a": False}),
    ],
)
def test_values(value: dict[str, Any], held: object) -> None:
    """OpenTelemetry's values become plain ones."""
    assert plain(value) == held


@pytest.mark.parametrize(
    ("values", "figures"),
    [
        ({}, {}),
        ({"mlflow.chat.tokenUsage": '{"input_tokens": 3, "other": 1}'}, {"input_tokens": 3.0}),
        ({"mlflow.chat.tokenUsage": "{"}, {}),
        ({"mlflow.chat.tokenUsage": [1]}, {}),
        ({"mlflow.chat.tokenUsage": {"input_tokens": "3", "output_tokens": True}}, {}),
        ({"mlflow.llm.cost": {"total_cost": float("nan"), "input_cost": 10**400}}, {}),
        (
            {"gen_ai.usage.input_tokens": 3, "gen_ai.usage.output_tokens": 4},
            {"input_tokens": 3.0, "output_tokens": 4.0, "total_tokens": 7.0},
        ),
    ],
)
def test_figures(values: dict[str, Any], figures: dict[str, float]) -> None:
    """Tokens and costs are read where they are numbers, in either vocabulary."""
    assert conventions.figures(values) == figures


def test_either_vocabulary() -> None:
    """Types, models and what was said are read in MLflow's words and in OpenTelemetry's."""
    theirs = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.request.model": "m",
        "gen_ai.system": "s",
        "gen_ai.tool.call.result": "r",
    }

    assert conventions.span_type(theirs) == "TOOL"
    assert conventions.span_type({**theirs, "mlflow.spanType": "AGENT"}) == "AGENT"
    assert (conventions.model(theirs), conventions.provider(theirs), conventions.outputs(theirs)) == (
        "m",
        "s",
        "r",
    )
    assert (conventions.span_type({}), conventions.model({}), conventions.inputs({})) == (
        "UNKNOWN",
        None,
        None,
    )


def test_circles_of_spans_are_summed() -> None:
    """Spans that are each other's parents do not go round for ever."""
    spans: list[usage.SpanFigures] = [
        ("a", "b", {}),
        ("b", "c", {}),
        ("c", "b", {}),
        ("d", None, {"total_cost": 2.0}),
    ]
    spans += [("e", "a", {"input_tokens": 1.0})]

    found = usage.summed(spans)

    assert json.loads(found[usage.TOKEN_USAGE]) == {"input_tokens": 1, "output_tokens": 0, "total_tokens": 0}
    assert json.loads(found[usage.COST])["total_cost"] == 2.0


@pytest.mark.parametrize(
    ("value", "role", "shown"),
    [
        (None, "user", None),
        ("plain", "user", '"plain"'),
        ('{"messages": []}', "user", '{"messages": []}'),
        ({"a": 1}, "user", '{"a": 1}'),
        ('{"messages": [{"role": "user", "content": "hi"}]}', "user", "hi"),
        ({"messages": [{"role": "system", "content": "s"}]}, "user", "s"),
        ({"choices": [{"message": {"role": "assistant", "content": "yes"}}]}, "assistant", "yes"),
        ({"input": [{"role": "user", "content": [{"type": "text", "text": "part"}]}]}, "user", "part"),
        ({"request": {"input": [{"role": "user", "content": "in"}]}}, "user", "in"),
        (
            {"messages": [{"role": "user", "content": 5}]},
            "user",
            '{"messages": [{"role": "user", "content": 5}]}',
        ),
        ({"messages": []}, "user", '{"messages": []}'),
        ({"choices": ["odd"]}, "user", '{"choices": ["odd"]}'),
    ],
)
def test_previews(value: object, role: str, shown: str | None) -> None:
    """A preview is the last message of a conversation, or the beginning of anything else."""
    assert preview(value, role) == shown


@pytest.mark.parametrize(
    ("tag", "found"),
    [
        (None, []),
        ("{", []),
        ('{"name": "x"}', []),
        ('[{"name": "x", "version": 2}, "odd", {"name": "y"}]', ["x/2"]),
    ],
)
def test_prompts_of_a_tag(tag: str | None, found: list[str]) -> None:
    """What is no list of prompts names none."""
    assert prompts_of(tag) == found
