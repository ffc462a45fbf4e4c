"""The node kind `gate`: judges a candidate's metrics before it may become a model version."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from typing import cast

from ropewalk.errors import NotFound, Place, nearest
from ropewalk.mlops.evaluation.conditions import KEY, Condition
from ropewalk.mlops.evaluation.errors import GateNotPassed, InvalidGate, MetricMissing
from ropewalk.mlops.evaluation.judgement import Baseline, judge, told_of
from ropewalk.mlops.evaluation.packing import decision_digest, unpack_decision
from ropewalk.mlops.registry import ModelVersion, get_version
from ropewalk.pipeline import (
    JSON,
    PRODUCTION,
    Need,
    Node,
    NodeKind,
    Output,
    Packed,
    Probe,
    Task,
    Workspace,
    base_of,
    to_record,
)
from ropewalk.project import PROJECT_FILE, Entry, Project, StepDeclaration, parse_yaml, read_steps
from ropewalk.store.environments import pointers
from ropewalk.store.gates import GateResult, get_decision, record_decision
from ropewalk.store.pipeline import get_action


class GateKind(NodeKind):
    """Gates as nodes: `gate:late` needs the steps whose metrics its conditions name."""

    name = "gate"

    def declare(self, project: Project) -> Iterable[Node]:
        """Yield one node per entry of `gates`.

        Raises:
            InvalidGate: a condition names a step that is not there or makes no metrics.
        """
        entries = project.entries(KEY)
        # Without gates the steps need not be read for them.
        if not entries:
            return
        steps = {step.name: step for step in read_steps(project.root)}
        document = parse_yaml(project.root / PROJECT_FILE, project.root)
        for entry in entries.values():
            conditions = cast("list[Condition]", entry.value)
            places = [document.place((KEY, entry.name, i, "metric")) for i in range(len(conditions))]
            yield _node(entry, conditions, places, steps)

    def probe(self, node: Node, workspace: Workspace, last: Output | None) -> Probe:
        """Return nothing: a gate depends on no outside state.

        The version in production is left out on purpose. A gate decides once per candidate: were the
        baseline part of the key, every promotion would have all gates judged again, against themselves.
        """
        return Probe(settled=True)

    def holds(self, node: Node, key: str, output: Output, workspace: Workspace) -> bool:
        """Return whether the decision made under `key` is still recorded, and let the candidate pass."""
        decision = get_decision(workspace.database, key)
        return decision is not None and decision.has_passed

    def pack(self, node: Node, output: Output, workspace: Workspace) -> Packed | None:
        """Return the decision, which the output has whole."""
        return Packed(output, {})

    def unpack(self, node: Node, key: str, packed: Packed, workspace: Workspace) -> Output:
        """Record here what was decided elsewhere.

        Raises:
            DecisionDamaged: it is no decision, or its digest is not that of its content.
        """
        unpack_decision(node.name, key, packed, workspace)
        return packed.output

    def execute(self, task: Task) -> Output:
        """Judge every condition, record the results, and return them.

        Raises:
            MetricMissing: a step did not record a metric that a condition names.
            GateNotPassed: a metric is outside a bound.
        """
        conditions = cast("list[Condition]", task.node.spec)
        baseline = _baseline(task.workspace, task.node.name)
        recorded = {name: step_metrics(output) for name, output in task.inputs.items()}
        results = [
            result
            for i, condition in enumerate(conditions, start=1)
            for result in judge(condition, _value(condition, recorded, task.node, i), baseline)
        ]
        # Before a failure is raised: why a candidate was refused is worth as much as why one passed.
        record_decision(task.workspace.database, task.node.name, task.key, task.run_id, results)
        _refuse_failed(task.node, results, baseline)
        return _output(results, recorded)


def step_metrics(output: Output) -> dict[str, float]:
    """Return the figures that a step recorded, by name; what is not a number counts as NaN."""
    metrics = output.summary.get("metrics")
    return {name: _number(value) for name, value in metrics.items()} if isinstance(metrics, dict) else {}


def _node(
    entry: Entry, conditions: list[Condition], places: list[Place], steps: Mapping[str, StepDeclaration]
) -> Node:
    for condition, place in zip(conditions, places, strict=True):
        _check_step(condition, place, steps)
    return Node(
        id=f"gate:{entry.name}",
        origin=entry.place,
        spec=conditions,
        needs=tuple(_needs(conditions, places)),
        facts={f"condition {i}": str(condition) for i, condition in enumerate(conditions, start=1)},
        places={f"condition {i}": place for i, place in enumerate(places, start=1)},
    )


def _needs(conditions: list[Condition], places: list[Place]) -> Iterator[Need]:
    seen: set[str] = set()
    for condition, place in zip(conditions, places, strict=True):
        # A step that two conditions name is needed once.
        if condition.step not in seen:
            seen.add(condition.step)
            yield Need(condition.step, place)


def _check_step(condition: Condition, place: Place, steps: Mapping[str, StepDeclaration]) -> None:
    step = steps.get(condition.step)
    measured = [name for name, found in steps.items() if found.makes == "Metrics"]
    if step is None:
        raise InvalidGate(
            f"no step is called {condition.step!r}",
            place=place,
            nearest=nearest(condition.step, measured),
            hint="steps that return Metrics: " + (", ".join(measured) or "none yet"),
        )
    if step.makes != "Metrics":
        raise InvalidGate(
            f"step {step.name!r} at {step.place} returns {step.makes or 'nothing'}; a gate reads Metrics",
            place=place,
            hint="name a step that returns Metrics: " + (", ".join(measured) or "none yet"),
        )


def _baseline(workspace: Workspace, model: str) -> Baseline | None:
    """Return the version in production, or where there is none the one in the environment's base."""
    for environment in (PRODUCTION, base_of(workspace, workspace.settings.environment)):
        version = _version_in(workspace, model, environment) if environment else None
        if environment and version:
            return Baseline(int(version.version), version.metrics, environment)
    return None


