"""The node kind `deployment`: its node moves the deployment to the model version its run made."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable

from blake3 import blake3

from ropewalk.devops.serving.section import DeployEntry
from ropewalk.pipeline import Need, Node, NodeKind, Output, Probe, Task, Workspace
from ropewalk.project import Entry, InvalidProjectFile, Project
from ropewalk.store.deployments import Target, current_deployment

_DOOR = "ropewalk.devops.serving.deployments"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")


class DeploymentKind(NodeKind):
    """Deployments as nodes: `deployment:late` needs `model:late` and makes it answer requests."""

    name = "deployment"

    def declare(self, project: Project) -> Iterable[Node]:
        """Yield a node for each entry of the section `deploy`.

        Raises:
            InvalidProjectFile: a deployment's name cannot be part of an address.
        """
        for entry in project.entries("deploy").values():
            yield _declare(entry)

    def probe(self, node: Node, workspace: Workspace, last: Output | None) -> Probe:
        """Return nothing: a deployment depends on its model and its declaration alone."""
        return Probe()

    def holds(self, node: Node, key: str, output: Output, workspace: Workspace) -> bool:
        """Return whether the deployment still serves the version it was moved to."""
        current = current_deployment(workspace.database, node.name)
        return current is not None and _digest(node.name, current.target) == output.digest

    def execute(self, task: Task) -> Output:
        """Try the model version, then move the deployment to it.

        Raises:
            ModelNotServable: the model does not load or predict; the deployment keeps what it serves.
            RevisionTaken: someone else moved the deployment meanwhile.
        """
        name, entry = task.node.name, task.node.spec
        assert isinstance(entry, DeployEntry)
        made = task.inputs[task.node.needs[0].name]
        model, _, version = made.reference.removeprefix("model:").rpartition("/")
        target = Target(model, int(version), made.digest, entry.key)
        task.report(0, None, f"trying {model} version {version}")
        # By name, because planning reads this module and must not wait for the registry.
        importlib.import_module(_DOOR).deploy(task.workspace, name, target, task.run_id)
        return Output(
            digest=_digest(name, target),
            reference=f"deployment:{name}@{version}",
            summary={"model": model, "version": target.version, "key": entry.key},
            # What it answers from now on: the end of every lineage, and where monitoring begins.
            makes=(f"predictions:{name}",),
        )


def _declare(entry: Entry) -> Node:
    if not _NAME.fullmatch(entry.name):
        raise InvalidProjectFile(
            f"deployment {entry.name!r} must be named with letters, digits and underscores, a letter first",
            place=entry.place,
        )
    spec = entry.value
    assert isinstance(spec, DeployEntry)
    model = spec.model or entry.name
    return Node(
        id=f"deployment:{entry.name}",
        origin=entry.place,
        spec=spec,
        needs=(Need(f"model:{model}", entry.place),),
        facts={"model": model, "key": spec.key},
        places={"model": entry.place, "key": entry.place},
    )


def _digest(name: str, target: Target) -> str:
    # All that answers differ by: a moved key column makes other joins, so it counts too.
    parts = (name, target.model, str(target.version), target.digest, target.key_column)
    return blake3("|".join(parts).encode()).hexdigest()
