"""What of MLflow's protocol is left out on purpose, and why: each path, or beginning of paths, with its reason.

A route of MLflow's that is neither served nor named here fails a test, so that nothing is missing by accident.
"""

from __future__ import annotations

from collections.abc import Mapping

ABSENT: Mapping[str, str] = {
    "/mlflow/gateway/budgets/": "Money spent at providers of language models is not counted here; the answer is 501.",
    "/mlflow/gateway/guardrails/": "No traffic to language models passes through this server; the answer is 501.",
    "/mlflow/get-online-trace-details": "A question of Databricks' own pages.",
    "/mlflow/unified-traces": "A question of Databricks' own pages; `traces/search` answers the same.",
    "/mlflow/label-schemas/": "Labels are given in reviews of MLflow's own pages, which are not served here.",
    "/mlflow/review-queues/": "Queues belong to MLflow's own pages; here a review is a merge request.",
    "/mlflow/prompt-optimization/": "Jobs that call language models are not run by this server; steps of the project are.",
}


def reason_of(path: str) -> str | None:
    """Return why a path of MLflow's is left out, or None when it is not."""
    return next((reason for start, reason in ABSENT.items() if path.startswith(start)), None)