def _version_in(workspace: Workspace, model: str, environment: str) -> ModelVersion | None:
    """Return the version that deployments of an environment serve, or the one it points at; None without either."""
    # No such model and no such alias both mean that no deployment brought a version there.
    with suppress(NotFound):
        return get_version(workspace, model, environment)
    key = pointers(workspace.database, environment).get(f"model:{model}")
    action = get_action(workspace.database, key) if key else None
    if action is None:
        return None
    with suppress(NotFound):
        return get_version(workspace, model, str(to_record(action).output.summary["version"]))
    return None


def _value(
    condition: Condition, recorded: Mapping[str, Mapping[str, float]], node: Node, position: int
) -> float:
    metrics = recorded[condition.step]
    if condition.figure not in metrics:
        close = nearest(condition.figure, metrics)
        raise MetricMissing(
            f"step {condition.step!r} recorded no metric {condition.figure!r}",
            place=node.places[f"condition {position}"],
            nearest=f"{condition.step}.{close}" if close else None,
            hint="it recorded " + (", ".join(metrics) or "none"),
        )
    return metrics[condition.figure]


def _refuse_failed(node: Node, results: list[GateResult], baseline: Baseline | None) -> None:
    failed = [result for result in results if result.verdict == "failed"]
    if not failed:
        return
    # The first failure is the sentence, and all verdicts are the detail: one look shows what to mend.
    raise GateNotPassed(
        f"gate {node.name!r} does not pass: {failed[0].reason} ({told_of(baseline, failed[0])})",
        place=node.origin,
        hint=f"`ropewalk why {node.needs[0].name}` shows what changed; the version in production stays as it is",
        detail="\n".join(f"{result.verdict}: {result.reason}" for result in results),
    )


def _output(results: list[GateResult], recorded: Mapping[str, Mapping[str, float]]) -> Output:
    metrics: dict[str, JSON] = {
        f"{step}.{name}": value
        for step, figures in recorded.items()
        for name, value in figures.items()
        # JSON has no NaN, and nothing can be compared with one later.
        if math.isfinite(value)
    }
    rows: list[JSON] = [asdict(result) for result in results]
    digest = decision_digest(rows, metrics)
    return Output(
        digest=digest,
        reference=f"gate:{digest[:12]}",
        summary={"verdict": "passed", "results": rows, "metrics": metrics},
    )


def _number(value: JSON) -> float:
    # A boolean is an int to Python, but no figure.
    if isinstance(value, bool) or not isinstance(value, int | float):
        return math.nan
    return float(value)
