"""What a span says of its model, tokens and costs: in MLflow's attributes, or in OpenTelemetry's for generative AI.

The second are those of https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

TOKENS = (
    "input_tokens",
    "output_tokens",
    "total_tokens",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
)
COSTS = ("input_cost", "output_cost", "total_cost")
# What OpenTelemetry calls an operation, as MLflow's type of span.
_OPERATIONS = {
    "chat": "CHAT_MODEL",
    "generate_content": "LLM",
    "text_completion": "LLM",
    "embeddings": "EMBEDDING",
    "execute_tool": "TOOL",
    "create_agent": "AGENT",
    "invoke_agent": "AGENT",
}


def span_type(values: Mapping[str, Any]) -> str:
    """Return the type of a span: `LLM`, `TOOL` and so on, or `UNKNOWN`."""
    own = values.get("mlflow.spanType")
    return str(own) if own else _OPERATIONS.get(str(values.get("gen_ai.operation.name")), "UNKNOWN")


def model(values: Mapping[str, Any]) -> str | None:
    """Return the name of the model that a span asked."""
    return _text(values, "mlflow.llm.model", "gen_ai.response.model", "gen_ai.request.model")


def provider(values: Mapping[str, Any]) -> str | None:
    """Return who serves the model that a span asked."""
    return _text(values, "mlflow.llm.provider", "gen_ai.provider.name", "gen_ai.system")


def figures(values: Mapping[str, Any]) -> dict[str, float]:
    """Return the tokens and costs of a span, by name."""
    tokens = _numbers(values.get("mlflow.chat.tokenUsage"), TOKENS) or _counted(values)
    return tokens | _numbers(values.get("mlflow.llm.cost"), COSTS)


def inputs(values: Mapping[str, Any]) -> Any:
    """Return what a span was given, or None."""
    return _first(values, "mlflow.spanInputs", "gen_ai.input.messages", "gen_ai.tool.call.arguments")


def outputs(values: Mapping[str, Any]) -> Any:
    """Return what a span gave back, or None."""
    return _first(values, "mlflow.spanOutputs", "gen_ai.output.messages", "gen_ai.tool.call.result")


def _first(values: Mapping[str, Any], *names: str) -> Any:
    return next((values[name] for name in names if values.get(name) is not None), None)


def _text(values: Mapping[str, Any], *names: str) -> str | None:
    found = _first(values, *names)
    # An index refuses longer ones, and no model has such a name.
    return str(found)[:250] if found else None


def _counted(values: Mapping[str, Any]) -> dict[str, float]:
    given = {name: values.get(f"gen_ai.usage.{name}") for name in TOKENS[:2]}
    found = _numbers(given, TOKENS)
    return {**found, "total_tokens": sum(found.values())} if found else {}


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
