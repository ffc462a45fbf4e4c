"""The words in which libraries say what a span did: a table of facts, one entry for each vocabulary.

Where they stand: https://opentelemetry.io/docs/specs/semconv/registry/attributes/gen-ai/ (GenAI),
https://github.com/Arize-ai/openinference/blob/main/spec/semantic_conventions.md (OpenInference),
https://github.com/traceloop/openllmetry (Traceloop), and the documentation of each library for its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Names = tuple[str, ...]


@dataclass(frozen=True)
class Vocabulary:
    """What one vocabulary calls things; of several names the first that a span has counts.

    Attributes:
        kinds: attributes that say what a span is, and for each of their words MLflow's type of span.
        marks: beginnings of attributes that tell the type of a span which does not say it.
        numbered_inputs: attributes `PREFIX.N.FIELD` that hold a conversation message by message, as their prefix.
        fields: where a message of those keeps its role and its content, below `PREFIX.N.`.
        whole: words of `kinds` whose spans say everything below `parts`: (of the inputs, of the outputs).
        tokens: MLflow's names of counts, and the attributes that have them; `costs` the same in US dollars.
        format: beginnings of attributes that tell in which form the messages are, and MLflow's name of that form.
    """

    name: str
    kinds: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    marks: tuple[tuple[str, str], ...] = ()
    inputs: Names = ()
    outputs: Names = ()
    numbered_inputs: str = ""
    numbered_outputs: str = ""
    fields: tuple[str, str] = ("role", "content")
    whole: Names = ()
    parts: tuple[str, str] = ("", "")
    tokens: Mapping[str, Names] = field(default_factory=dict)
    costs: Mapping[str, Names] = field(default_factory=dict)
    models: Names = ()
    providers: Names = ()
    tools: Names = ()
    format: tuple[Names, str] = ((), "")


OPEN_INFERENCE = Vocabulary(
    name="OpenInference",
    kinds={
        "openinference.span.kind": {
            "TOOL": "TOOL",
            "CHAIN": "CHAIN",
            "LLM": "LLM",
            "RETRIEVER": "RETRIEVER",
            "EMBEDDING": "EMBEDDING",
            "AGENT": "AGENT",
            "RERANKER": "RERANKER",
            "UNKNOWN": "UNKNOWN",
            "GUARDRAIL": "GUARDRAIL",
            "EVALUATOR": "EVALUATOR",
        }
    },
    inputs=("input.value",),
    outputs=("output.value",),
    numbered_inputs="llm.input_messages",
    numbered_outputs="llm.output_messages",
    fields=("message.role", "message.content"),
    tokens={
        "input_tokens": ("llm.token_count.prompt",),
        "output_tokens": ("llm.token_count.completion",),
        "total_tokens": ("llm.token_count.total",),
        "cache_read_input_tokens": ("llm.token_count.prompt_details.cache_read",),
        "cache_creation_input_tokens": ("llm.token_count.prompt_details.cache_write",),
    },
    costs={
        "input_cost": ("llm.cost.prompt",),
        "output_cost": ("llm.cost.completion",),
        "total_cost": ("llm.cost.total",),
    },
    models=("llm.model_name", "embedding.model_name"),
    providers=("llm.provider",),
)

GEN_AI = Vocabulary(
    name="OpenTelemetry GenAI",
    kinds={
        "gen_ai.operation.name": {
            "chat": "CHAT_MODEL",
            "create_agent": "AGENT",
            "embeddings": "EMBEDDING",
            "execute_tool": "TOOL",
            "generate_content": "LLM",
            "invoke_agent": "AGENT",
            "text_completion": "LLM",
            "response": "LLM",
        }
    },
    inputs=("gen_ai.input.messages", "gen_ai.tool.call.arguments"),
    outputs=("gen_ai.output.messages", "gen_ai.tool.call.result"),
    tokens={
        "input_tokens": ("gen_ai.usage.input_tokens",),
        "output_tokens": ("gen_ai.usage.output_tokens",),
        "cache_read_input_tokens": (
            "gen_ai.usage.cache_read.input_tokens",
            "gen_ai.usage.cache_read_input_tokens",
        ),
        "cache_creation_input_tokens": (
            "gen_ai.usage.cache_creation.input_tokens",
            "gen_ai.usage.cache_creation_input_tokens",
        ),
    },
    models=("gen_ai.response.model", "gen_ai.request.model"),
    # The second is the first's name in older versions.
    providers=("gen_ai.provider.name", "gen_ai.system"),
    tools=("gen_ai.tool.definitions",),
)

TRACELOOP = Vocabulary(
    name="Traceloop",
    kinds={
        "traceloop.span.kind": {
            "workflow": "WORKFLOW",
            "task": "TASK",
            "agent": "AGENT",
            "tool": "TOOL",
            "unknown": "UNKNOWN",
        }
    },
    inputs=("traceloop.entity.input",),
    outputs=("traceloop.entity.output",),
    numbered_inputs="gen_ai.prompt",
    numbered_outputs="gen_ai.completion",
    tokens={
        "input_tokens": ("gen_ai.usage.prompt_tokens",),
        "output_tokens": ("gen_ai.usage.completion_tokens",),
        "total_tokens": ("llm.usage.total_tokens",),
    },
)

GOOGLE_ADK = Vocabulary(
    name="Google ADK",
    inputs=("gcp.vertex.agent.llm_request", "gcp.vertex.agent.tool_call_args"),
    outputs=("gcp.vertex.agent.llm_response", "gcp.vertex.agent.tool_response"),
)

_VERCEL_CHATS = ("ai.generateText.doGenerate", "ai.streamText.doStream")
VERCEL_AI = Vocabulary(
    name="Vercel AI SDK",
    kinds={
        "ai.operationId": {
            **dict.fromkeys(_VERCEL_CHATS, "LLM"),
            "ai.generateText": "LLM",
            "ai.streamText": "LLM",
            "ai.generateObject": "LLM",
            "ai.generateObject.doGenerate": "LLM",
            "ai.streamObject": "LLM",
            "ai.streamObject.doStream": "LLM",
            "ai.toolCall": "TOOL",
            "ai.embed": "EMBEDDING",
            "ai.embed.doEmbed": "EMBEDDING",
            "ai.embedMany": "EMBEDDING",
        }
    },
    inputs=("ai.prompt", "ai.toolCall.args", "ai.value", "ai.values"),
    outputs=(
        "ai.response.text",
        "ai.toolCall.result",
        "ai.response.object",
        "ai.embedding",
        "ai.embeddings",
    ),
    whole=_VERCEL_CHATS,
    parts=("ai.prompt.", "ai.response."),
    format=(("ai.prompt.messages",), "vercel_ai"),
)

_VOLTAGENT_TYPES = {"agent": "AGENT", "llm": "LLM", "tool": "TOOL", "memory": "MEMORY"}
VOLTAGENT = Vocabulary(
    name="VoltAgent",
    # A span inherits the second from the agent that it works for, so its own type goes first.
    kinds={"span.type": _VOLTAGENT_TYPES, "entity.type": _VOLTAGENT_TYPES},
    inputs=("agent.messages", "llm.messages", "input"),
    outputs=("output",),
    tokens={
        "input_tokens": ("usage.prompt_tokens", "llm.usage.prompt_tokens"),
        "output_tokens": ("usage.completion_tokens", "llm.usage.completion_tokens"),
        "total_tokens": ("usage.total_tokens", "llm.usage.total_tokens"),
    },
    format=(("voltagent.operation_id", "voltagent.conversation_id"), "voltagent"),
)

LIVEKIT = Vocabulary(
    name="LiveKit",
    marks=(
        ("gen_ai.request.model", "LLM"),
        ("lk.retry_count", "LLM"),
        ("lk.function_tool", "TOOL"),
        ("lk.agent_name", "AGENT"),
        ("lk.instructions", "AGENT"),
        ("lk.generation_id", "AGENT"),
    ),
    inputs=("lk.user_input", "lk.user_transcript", "lk.chat_ctx", "lk.input_text"),
    outputs=("lk.response.text", "lk.response.function_calls"),
    format=(("lk.",), "livekit"),
)

LAMINAR = Vocabulary(
    name="Laminar",
    kinds={
        "lmnr.span.type": {
            "LLM": "LLM",
            "CACHED": "LLM",
            "TOOL": "TOOL",
            "DEFAULT": "CHAIN",
            "PIPELINE": "CHAIN",
            "EXECUTOR": "AGENT",
            "EVALUATOR": "EVALUATOR",
            "HUMAN_EVALUATOR": "EVALUATOR",
            "EVALUATION": "EVALUATOR",
        }
    },
    inputs=("lmnr.span.input",),
    outputs=("lmnr.span.output",),
    format=(("lmnr.span.type",), "openai"),
)

LANGFUSE = Vocabulary(
    name="Langfuse",
    kinds={
        "langfuse.observation.type": {
            "generation": "LLM",
            "embedding": "EMBEDDING",
            "tool": "TOOL",
            "retriever": "RETRIEVER",
            "agent": "AGENT",
            "chain": "CHAIN",
            "evaluator": "EVALUATOR",
            "guardrail": "GUARDRAIL",
            "span": "UNKNOWN",
        }
    },
    inputs=("langfuse.observation.input",),
    outputs=("langfuse.observation.output",),
    models=("langfuse.observation.model.name",),
)

# In the order in which MLflow asks them, so that a span that speaks two is read the same.
VOCABULARIES = (
    OPEN_INFERENCE,
    GEN_AI,
    TRACELOOP,
    GOOGLE_ADK,
    VERCEL_AI,
    VOLTAGENT,
    LIVEKIT,
    LAMINAR,
    LANGFUSE,
)

# Events that are one message each, and whose.
INPUT_EVENTS = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}
OUTPUT_EVENTS = {"gen_ai.choice": "assistant"}
# Attributes of events that are a whole conversation, those of Spring AI among them.
INPUT_IN_EVENTS = ("gen_ai.prompt", "gen_ai.input.messages")
OUTPUT_IN_EVENTS = ("gen_ai.completion", "gen_ai.output.messages")
