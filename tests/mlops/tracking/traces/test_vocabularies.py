"""What spans of other vocabularies say, in MLflow's words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ropewalk.mlops.tracking.traces import conventions, vocabularies
from ropewalk.mlops.tracking.traces.anyvalues import Allowance
from ropewalk.mlops.tracking.traces.spans import Span, plain_attributes, read_span, span_of
from ropewalk.mlops.tracking.traces.translation import translated

Values = dict[str, Any]
# What MLflow calls types of spans; no vocabulary may lead to another.
TYPES = {
    "AGENT",
    "CHAIN",
    "CHAT_MODEL",
    "EMBEDDING",
    "EVALUATOR",
    "GUARDRAIL",
    "LLM",
    "MEMORY",
    "RERANKER",
    "RETRIEVER",
    "TASK",
    "TOOL",
    "UNKNOWN",
    "WORKFLOW",
}


def said(values: Values, events: list[Values] | None = None, allowance: Allowance | None = None) -> Values:
    """Return the attributes of a span of these attributes and events, translated, as plain values."""
    return dict(_translated(values, events, allowance).values)


def _translated(
    values: Values, events: list[Values] | None = None, allowance: Allowance | None = None
) -> Span:
    content = {
        "trace_id": "AAAAAAAAAAAAAAAAAAAAAQ==",
        "span_id": "AAAAAAAAAAI=",
        "attributes": [{"key": key, "value": _any(value)} for key, value in values.items()],
        "events": [
            {
                "name": event["name"],
                "attributes": [{"key": k, "value": _any(v)} for k, v in event.items() if k != "name"],
            }
            for event in events or []
        ],
    }
    return translated(span_of(content), allowance or Allowance())


def _any(value: Any) -> Values:
    # Written apart from the code under test, which has such a function of its own.
    if isinstance(value, list):
        return {"array_value": {"values": [_any(one) for one in value]}}
    if isinstance(value, dict):
        return {"kvlist_value": {"values": [{"key": k, "value": _any(v)} for k, v in value.items()]}}
    if isinstance(value, bool):
        return {"bool_value": value}
    return {{int: "int_value", float: "double_value", str: "string_value"}[type(value)]: value}


@pytest.mark.parametrize("one", vocabularies.VOCABULARIES, ids=lambda one: one.name)
def test_every_word_leads_to_a_type(one: vocabularies.Vocabulary) -> None:
    """Each word of each vocabulary becomes the type of span that its table names."""
    for attribute, words in one.kinds.items():
        for word, type_ in words.items():
            assert type_ in TYPES
            found = said({attribute: word}).get("mlflow.spanType", "UNKNOWN")
            assert found == type_, (attribute, word)
    assert {type_ for _, type_ in one.marks} <= TYPES


@pytest.mark.parametrize("one", vocabularies.VOCABULARIES, ids=lambda one: one.name)
def test_every_name_of_inputs_and_outputs(one: vocabularies.Vocabulary) -> None:
    """Each attribute that a vocabulary keeps inputs or outputs in is read."""
    for attribute in one.inputs:
        assert said({attribute: "Hello"})["mlflow.spanInputs"] == "Hello", attribute
    for attribute in one.outputs:
        assert said({attribute: "Bye"})["mlflow.spanOutputs"] == "Bye", attribute


@pytest.mark.parametrize("one", vocabularies.VOCABULARIES, ids=lambda one: one.name)
def test_every_name_of_tokens(one: vocabularies.Vocabulary) -> None:
    """Each attribute that a vocabulary counts tokens in is read, with the total that it leaves out."""
    for first in one.tokens.get("input_tokens", ()):
        for second in one.tokens["output_tokens"]:
            usage = said({first: 100, second: 50})["mlflow.chat.tokenUsage"]
            assert usage == {"input_tokens": 100, "output_tokens": 50, "total_tokens": 150}, first


@pytest.mark.parametrize("one", vocabularies.VOCABULARIES, ids=lambda one: one.name)
def test_every_name_of_models_and_providers(one: vocabularies.Vocabulary) -> None:
    """Each attribute that names a model, or who serves it, is read."""
    for attribute in one.models:
        assert said({attribute: "m-1"})["mlflow.llm.model"] == "m-1"
    for attribute in one.providers:
        assert said({attribute: "someone"})["mlflow.llm.provider"] == "someone"
    for attribute in one.tools:
        assert said({attribute: '[{"name": "f"}]'})["mlflow.chat.tools"] == [{"name": "f"}]


@pytest.mark.parametrize(
    ("values", "type_"),
    [
        ({"openinference.span.kind": "llm"}, "LLM"),
        ({"openinference.span.kind": '"TOOL"'}, "TOOL"),
        ({"openinference.span.kind": "NEVER HEARD OF"}, "UNKNOWN"),
        ({"openinference.span.kind": 7}, "UNKNOWN"),
        # A word that one vocabulary does not know leaves the next its turn.
        ({"openinference.span.kind": "PROMPT", "traceloop.span.kind": "task"}, "TASK"),
        # What a span is called by its agent says less than what it is itself.
        ({"entity.type": "agent", "span.type": "llm"}, "LLM"),
        ({"lk.function_tool.name": "lamp"}, "TOOL"),
        ({"gen_ai.request.model": "m"}, "LLM"),
        ({"mlflow.spanType": "UNKNOWN", "gen_ai.operation.name": "chat"}, "CHAT_MODEL"),
        ({"mlflow.spanType": "PARSER", "gen_ai.operation.name": "chat"}, "PARSER"),
    ],
)
def test_types(values: Values, type_: str) -> None:
    """What MLflow's own attribute says stays, then the first vocabulary that knows the word decides."""
    found = said(values)

    assert found.get("mlflow.spanType", "UNKNOWN") == type_
    assert conventions.span_type(found) == type_


