"""What a span says of itself, in MLflow's attributes or in any of the `vocabularies`."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from ropewalk.mlops.tracking.traces import messages
from ropewalk.mlops.tracking.traces.vocabularies import VOCABULARIES, Vocabulary

TYPE, UNKNOWN = "mlflow.spanType", "UNKNOWN"
INPUTS, OUTPUTS = "mlflow.spanInputs", "mlflow.spanOutputs"
MODEL, PROVIDER = "mlflow.llm.model", "mlflow.llm.provider"
USAGE, COST = "mlflow.chat.tokenUsage", "mlflow.llm.cost"
FORMAT, TOOLS = "mlflow.message.format", "mlflow.chat.tools"
TOKENS = (
    "input_tokens",
    "output_tokens",
    "total_tokens",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
)
COSTS = ("input_cost", "output_cost", "total_cost")
# Longer texts are no number that anybody counted.
_DIGITS = 32
# From here on a double holds no longer every whole number, and nobody counted that far.
_MOST = 2**53
_MODELS = tuple(name for one in VOCABULARIES for name in one.models)
_PROVIDERS = tuple(name for one in VOCABULARIES for name in one.providers)
_TOOLS = tuple(name for one in VOCABULARIES for name in one.tools)
# By attribute and folded word: libraries of one vocabulary differ in capitals.
_KINDS = [
    (attribute, {word.casefold(): type_ for word, type_ in words.items()})
    for one in VOCABULARIES
    for attribute, words in one.kinds.items()
]
_MARKS = tuple(mark for one in VOCABULARIES for mark in one.marks)
_FORMATS = tuple((begins, one.format[1]) for one in VOCABULARIES for begins in one.format[0])
# Every attribute that means something in another vocabulary, and how those begin of which there are many.
_NAMES = frozenset(
    name
    for one in VOCABULARIES
    for names in (
        *(one.kinds, one.inputs, one.outputs, one.models, one.providers, one.tools),
        *(*one.tokens.values(), *one.costs.values()),
    )
    for name in names
)
_BEGINNINGS = tuple(
    {begins for begins, _ in (*_MARKS, *_FORMATS)}
    | {f"{one.numbered_inputs}." for one in VOCABULARIES if one.numbered_inputs}
    | {f"{one.numbered_outputs}." for one in VOCABULARIES if one.numbered_outputs}
)
_CALLING = frozenset({"LLM", "CHAT_MODEL", "EMBEDDING"})


def is_foreign(values: Mapping[str, Any]) -> bool:
    """Return whether a span says anything that has to be put into MLflow's words; most spans do not."""
    return (
        not _NAMES.isdisjoint(values)
        or str(values.get(TYPE)) in _CALLING
        or any(key.startswith(_BEGINNINGS) for key in values)
    )


def span_type(values: Mapping[str, Any]) -> str:
    """Return the type of a span: `LLM`, `TOOL` and so on, or `UNKNOWN`."""
    own = values.get(TYPE)
    return str(own) if own and own != UNKNOWN else _said_type(values) or _marked(values, _MARKS) or UNKNOWN


def _said_type(values: Mapping[str, Any]) -> str | None:
    words = ((values.get(attribute), types) for attribute, types in _KINDS)
    found = (types.get(_word(word)) for word, types in words if isinstance(word, str))
    return next(filter(None, found), None)


def _word(said: str) -> str:
    # Some exporters write texts as JSON.
    return said.strip('"').casefold()


def _marked(values: Mapping[str, Any], marks: Sequence[tuple[str, str]]) -> str | None:
    beginnings = tuple(begins for begins, _ in marks)
    # One look at each attribute: a span may have very many, of which these are few.
    marked = [key for key in values if key.startswith(beginnings)]
    return next((means for begins, means in marks if any(key.startswith(begins) for key in marked)), None)


def model(values: Mapping[str, Any]) -> str | None:
    """Return the name of the model that a span asked."""
    return _text(values, MODEL, *_MODELS) or _model_within(values)


def _model_within(values: Mapping[str, Any]) -> str | None:
    # Of other spans the argument `model` may be anything.
    if span_type(values) not in _CALLING:
        return None
    for said in (values.get(INPUTS), values.get(OUTPUTS)):
        if isinstance(said, dict) and isinstance(said.get("model"), str):
            return str(said["model"])[:250] or None
    return None


def provider(values: Mapping[str, Any]) -> str | None:
    """Return who serves the model that a span asked."""
    return _text(values, PROVIDER, *_PROVIDERS)


