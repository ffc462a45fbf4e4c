"""The node kind `model`: registers what a training step made as a version, once its gate has passed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ropewalk.errors import NotFound, nearest
from ropewalk.mlops.registry.errors import UnmadeModel
from ropewalk.mlops.registry.models import point_alias
from ropewalk.mlops.registry.packing import pack_version, unpack_version
from ropewalk.mlops.registry.reviews import require_approved
from ropewalk.mlops.registry.versions import get_version, register
from ropewalk.pipeline import (
    JSON,
    Need,
    Node,
    NodeKind,
    Output,
    Packed,
    Probe,
    Task,
    Workspace,
    is_protected,
)
from ropewalk.project import (
    InvalidPython,
    Project,
    StepDeclaration,
    git_state,
    read_steps,
)
from ropewalk.store.registry import ModelVersion

# A JSON list of {table, snapshot, digest}: what monitors compare predictions with.
INPUTS_TAG = "ropewalk.inputs"
# The section belongs to evaluation, which reads the registry: naming it here keeps the two from needing each other.
GATES = "gates"


@dataclass(frozen=True)
class ModelSpec:
    """Which step makes the model, and the gate that judges it, if there is one."""

    step: str
    gate: str | None


class ModelKind(NodeKind):
    """Models as nodes: `model:late` needs its training step, and `gate:late` where `gates` names it."""

    name = "model"

    def declare(self, project: Project) -> Iterable[Node]:
        """Yield one node per step that makes a Model.

        Raises:
            UnmadeModel: a gate is named after a model that no step makes.
            InvalidPython: two steps make a model of one name, or a name is no text.
        """
        steps = _model_steps(project)
        _check_gates(project, steps)
        for model, step in steps.items():
            gate = f"gate:{model}" if model in project.entries(GATES) else None
            yield _node(model, step, gate)

    def probe(self, node: Node, workspace: Workspace, last: Output | None) -> Probe:
        """Return nothing: a model depends on its step and its gate only."""
        return Probe(settled=True)

    def holds(self, node: Node, key: str, output: Output, workspace: Workspace) -> bool:
        """Return whether the version is still registered with the same content."""
        try:
            version = get_version(workspace, node.name, str(output.summary["version"]))
        except NotFound:
            return False
        return version.digest == output.digest

    def adopt(self, node: Node, output: Output, workspace: Workspace) -> None:
        """Hold the version against the approvals that the environment asks for, and move its alias if it is protected.

        Raises:
            NotApproved: the version lacks an approval.
            NotFound: it is not registered any more.
        """
        environment = workspace.settings.environment
        version = get_version(workspace, node.name, str(output.summary["version"]))
        require_approved(workspace, version, environment)
        # Elsewhere a deployment moves the alias of its environment; what is protected moves with its release.
        if is_protected(workspace.project, environment):
            point_alias(workspace, version.name, environment, version.version, reason="release applied")

    def pack(self, node: Node, output: Output, workspace: Workspace) -> Packed | None:
        """Return the version with its tags; its files travel with the step that made them."""
        return pack_version(node.name, output, workspace)

    def unpack(self, node: Node, key: str, packed: Packed, workspace: Workspace) -> Output:
        """Register here what was registered elsewhere; doing it twice is doing it once.

        Raises:
            InvalidSource: the logged model is not here, or the tags are damaged.
        """
        return unpack_version(node.name, key, packed, workspace)

    def execute(self, task: Task) -> Output:
        """Register the step's model; the same content is the same version.

        Raises:
            RopewalkError: the registry refuses the name, or its files are gone.
        """
        spec = task.node.spec
        assert isinstance(spec, ModelSpec)
        made = task.inputs[spec.step]
        metrics = _metrics(task.inputs[spec.gate]) if spec.gate else {}
        version = register(
            task.workspace,
            task.node.name,
            model_id=str(made.summary["model_id"]),
            run_id=str(made.summary["run_id"]),
            node_key=task.key,
            digest=made.digest,
            metrics=metrics,
            tags=_lineage_tags(task, spec.step, made),
        )
        # The digest is the content's, so that registering the same model again deploys nothing anew.
        return Output(
            digest=made.digest,
            reference=f"model:{version.name}/{version.version}",
            summary=_summary(version, metrics),
            # The run stands in the lineage of the step that made it; it is not made a second time here.
            makes=(f"model_version:{version.name}/{version.version}",),
        )


def model_name(step: StepDeclaration) -> str:
    """Return the name under which the model of `step` is registered.

    Raises:
        InvalidPython: the option `model` is no text.
    """
    name = step.options.get("model", step.name)
    if not isinstance(name, str) or not name:
        raise InvalidPython(f"the option model of step {step.name!r} must be a name", place=step.place)
    return name


def _model_steps(project: Project) -> dict[str, StepDeclaration]:
    found: dict[str, StepDeclaration] = {}
    for step in read_steps(project.root):
        if step.makes != "Model":
            continue
        other = found.setdefault(model_name(step), step)
        if other is not step:
            raise InvalidPython(
                f"steps {other.name!r} at {other.place} and {step.name!r} both make the model"
                f" {model_name(step)!r}",
                place=step.place,
                hint='give one of them another name: @step(model="...")',
            )
    return found


def _check_gates(project: Project, models: Mapping[str, StepDeclaration]) -> None:
    for entry in project.entries(GATES).values():
        if entry.name not in models:
            raise UnmadeModel(
                f"gate {entry.name!r} is for a model that no step makes",
                place=entry.place,
                nearest=nearest(entry.name, models),
                hint="models that steps make: " + (", ".join(models) or "none yet"),
            )


def _node(model: str, step: StepDeclaration, gate: str | None) -> Node:
    return Node(
        id=f"model:{model}",
        origin=step.place,
        spec=ModelSpec(step.name, gate),
        needs=tuple(Need(name, step.place) for name in (step.name, gate) if name),
        facts={"name": model},
        places={"name": step.place},
    )


def _metrics(gate: Output) -> dict[str, float]:
    """Return the figures that the gate read, by `STEP.METRIC`; later candidates are compared with them."""
    return dict(_figures(gate.summary.get("metrics")))


def _figures(metrics: JSON) -> Iterator[tuple[str, float]]:
    for name, value in metrics.items() if isinstance(metrics, dict) else ():
        if isinstance(value, int | float):
            yield name, float(value)


def _summary(version: ModelVersion, metrics: Mapping[str, float]) -> dict[str, JSON]:
    # Content that was registered before keeps the run and the model that made it first.
    return {
        "name": version.name,
        "version": int(version.version),
        "model_id": version.model_id,
        "run_id": version.run_id,
        "metrics": dict(metrics),
    }


def _lineage_tags(task: Task, step: str, made: Output) -> dict[str, str]:
    tags = {
        "ropewalk.run": task.run_id,
        "ropewalk.step": step,
        INPUTS_TAG: json.dumps(made.summary.get("inputs", [])),
    }
    commit = git_state(task.workspace.root).commit
    return tags | ({"ropewalk.git_commit": commit} if commit else {})
