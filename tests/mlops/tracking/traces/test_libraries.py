"""Spans as libraries send them, whole: what people see of each in MLflow's words."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ropewalk.mlops.tracking.traces import vocabularies
from ropewalk.mlops.tracking.traces.anyvalues import Allowance, any_value
from ropewalk.mlops.tracking.traces.spans import plain_attributes, read_span, span_of
from ropewalk.mlops.tracking.traces.translation import translated

Values = dict[str, Any]
MLFLOW = "mlflow."
ID = base64.b64encode(bytes(15) + b"\1").decode()


def _content(values: Values) -> Values:
    return {
        "trace_id": ID,
        "span_id": base64.b64encode(bytes(7) + b"\1").decode(),
        "attributes": [{"key": key, "value": any_value(value)} for key, value in values.items()],
    }


def _added(values: Values) -> Values:
    """Return what a span of these attributes says in MLflow's words, without their common beginning."""
    found = translated(span_of(_content(values)), Allowance()).values
    own = {key.removeprefix(MLFLOW): value for key, value in found.items() if key.startswith(MLFLOW)}
    del own["traceRequestId"]
    return own


SPANS: dict[str, tuple[Values, Values]] = {
    "OpenInference, a call of a model": (
        {
            "openinference.span.kind": "LLM",
            "input.mime_type": "application/json",
            "input.value": '{"messages": [{"role": "user", "content": "hi"}]}',
            "output.value": '{"choices": [{"message": {"role": "assistant", "content": "yo"}}]}',
            # The same once more, message by message: the whole goes first.
            "llm.input_messages.0.message.role": "user",
            "llm.input_messages.0.message.content": "hi",
            "llm.model_name": "gpt-4o",
            "llm.provider": "openai",
            "llm.token_count.prompt": 9,
            "llm.token_count.completion": 2,
            "llm.token_count.total": 11,
        },
        {
            "spanType": "LLM",
            "spanInputs": {"messages": [{"role": "user", "content": "hi"}]},
            "spanOutputs": {"choices": [{"message": {"role": "assistant", "content": "yo"}}]},
            "llm.model": "gpt-4o",
            "llm.provider": "openai",
            "chat.tokenUsage": {"input_tokens": 9, "output_tokens": 2, "total_tokens": 11},
        },
    ),
    "OpenInference, an embedding": (
        {
            "openinference.span.kind": "EMBEDDING",
            "embedding.model_name": "e5",
            "input.value": "words",
            "llm.token_count.prompt": 4,
        },
        {
            "spanType": "EMBEDDING",
            "spanInputs": "words",
            "llm.model": "e5",
            "chat.tokenUsage": {"input_tokens": 4, "total_tokens": 4},
        },
    ),
    "OpenTelemetry GenAI, a call of a tool": (
        {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "weather",
            "gen_ai.tool.call.arguments": '{"city": "Riga"}',
            "gen_ai.tool.call.result": "21 degrees",
        },
        {"spanType": "TOOL", "spanInputs": {"city": "Riga"}, "spanOutputs": "21 degrees"},
    ),
    "OpenTelemetry GenAI, a model that answers as another": (
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.system": "anthropic",
            "gen_ai.request.model": "claude",
            "gen_ai.response.model": "claude-3",
            "gen_ai.tool.definitions": '[{"name": "weather"}]',
            "gen_ai.usage.input_tokens": 100,
            "gen_ai.usage.output_tokens": 5,
            "gen_ai.usage.cache_read.input_tokens": 80,
        },
        {
            "spanType": "CHAT_MODEL",
            "llm.model": "claude-3",
            "llm.provider": "anthropic",
            "chat.tools": [{"name": "weather"}],
            "chat.tokenUsage": {
                "input_tokens": 100,
                "output_tokens": 5,
                "total_tokens": 105,
                "cache_read_input_tokens": 80,
            },
        },
    ),
    "Traceloop, a workflow": (
        {
            "traceloop.span.kind": "workflow",
            "traceloop.entity.name": "answer",
            "traceloop.entity.input": '{"args": ["hi"], "kwargs": {}}',
            "traceloop.entity.output": '"yo"',
        },
        {"spanType": "WORKFLOW", "spanInputs": {"args": ["hi"], "kwargs": {}}, "spanOutputs": "yo"},
    ),
    "Traceloop, a call of a model": (
        {
            "gen_ai.system": "OpenAI",
            "gen_ai.request.model": "gpt-4o",
            "gen_ai.prompt.0.role": "user",
            "gen_ai.prompt.0.content": "hi",
            "gen_ai.completion.0.role": "assistant",
            "gen_ai.completion.0.content": "yo",
            "gen_ai.usage.prompt_tokens": 9,
            "gen_ai.usage.completion_tokens": 2,
            "llm.usage.total_tokens": 11,
        },
        {
            "spanType": "LLM",
            "spanInputs": [{"role": "user", "content": "hi"}],
            "spanOutputs": [{"role": "assistant", "content": "yo"}],
            "llm.model": "gpt-4o",
            "llm.provider": "OpenAI",
            "chat.tokenUsage": {"input_tokens": 9, "output_tokens": 2, "total_tokens": 11},
        },
    ),
    "Google ADK": (
        {
            "gen_ai.operation.name": "invoke_agent",
            "gcp.vertex.agent.llm_request": '{"model": "gemini"}',
            "gcp.vertex.agent.llm_response": '{"text": "yo"}',
        },
        {"spanType": "AGENT", "spanInputs": {"model": "gemini"}, "spanOutputs": {"text": "yo"}},
    ),
    "Vercel AI SDK, a call of a tool": (
        {"ai.operationId": "ai.toolCall", "ai.toolCall.args": '{"a": 1}', "ai.toolCall.result": "[2]"},
        {"spanType": "TOOL", "spanInputs": {"a": 1}, "spanOutputs": [2]},
    ),
    "Vercel AI SDK, embeddings": (
        {"ai.operationId": "ai.embedMany", "ai.values": ["a", "b"], "ai.embeddings": ["[0.5]", "[1]"]},
        {"spanType": "EMBEDDING", "spanInputs": ["a", "b"], "spanOutputs": ["[0.5]", "[1]"]},
    ),
    "VoltAgent": (
        {
            "voltagent.operation_id": "o",
            "entity.type": "agent",
            "span.type": "llm",
            "llm.messages": '[{"role": "user", "content": "hi"}]',
            "output": "yo",
            "llm.usage.prompt_tokens": 9,
            "llm.usage.completion_tokens": 2,
        },
        {
            "spanType": "LLM",
            "message.format": "voltagent",
            "spanInputs": [{"role": "user", "content": "hi"}],
            "spanOutputs": "yo",
            "chat.tokenUsage": {"input_tokens": 9, "output_tokens": 2, "total_tokens": 11},
        },
    ),
    "LiveKit": (
        {"lk.agent_name": "host", "lk.user_input": "hi", "lk.response.text": "yo"},
        {"spanType": "AGENT", "message.format": "livekit", "spanInputs": "hi", "spanOutputs": "yo"},
    ),
    "Laminar": (
        {"lmnr.span.type": "EXECUTOR", "lmnr.span.input": '["hi"]', "lmnr.span.output": "yo"},
        {"spanType": "AGENT", "message.format": "openai", "spanInputs": ["hi"], "spanOutputs": "yo"},
    ),
    "Langfuse": (
        {
            "langfuse.observation.type": "generation",
            "langfuse.observation.model.name": "m",
            "langfuse.observation.input": "hi",
            "langfuse.observation.output": "yo",
        },
        {"spanType": "LLM", "llm.model": "m", "spanInputs": "hi", "spanOutputs": "yo"},
    ),
    "a program that traces its requests": ({"http.method": "GET", "http.route": "/", "code": 200}, {}),
}