@pytest.mark.parametrize(
    ("values", "usage"),
    [
        ({"llm.token_count.prompt": "26", "llm.token_count.completion": '"4"'}, (26, 4, 30)),
        ({"llm.token_count.prompt": 2.0, "llm.token_count.total": 9}, (2, None, 9)),
        ({"gen_ai.usage.input_tokens": 5}, (5, None, 5)),
        ({"llm.token_count.prompt": -5}, None),
        ({"llm.token_count.prompt": True}, None),
        ({"llm.token_count.prompt": 1 << 62}, None),
        ({"llm.token_count.prompt": float("nan")}, None),
        ({"llm.token_count.prompt": "9" * 5000}, None),
        ({"llm.token_count.prompt": "nan", "gen_ai.usage.input_tokens": 3}, (3, None, 3)),
        ({"llm.token_count.prompt": "1e999"}, None),
        ({"llm.token_count.prompt": [1]}, None),
        # Of caches alone no total can be told.
        ({"gen_ai.usage.cache_read_input_tokens": 5}, None),
        ({"llm.token_count.prompt": 0, "llm.token_count.completion": 0}, None),
    ],
)
def test_counts(values: Values, usage: tuple[int | None, ...] | None) -> None:
    """Numbers are read also as texts; what is no sensible number counts nothing."""
    names = ("input_tokens", "output_tokens", "total_tokens")
    expected = usage and {name: n for name, n in zip(names, usage, strict=True) if n is not None}

    assert said(values).get("mlflow.chat.tokenUsage") == expected


def test_caches_and_costs() -> None:
    """Tokens of caches and costs are taken over where a vocabulary names them."""
    found = said(
        {
            "llm.token_count.prompt": 9,
            "llm.token_count.prompt_details.cache_read": 7,
            "llm.cost.prompt": 0.5,
            "llm.cost.completion": 0.25,
        }
    )

    assert found["mlflow.chat.tokenUsage"]["cache_read_input_tokens"] == 7
    assert found["mlflow.llm.cost"] == {"input_cost": 0.5, "output_cost": 0.25, "total_cost": 0.75}


def test_mlflows_own_words_stay() -> None:
    """A span that says a thing in MLflow's attributes is believed there, whatever it says elsewhere."""
    own = {
        "mlflow.spanType": "TOOL",
        "mlflow.spanInputs": {"a": 1},
        "mlflow.spanOutputs": "b",
        "mlflow.chat.tokenUsage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2},
        "mlflow.llm.model": "own",
        "mlflow.llm.provider": "us",
    }
    others = {"input.value": "x", "output.value": "y", "llm.token_count.prompt": 9, "llm.model_name": "z"}

    found = said({**own, **others, "llm.provider": "w", "openinference.span.kind": "LLM"})

    assert {key: found[key] for key in own} == own


