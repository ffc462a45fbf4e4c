"""The node kind `step`: Python functions, each run in a process of its own against a tracked run."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from ropewalk.mlops.training.environment import (
    Environment,
    environment_of,
    environment_place,
    runs_installed,
)
from ropewalk.mlops.training.held import holds_product, show_product
from ropewalk.mlops.training.options import check_options
from ropewalk.mlops.training.undeclared import current_inputs, is_of_project
from ropewalk.pipeline import Need, Node, NodeKind, Output, Packed, Probe, Task, Workspace
from ropewalk.project import (
    STATE_FOLDER,
    ClosureReader,
    Project,
    PythonFiles,
    StepDeclaration,
    read_steps,
)


class StepKind(NodeKind):
    """Steps: declared by functions below `steps/`, executed by the harness."""

    name = "step"
    replays = True
    observes = True

    def declare(self, project: Project) -> Iterable[Node]:
        """Return a node for every step, read from its file without importing it."""
        files = PythonFiles(project.root)
        reader = _Reader(
            project,
            ClosureReader(files),
            Environment.of(project.root / STATE_FOLDER),
            project.entries("pools"),
        )
        steps = read_steps(project.root, files, project.parameters)
        nodes = [reader.declare(step) for step in steps]
        files.save()
        makers = {step.name for step in steps if step.makes == "Table"}
        if not makers:
            return nodes
        # Only a project whose steps make tables pays here for what tables need.
        from ropewalk.mlops.training.table_product import with_tables

        return with_tables(nodes, makers, project)

    def probe(self, node: Node, workspace: Workspace, last: Output | None) -> Probe:
        """Return the state of the files that the step was seen to read, which nobody declared."""
        if "partition" in node.facts:
            # Only partitioned steps need what tables in parts need.
            from ropewalk.mlops.training.step_parts import probe_step_parts

            return probe_step_parts(node, workspace, last)
        observed = last.observed if last else None
        return Probe(
            current_inputs(observed or {}, workspace),
            settled=is_of_project(observed or {}, workspace) and runs_installed(node.facts),
        )

    def holds(self, node: Node, key: str, output: Output, workspace: Workspace) -> bool:
        """Return whether what the step made is still there: a model's files, a table's snapshot, files."""
        return holds_product(node, key, output, workspace)

    def adopt(self, node: Node, output: Output, workspace: Workspace) -> None:
        """Let the files that the step made stand in the project's `outputs/` folder."""
        show_product(node, output, workspace)

    def show(self, node: Node, output: Output, workspace: Workspace) -> None:
        """Let the files that the step made stand in the project's `outputs/` folder, where another branch's may stand."""
        self.adopt(node, output, workspace)

    def pack(self, node: Node, output: Output, workspace: Workspace) -> Packed | None:
        """Return what the step made, with its tracked run, as objects; None for a step run for its effect."""
        from ropewalk.mlops.training.packing import pack_product

        return pack_product(node, output, workspace)

    def unpack(self, node: Node, key: str, packed: Packed, workspace: Workspace) -> Output:
        """Bring in what a step made elsewhere, with its tracked run; doing it twice is doing it once.

        Raises:
            RopewalkError: the content is not what its digest says, or its run is not described.
        """
        from ropewalk.mlops.training.packing import unpack_product

        return unpack_product(node, key, packed, workspace)

    def packages(self, facts: Mapping[str, str]) -> dict[str, str]:
        """Return the versions that a step with these facts ran on, by package."""
        from ropewalk.mlops.training.overlay import packages_in

        return packages_in(facts)

    def with_packages(self, node: Node, packages: Mapping[str, str]) -> Node:
        """Return the step as it would be declared where these versions are installed."""
        from ropewalk.mlops.training.overlay import with_packages

        return with_packages(node, packages)

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


@dataclass(frozen=True)
class _Reader:
    """What the declarations of all steps of a project share."""

    project: Project
    code: ClosureReader
    environment: Environment
    pools: Collection[str]

    def declare(self, step: StepDeclaration) -> Node:
        """Return the node of one step."""
        options = check_options(step, self.pools)
        code = self.code.closure(step.path, step.name)
        own = {"version": options.version, "partition": options.partition}
        return Node(
            id=f"step:{step.name}",
            origin=step.place,
            spec=step,
            limits=options.limits,
            provides=(step.name,),
            needs=tuple(Need(name, step.place, is_parameter=True) for name, _ in step.needs),
            facts={
                # One fact per piece of code, so that `why` names the function or module that changed.
                **{f"code {name}": digest for name, digest in code.facts.items()},
                **{f"params.{p.name}": repr(p.default) for p in step.parameters},
                **{name: value for name, value in own.items() if value is not None},
                "makes": step.makes or "nothing",
                **environment_of(step, options, code, self.environment, self.project.root),
            },
            places={
                **{f"code {name}": place for name, place in code.places.items()},
                **{f"params.{p.name}": p.place for p in step.parameters},
                **environment_place(options),
            },
        )