@pytest.mark.parametrize("name", SPANS)
def test_a_span_of(name: str) -> None:
    """A span of each library says in MLflow's words just what it said in its own."""
    values, expected = SPANS[name]

    assert _added(values) == expected


def test_each_vocabulary_has_a_span_here() -> None:
    """No vocabulary is added without a whole span that shows what it is for."""
    spoken = {name.partition(",")[0] for name in SPANS}

    assert {one.name for one in vocabularies.VOCABULARIES} <= spoken


NAMES = sorted(
    {key for values, _ in SPANS.values() for key in values} | {"mlflow.spanType", "mlflow.llm.cost"}
)
HELD: st.SearchStrategy[Any] = st.sampled_from(
    ["", '"x"', "[" * 2000, '{"model": 5}', '{"a": "\\ud800"}', "chat", "LLM", "1e999", "-1", "nan", [], {}, [{"role": 1}], -5, 0.5,
     2**62, True, float("inf"), {"input_tokens": "x"}]
)  # fmt: skip


def _same(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    # As texts, since no not-a-number equals another; one attribute may stand before or behind another.
    return sorted((key, str(value)) for key, value in values.items())


@settings(max_examples=80, suppress_health_check=list(HealthCheck), deadline=None)
@given(values=st.dictionaries(st.sampled_from(NAMES), HELD, max_size=8))
def test_whatever_spans_say(values: Values) -> None:
    """Any words with any values make a span that can be kept, read back, and stays as it is from then on."""
    span = translated(span_of(_content(values)), Allowance())

    kept = read_span(span.row().content)

    assert _same(kept.values) == _same(span.values) == _same(plain_attributes(span.content))
    assert translated(kept, Allowance()) is kept
    # Nothing that the span said of itself is lost.
    overwritten = {"mlflow.spanType"}
    assert all(str(span.values[key]) == str(value) for key, value in values.items() if key not in overwritten)
