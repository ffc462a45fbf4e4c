"""A version's model card: Markdown with front matter, the same for the same version whenever it is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from ropewalk.mlops.registry.cards.facts import CardFacts, card_facts
from ropewalk.mlops.registry.cards.front_matter import front_matter
from ropewalk.mlops.registry.reading.mlmodel import Column
from ropewalk.pipeline import Workspace, naming_objects
from ropewalk.store.artifacts import Artifact, put_artifact
from ropewalk.store.registry import ModelVersion

FOLDER = "model-cards"
_FEATURES = 20
_LINES = 40
# What a person may say of a model in tags, where the project has no text of its own about it.
_OWN_WORDS = {"intended_use": "Intended use", "limitations": "Limits", "out_of_scope": "Not meant for"}


def model_card(workspace: Workspace, version: ModelVersion) -> str:
    """Return the card of a version."""
    facts = card_facts(workspace, version)
    parts = [
        f"# {facts.version.name}, version {facts.version.version}",
        facts.description or "",
        _use(facts),
        _figures(facts),
        _slices(facts),
        _gate(facts),
        _signature(facts),
        _training(facts),
        _explanation(facts),
        _review(facts),
        _files(facts),
    ]
    return front_matter(facts) + "\n" + "\n\n".join(part for part in parts if part) + "\n"


def keep_card(workspace: Workspace, version: ModelVersion) -> tuple[str, str]:
    """Keep the card of a version among the artifacts, and return its text and where it is kept."""
    text = model_card(workspace, version)
    stored = workspace.objects.put_bytes(text.encode())
    path = f"{FOLDER}/{version.name}/{version.version}/README.md"
    with naming_objects(workspace, [stored]), workspace.database.write() as connection:
        put_artifact(connection, Artifact(path, stored.digest, stored.size))
    return text, path


def _use(facts: CardFacts) -> str:
    said = [f"**{title}.** {facts.tags[key]}" for key, title in _OWN_WORDS.items() if facts.tags.get(key)]
    words = [*([facts.text] if facts.text else []), *said]
    if not words:
        words = [
            f"Nobody has written down what this model is for: `models/{facts.version.name}.md` is the place."
        ]
    return "## Use and limits\n\n" + "\n\n".join(words)


def _figures(facts: CardFacts) -> str:
    if not facts.metrics:
        return ""
    return "## Metrics\n\n" + _table(["Metric", "Value"], [(n, f"{v:.6g}") for n, v in facts.metrics.items()])


def _slices(facts: CardFacts) -> str:
    if not facts.slices:
        return ""
    rows = [(where, metric, f"{value:.6g}") for where, metric, value in facts.slices]
    return "## Metrics by slice\n\n" + _table(["Slice", "Metric", "Value"], rows)


def _gate(facts: CardFacts) -> str:
    if facts.decision is None:
        return "## Gate\n\nNo gate judged this version."
    verdict = "passed" if facts.decision.has_passed else "did not pass"
    rows = [
        (result.metric, f"{result.bound} {result.bound_value:g}", result.verdict, result.reason)
        for result in facts.decision.results
    ]
    return f"## Gate\n\nThe version {verdict}.\n\n" + _table(["Metric", "Bound", "Verdict", "Why"], rows)


def _signature(facts: CardFacts) -> str:
    model = facts.model
    if model.inputs is None and model.outputs is None:
        return "## Signature\n\nThe model does not say what it takes and answers."
    parts = ["## Signature"]
    for title, columns in (
        ("Inputs", model.inputs),
        ("Outputs", model.outputs),
        ("Parameters", model.params),
    ):
        if columns:
            parts.append(f"{title}:\n\n" + _table(["Name", "Type", "Required"], _columns(columns)))
    if facts.example:
        lines = facts.example.splitlines()
        shown = "\n".join(line[:500] for line in lines[:_LINES])
        parts.append(f"An example of what it takes:\n\n{_fenced(shown)}")
    return "\n\n".join(parts)


def _columns(columns: Sequence[Column]) -> list[tuple[str, ...]]:
    return [(one.name or "-", one.type, "yes" if one.is_required else "no") for one in columns]


def _training(facts: CardFacts) -> str:
    version, run = facts.version, facts.run
    rows = [(table.table, table.snapshot, table.digest) for table in facts.tables]
    rows += [(data.name, data.source_type, data.digest) for data in (run.datasets if run else ())]
    parts = ["## Training"]
    if rows:
        parts.append(_table(["Data", "Snapshot or source", "Digest"], rows))
    lines = [
        ("Run", version.run_id),
        ("Logged model", version.model_id),
        (
            "Commit",
            version.tags.get("ropewalk.git_commit")
            or (run.tags.get("mlflow.source.git.commit") if run else None),
        ),
        ("Step", version.tags.get("ropewalk.step")),
        ("Registered", datetime.fromtimestamp(version.created_at / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")),
    ]
    parts.append("\n".join(f"- {name}: {_plain(value)}" for name, value in lines if value))
    if run and run.params:
        parts.append(_table(["Parameter", "Value"], sorted(run.params.items())))
    return "\n\n".join(parts)


def _explanation(facts: CardFacts) -> str:
    if not facts.importances:
        return ""
    rows = [(name, f"{share:.1%}") for name, share in facts.importances[:_FEATURES]]
    rest = len(facts.importances) - len(rows)
    more = f"\n\n{rest} more features have smaller shares." if rest > 0 else ""
    return (
        "## What it looks at\n\nShare of the splits of its trees:\n\n"
        + _table(["Feature", "Share"], rows)
        + more
    )


def _review(facts: CardFacts) -> str:
    if facts.review.state == "not asked":
        return ""
    lines = [
        f"- {event.actor} {event.what}" + (f": {_plain(event.reason)}" if event.reason else "")
        for event in facts.review.verdicts
    ]
    said = f"{facts.review.state.capitalize()}; asked for by {facts.review.asked_by}."
    return "\n\n".join(["## Review", said, *(["\n".join(lines)] if lines else [])])


def _files(facts: CardFacts) -> str:
    known = {
        "known": "Nothing in them would import or run what is not known.",
        "allowed": "They import or run what is not known, and a person has answered for it: ",
        "quarantined": "In quarantine: they import or run what is not known: ",
    }[facts.state]
    if facts.state != "known":
        known += "; ".join(_plain(finding) for finding in facts.findings[:_FEATURES])
    rows = [(file.path, str(file.size), file.digest) for file in facts.files]
    listed = "\n\n" + _table(["File", "Bytes", "blake3"], rows) if rows else ""
    return f"## Files\n\nContent `{facts.content}`. {known}{listed}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_plain(cell) for cell in line) + " |" for line in lines)


def _plain(text: str) -> str:
    """Return text that stays within its cell: what clients wrote must not become structure of the page."""
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())


def _fenced(text: str) -> str:
    longest = max((len(run) for run in text.split("\n") if set(run.strip()) == {"`"}), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}json\n{text}\n{fence}"
