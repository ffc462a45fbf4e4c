"""The YAML at the head of a card, as Hugging Face's hub reads it (docs: "Model Cards", "Annotated model card metadata")."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ropewalk.mlops.registry.cards.facts import CardFacts

# Identifiers that the hub knows; another licence is `other`, with its name beside it.
_LICENSES = frozenset(
    [
        "apache-2.0",
        "mit",
        "bsd",
        "bsd-2-clause",
        "bsd-3-clause",
        "bsd-3-clause-clear",
        "isc",
        "zlib",
        "unlicense",
        "cc0-1.0",
        "cc-by-4.0",
        "cc-by-sa-4.0",
        "cc-by-nc-4.0",
        "cc-by-nc-nd-4.0",
        "cc-by-nc-sa-4.0",
        "gpl",
        "gpl-2.0",
        "gpl-3.0",
        "agpl-3.0",
        "lgpl",
        "lgpl-2.1",
        "lgpl-3.0",
        "mpl-2.0",
        "epl-1.0",
        "epl-2.0",
        "eupl-1.1",
        "eupl-1.2",
        "openrail",
        "openrail++",
        "artistic-2.0",
        "bsl-1.0",
        "wtfpl",
        "ofl-1.1",
        "odbl",
        "pddl",
        "unknown",
        "other",
    ]
)
_LIBRARIES = (
    "sklearn",
    "lightgbm",
    "xgboost",
    "catboost",
    "pytorch",
    "keras",
    "tensorflow",
    "onnx",
    "transformers",
)
_HUB_NAMES = {"sklearn": "sklearn", "pytorch": "pytorch", "tensorflow": "tf-keras"}
_CLASSES = ("auc", "accuracy", "f1", "precision", "recall", "log_loss", "logloss", "brier")
_NUMBERS = ("rmse", "mae", "mse", "r2", "mape")


def front_matter(facts: CardFacts) -> str:
    """Return the front matter with its two lines of dashes; equal facts give equal text."""
    import yaml

    document = {**_license(facts), **_library(facts), "tags": _tags(facts)}
    if datasets := sorted({table.table for table in facts.tables}):
        document["datasets"] = datasets
    if task := task_of(facts):
        document["pipeline_tag"] = task
    if results := _results(facts):
        document["model-index"] = [{"name": facts.version.name, "results": results}]
    text = yaml.safe_dump(_on_one_line(document), sort_keys=False, allow_unicode=True, width=1000)
    return f"---\n{text}---\n"


def _on_one_line(value: object) -> object:
    """Return a value whose texts have no line breaks: three dashes on a line of their own would end the front matter."""
    if isinstance(value, str):
        return " ".join(value.split())
    if isinstance(value, Mapping):
        return {_on_one_line(key): _on_one_line(item) for key, item in value.items()}
    return [_on_one_line(item) for item in value] if isinstance(value, list) else value


def task_of(facts: CardFacts) -> str | None:
    """Return the hub's word for what the model does, as far as its metrics tell."""
    names = " ".join(facts.metrics).lower()
    if any(word in names for word in _CLASSES):
        return "tabular-classification"
    return "tabular-regression" if any(word in names for word in _NUMBERS) else None


def _license(facts: CardFacts) -> dict[str, object]:
    name = facts.tags.get("license", "").strip()
    if not name:
        return {}
    if name.lower() in _LICENSES:
        return {"license": name.lower()}
    return {"license": "other", "license_name": "-".join(name.lower().split())}


def _library(facts: CardFacts) -> dict[str, object]:
    found = next((name for name in _LIBRARIES if name in facts.model.flavours), None)
    return {"library_name": _HUB_NAMES.get(found, found)} if found else {}


def _tags(facts: CardFacts) -> list[str]:
    own = [tag.strip() for tag in facts.tags.get("tags", "").split(",") if tag.strip()]
    return sorted({"ropewalk", *own, *(name for name in facts.model.flavours if name != "python_function")})


def _results(facts: CardFacts) -> list[Mapping[str, object]]:
    figures = {name: value for name, value in facts.metrics.items() if math.isfinite(value)}
    if not figures:
        return []
    # The hub wants a task and a data set with each result.
    names = sorted({table.table for table in facts.tables}) or ["training data"]
    dataset = {"type": "tabular", "name": ", ".join(names)}
    metrics = [
        {"type": name.rpartition(".")[2].lower(), "name": name, "value": value}
        for name, value in figures.items()
    ]
    return [{"task": {"type": task_of(facts) or "other"}, "dataset": dataset, "metrics": metrics}]