def test_nothing_is_added_to_spans_that_say_nothing() -> None:
    """A span without any of the words is kept byte for byte."""
    span = span_of(
        {"trace_id": "AAAAAAAAAAAAAAAAAAAAAQ==", "span_id": "AAAAAAAAAAI=", "attributes": [{"key": "a"}]}
    )

    assert translated(span, Allowance()) is span


@pytest.mark.parametrize("odd", [["LLM"], {"a": 1}, 5, True, ""])
def test_types_that_are_no_text(odd: Any) -> None:
    """What a client writes for a type that is none is no reason to lose its span."""
    assert conventions.span_type(said({"mlflow.spanType": odd})) in (str(odd), "UNKNOWN")


def test_translating_twice_changes_nothing() -> None:
    """A span that was exported from here, and comes in again, stays as it is."""
    once = _translated({"input.value": '{"q": 1}', "openinference.span.kind": "CHAIN"})

    assert translated(once, Allowance()) is once


def test_what_is_kept_is_what_is_read() -> None:
    """The attributes of the content and the plain values say the same, and survive being written."""
    span = _translated({"input.value": '{"q": [1, 2.5, true, null, "\\u0000"]}', "output.value": ["a"]})

    assert plain_attributes(span.content) == span.values
    assert read_span(span.row().content).values == span.values
    assert span.values["mlflow.spanInputs"] == {"q": [1, 2.5, True, None, "\ufffd"]}


@pytest.mark.parametrize("nothing", ["", '""', "[]", "{}", "null"])
def test_nothing_leaves_the_next_name_its_turn(nothing: str) -> None:
    """What exporters write for nothing is not taken for an input."""
    assert said({"input.value": nothing, "traceloop.entity.input": "b"})["mlflow.spanInputs"] == "b"
    assert "mlflow.spanInputs" not in said({"input.value": nothing})


def test_numbered_messages() -> None:
    """Messages that lie in one attribute for each part become a conversation, in their order."""
    found = said(
        {
            "gen_ai.prompt.10.role": "user",
            "gen_ai.prompt.10.content": "second",
            "gen_ai.prompt.2.content": '{"kept": "as said"}',
            "gen_ai.prompt.2.role": "system",
            "gen_ai.prompt.x.content": "no number",
            "gen_ai.completion.0.content": "answer",
            "gen_ai.completion.0.tool_calls.0.name": "f",
        }
    )

    assert found["mlflow.spanInputs"] == [
        {"content": '{"kept": "as said"}', "role": "system"},
        {"role": "user", "content": "second"},
    ]
    assert found["mlflow.spanOutputs"] == [{"content": "answer", "tool_calls.0.name": "f"}]


def test_numbered_messages_of_openinference() -> None:
    """A vocabulary that keeps role and content one level deeper is read the same."""
    found = said(
        {"llm.input_messages.0.message.role": "user", "llm.input_messages.0.message.content": "hello"}
    )

    assert found["mlflow.spanInputs"] == [{"role": "user", "content": "hello"}]


def test_calls_of_vercels_sdk() -> None:
    """A call of a model has all that lies below the prompt and the response."""
    found = said(
        {
            "ai.operationId": "ai.generateText.doGenerate",
            "ai.prompt.messages": '[{"role": "user", "content": "hi"}]',
            "ai.prompt.tools": ['{"name": "f"}'],
            "ai.response.text": "yes",
            "ai.response.finishReason": "stop",
        }
    )

    assert found["mlflow.spanInputs"] == {
        "messages": [{"role": "user", "content": "hi"}],
        "tools": [{"name": "f"}],
    }
    assert found["mlflow.spanOutputs"] == {"text": "yes", "finishReason": "stop"}
    assert found["mlflow.message.format"] == "vercel_ai"


@pytest.mark.parametrize(
    ("values", "form"),
    [
        ({"lk.room_name": "r"}, "livekit"),
        ({"voltagent.operation_id": "o"}, "voltagent"),
        ({"lmnr.span.type": "LLM"}, "openai"),
        ({"mlflow.message.format": "own", "lk.room_name": "r"}, "own"),
        ({"gen_ai.system": "s"}, None),
    ],
)
def test_forms_of_messages(values: Values, form: str | None) -> None:
    """The form in which a library writes messages is named, as MLflow names it."""
    assert said(values).get("mlflow.message.format") == form


