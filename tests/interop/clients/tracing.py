"""A traced function's spans come back, with what was said about them."""

import time

import mlflow

mlflow.set_experiment("tracing")


@mlflow.trace(span_type="RETRIEVER")
def find(text: str) -> list[str]:
    return [text, text[::-1]]


@mlflow.trace
def answer(text: str) -> str:
    mlflow.update_current_trace(tags={"team": "ml"})
    return " ".join(find(text))


assert answer("why") == "why yhw"
if hasattr(mlflow, "flush_trace_async_logging"):
    mlflow.flush_trace_async_logging()
experiment = mlflow.get_experiment_by_name("tracing").experiment_id
client, found = mlflow.MlflowClient(), []
for _ in range(100):
    found = client.search_traces([experiment])
    if found and found[0].data.spans:
        break
    time.sleep(0.1)
(trace,) = found
assert [span.name for span in trace.data.spans] == ["answer", "find"], trace.data.spans
assert trace.info.tags["team"] == "ml"
assert trace.data.spans[1].inputs == {"text": "why"}
assert trace.data.spans[1].outputs == ["why", "yhw"]
