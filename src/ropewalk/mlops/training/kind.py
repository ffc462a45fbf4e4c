"""The node kind `step`: Python functions, each run in a process of its own against a tracked run."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ropewalk.errors import Place
from ropewalk.mlops.tracking import logged_model_files
from ropewalk.mlops.training.environment import environment_facts
from ropewalk.mlops.training.errors import InvalidStep
from ropewalk.mlops.training.options import check_options
from ropewalk.pipeline import Need, Node, NodeKind, Output, Probe, Task, Workspace
from ropewalk.project import (
    Project,
    StepDeclaration,
    code_facts,
    imported_packages,
    read_steps,
)


class StepKind(NodeKind):
    """Steps: declared by functions below `steps/`, executed by the harness."""

    name = "step"

    def declare(self, project: Project) -> Iterable[Node]:
        """Yield a node for every step, read from its file without importing it."""
        for step in read_steps(project.root):
            yield _declare(step, project.root)

    def probe(self, node: Node, workspace: Workspace, last: Output | None) -> Probe:
        """Return nothing: a step depends on its code, its packages and its inputs only."""
        return Probe()

    def holds(self, node: Node, key: str, output: Output, workspace: Workspace) -> bool:
        """Return whether the files of the model that the step made are still there."""
        model_id = output.summary.get("model_id")
        if not isinstance(model_id, str):
            return True
        files = logged_model_files(workspace, model_id)
        return bool(files) and all(workspace.objects.has(stored.digest) for stored in files.values())

    def execute(self, task: Task) -> Output:
        """Run the step's process against a new tracked run and read what it made.

        Raises:
            StepFailed: the step raised, or its process died.
            StepTimedOut: it ran too long.
            WrongProduct: it returned something else than it said.
        """
        # The web server behind the tracking endpoint is loaded only when a step really runs.
        from ropewalk.mlops.training.execution import run_step

        return run_step(task)


def _declare(step: StepDeclaration, root: Path) -> Node:
    options = check_options(step)
    if step.makes == "Table":
        raise InvalidStep(
            f"step {step.name!r} returns a Table, which steps cannot make yet",
            place=step.place,
            hint="make tables with SQL below tables/",
        )
    path = root / step.path
    # One fact per piece of code, so that `why` names the function or module that changed.
    code = {f"code {name}": digest for name, digest in code_facts(path, step.name, root).items()}
    parameters = {f"params.{p.name}": repr(p.default) for p in step.parameters}
    version = {"version": options["version"]} if "version" in options else {}
    return Node(
        id=f"step:{step.name}",
        origin=step.place,
        spec=step,
        provides=(step.name,),
        needs=tuple(Need(name, step.place) for name, _ in step.needs),
        facts={
            **code,
            **parameters,
            **version,
            **environment_facts(imported_packages(path, step.name, root)),
        },
        places={
            **{name: Place(name.removeprefix("code ").partition(":")[0]) for name in code},
            **{f"params.{p.name}": p.place for p in step.parameters},
        },
    )