def figures(values: Mapping[str, Any]) -> dict[str, float]:
    """Return the tokens and costs of a span, by name."""
    tokens = _numbers(values.get(USAGE), TOKENS) or counted(values)
    return tokens | (_numbers(values.get(COST), COSTS) or priced(values))


def counted(values: Mapping[str, Any]) -> dict[str, float]:
    """Return the tokens of a span as the first vocabulary that counts any has them, with their total."""
    found = (_stated(values, one.tokens) for one in VOCABULARIES)
    return _totalled(next(filter(None, found), {}), TOKENS)


def priced(values: Mapping[str, Any]) -> dict[str, float]:
    """Return the costs of a span as the first vocabulary that names any has them, with their total."""
    found = (_stated(values, one.costs) for one in VOCABULARIES)
    return _totalled(next(filter(None, found), {}), COSTS)


def _stated(values: Mapping[str, Any], named: Mapping[str, Sequence[str]]) -> dict[str, float]:
    read = {ours: [_number(values.get(name)) for name in theirs] for ours, theirs in named.items()}
    return {ours: next(filter(None, found)) for ours, found in read.items() if any(found)}


def _number(said: object) -> float | None:
    if isinstance(said, str) and len(said) <= _DIGITS:
        try:
            said = float(said.strip('"'))
        except ValueError:
            return None
    if not isinstance(said, int | float) or isinstance(said, bool):
        return None
    return float(said) if 0 <= said < _MOST else None


def _totalled(found: dict[str, float], names: Sequence[str]) -> dict[str, float]:
    first, second, total = names[:3]
    # Caches alone say nothing of the whole.
    if not found.keys() & {first, second, total}:
        return {}
    return {total: found.get(first, 0.0) + found.get(second, 0.0), **found}


def inputs(values: Mapping[str, Any], events: Sequence[messages.Event] = ()) -> Any:
    """Return what a span was given, or None."""
    return _said(values, INPUTS, events, is_input=True)


def outputs(values: Mapping[str, Any], events: Sequence[messages.Event] = ()) -> Any:
    """Return what a span gave back, or None."""
    return _said(values, OUTPUTS, events, is_input=False)


def _said(values: Mapping[str, Any], own: str, events: Sequence[messages.Event], *, is_input: bool) -> Any:
    if values.get(own) is not None:
        return values[own]
    for one in VOCABULARIES:
        found = _said_in(one, values, is_input=is_input)
        if found is not None:
            return found
    return messages.from_events(events, is_input=is_input)


def _said_in(one: Vocabulary, values: Mapping[str, Any], *, is_input: bool) -> Any:
    prefix = one.parts[0 if is_input else 1]
    if one.whole and _says(values, one):
        return messages.below(values, prefix)
    named = _first(values, *(one.inputs if is_input else one.outputs))
    numbered = one.numbered_inputs if is_input else one.numbered_outputs
    return messages.numbered(values, numbered, one.fields) if named is None and numbered else named


def _says(values: Mapping[str, Any], one: Vocabulary) -> bool:
    whole = {word.casefold() for word in one.whole}
    return any(_word(said) in whole for name in one.kinds if isinstance(said := values.get(name), str))


def tools(values: Mapping[str, Any]) -> Any:
    """Return the tools that a model was offered, or None."""
    return _first(values, TOOLS, *_TOOLS)


def message_format(values: Mapping[str, Any]) -> str | None:
    """Return MLflow's name of the form of a span's messages, where a vocabulary has one of its own."""
    return _text(values, FORMAT) or _marked(values, _FORMATS)


def _first(values: Mapping[str, Any], *names: str) -> Any:
    return next((values[name] for name in names if messages.is_said(values.get(name))), None)


def _text(values: Mapping[str, Any], *names: str) -> str | None:
    found = _first(values, *names)
    # An index refuses longer ones, and no model has such a name.
    return str(found).strip('"')[:250] or None if found else None


def _numbers(given: Any, names: tuple[str, ...]) -> dict[str, float]:
    """Return the finite numbers among what is named; JSON as a text is read first."""
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except (ValueError, RecursionError):
            return {}
    if not isinstance(given, dict):
        return {}
    numbers = {name: given.get(name) for name in names}
    return {
        name: float(number)
        for name, number in numbers.items()
        if isinstance(number, int | float) and not isinstance(number, bool) and _is_sensible(number)
    }


def _is_sensible(number: float) -> bool:
    # An integer may be larger than any double.
    return abs(number) < 1e300 and math.isfinite(number)