def test_one_event_for_each_message() -> None:
    """Events that are one message each become the conversation and the answer."""
    found = said(
        {},
        [
            {"name": "gen_ai.system.message", "content": "be kind"},
            {"name": "gen_ai.user.message", "content": "hi", "role": "user"},
            {"name": "gen_ai.user.message"},
            {"name": "exception", "content": "no message"},
            {"name": "gen_ai.choice", "content": "hello"},
        ],
    )

    assert found["mlflow.spanInputs"] == [
        {"role": "system", "content": "be kind"},
        {"role": "user", "content": "hi"},
    ]
    assert found["mlflow.spanOutputs"] == [{"role": "assistant", "content": "hello"}]


def test_a_conversation_in_an_event() -> None:
    """Spring AI's events hold a whole prompt, and attributes of the span go before them."""
    events = [
        {"name": "gen_ai.content.prompt", "gen_ai.prompt": "hi"},
        {"name": "gen_ai.content.completion", "gen_ai.completion": "hello"},
    ]

    assert said({}, events)["mlflow.spanInputs"] == "hi"
    assert said({}, events)["mlflow.spanOutputs"] == "hello"
    assert said({"input.value": "other"}, events)["mlflow.spanInputs"] == "other"


@pytest.mark.parametrize(
    ("values", "model"),
    [
        ({"openinference.span.kind": "LLM", "input.value": '{"model": "m"}'}, "m"),
        ({"openinference.span.kind": "LLM", "output.value": '{"model": "m"}'}, "m"),
        ({"openinference.span.kind": "LLM", "input.value": '{"model": ["m"]}'}, None),
        # Of a chain the argument may be anything.
        ({"openinference.span.kind": "CHAIN", "input.value": '{"model": "m"}'}, None),
        ({"llm.model_name": '"quoted"'}, "quoted"),
        ({"llm.model_name": "n" * 300}, "n" * 250),
    ],
)
def test_models(values: Values, model: str | None) -> None:
    """The model is named by an attribute, or by the request or answer of a call of one."""
    assert said(values).get("mlflow.llm.model") == model


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "[" * 40 + "]" * 40,
        '{"a": NaN}',
        "[1, 2",
        json.dumps(["x" * 100] * 11_000),
        "5",
        "[" + "9" * 5000 + "]",
    ],
    ids=["endless", "deep", "not a number", "broken", "long", "a number", "digits"],
)
def test_texts_that_stay_texts(text: str) -> None:
    """What cannot be unfolded within bounds, or is no JSON, is kept as the text that it is."""
    assert said({"input.value": text})["mlflow.spanInputs"] == text


def test_an_export_unfolds_so_much() -> None:
    """All spans of an export share one allowance: a short text of JSON can be very many values."""
    allowance = Allowance(100)
    text = json.dumps([0] * 60)

    first = said({"input.value": text}, allowance=allowance)
    second = said({"input.value": text}, allowance=allowance)

    assert (len(first["mlflow.spanInputs"]), second["mlflow.spanInputs"]) == (60, text)
    # A value that is no text cannot stay one, and is where it was.
    assert "mlflow.spanInputs" not in said({"input.value": [0] * 60}, allowance=allowance)


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("[1e999]", [float("inf")]),
        ("[100000000000000000000]", ["100000000000000000000"]),
        ('["\\ud800"]', ["?"]),
        ('{"\\u0000": false}', {"\ufffd": False}),
        ('"quoted"', "quoted"),
    ],
)
def test_values_that_protobuf_has_not(text: str, held: object) -> None:
    """What neither the wire nor a database holds is written as near as can be, and the span is kept."""
    span = _translated({"input.value": text})

    assert span.values["mlflow.spanInputs"] == held
    assert read_span(span.row().content).values == span.values


def test_very_many_attributes() -> None:
    """A span of very many attributes is looked through a fixed number of times, not once for each."""
    values: Values = {f"gen_ai.prompt.{n}.content": "x" for n in range(20_000)}

    assert len(said(values, allowance=Allowance(10**6))["mlflow.spanInputs"]) == 20_000
