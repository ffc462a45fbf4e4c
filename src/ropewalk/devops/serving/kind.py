"""The node kind `deployment`: its node moves the deployment to the model version its run made."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from blake3 import blake3

from ropewalk.devops.serving.errors import ModelNotServable
from ropewalk.devops.serving.pointed import known_targets, recorded_target
from ropewalk.devops.serving.section import DeployEntry
from ropewalk.pipeline import Need, Node, NodeKind, Output, Packed, Probe, Task, Workspace
from ropewalk.project import Entry, InvalidProjectFile, Project
from ropewalk.store.deployments import Target, current_deployment
from ropewalk.store.environments import pointers
from ropewalk.store.pipeline import get_action

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
        return Probe(settled=True)

    def holds(self, node: Node, key: str, output: Output, workspace: Workspace) -> bool:
        """Return whether the version is still registered; where the environment points at it, also served."""
        target = recorded_target(workspace, output)
        if target is None or _digest(node.name, target) != output.digest:
            return False
        # What another environment or an earlier commit made is judged by its content alone: `adopt` serves it.
        current = current_deployment(workspace.database, workspace.settings.environment, node.name)
        return current is None or current.target == target or not _is_pointed_at(workspace, node, key)

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
        # By name, because planning reads this module and must not wait for what only deploying needs.
        with _placed(task.node):
            importlib.import_module(_DOOR).deploy(task.workspace, name, target, task.run_id)
        return _output(name, target)

    def pack(self, node: Node, output: Output, workspace: Workspace) -> Packed | None:
        """Return what it serves, by name: the version travels as a node of its own."""
        return Packed(output, {})

    def unpack(self, node: Node, key: str, packed: Packed, workspace: Workspace) -> Output:
        """Return the output with the number that the version has here; nothing is served by it.

        Raises:
            ModelNotServable: no version with that content is registered here.
        """
        model, column = (str(packed.output.summary[name]) for name in ("model", "key"))
        for target in known_targets(workspace, model, column):
            if _digest(node.name, target) == packed.output.digest:
                return _output(node.name, target)
        raise ModelNotServable(
            f"no version of {model!r} here has the content that {packed.output.reference} serves elsewhere",
            hint="`ropewalk cache pull` brings the model first",
        )

    def adopt(self, node: Node, output: Output, workspace: Workspace) -> None:
        """Serve the version that `output` names; it is tried first only if no environment ever served it.

        Raises:
            ModelNotServable: the version is gone, or it does not load or predict; what is served stays.
            RevisionTaken: someone else moved the deployment meanwhile.
        """
        target = recorded_target(workspace, output)
        if target is None:
            raise ModelNotServable(
                f"{output.reference} serves a version that is not registered here any more",
                place=node.origin,
                hint="`ropewalk run` in an unprotected environment registers it again",
            )
        with _placed(node):
            importlib.import_module(_DOOR).redeploy(workspace, node.name, target)


@contextmanager
def _placed(node: Node) -> Iterator[None]:
    """Let the error of a model that cannot be served say where its deployment is declared."""
    try:
        yield
    except ModelNotServable as error:
        error.place = error.place or node.origin
        raise


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


def _output(name: str, target: Target) -> Output:
    return Output(
        digest=_digest(name, target),
        reference=f"deployment:{name}@{target.version}",
        summary={"model": target.model, "version": target.version, "key": target.key_column},
        # What it answers from now on: the end of every lineage, and where monitoring begins.
        makes=(f"predictions:{name}",),
    )


def _is_pointed_at(workspace: Workspace, node: Node, key: str) -> bool:
    pointed = pointers(workspace.database, workspace.settings.environment).get(node.id)
    action = get_action(workspace.database, pointed) if pointed else None
    return action is not None and action.task_key == key


def _digest(name: str, target: Target) -> str:
    # All that answers differ by: a moved key column makes other joins, so it counts too. A version's number does
    # not: on another machine the same content may have another.
    parts = (name, target.model, target.digest, target.key_column)
    return blake3("|".join(parts).encode()).hexdigest()
