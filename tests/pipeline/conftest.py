"""A node kind of two files each, as real as the port asks for: it reads a folder and writes what it made."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from blake3 import blake3
from blank_state import add_database

from ropewalk.errors import Failed, Place
from ropewalk.pipeline import (
    Graph,
    Limits,
    Need,
    Node,
    NodeKind,
    NodeResult,
    Output,
    Probe,
    Reason,
    RunOptions,
    RunResult,
    Task,
    Workspace,
    build_graph,
    execute,
)
from ropewalk.project import Project

ORIGIN = Place("ropewalk.yaml", 1)


class StepFailedHere(Failed):
    """What the test kind raises when told to."""

    code = "RW499"


@dataclass
class FileKind(NodeKind):
    """Each node writes its facts and its inputs' content to `out/NAME/DIGEST`; `outside/NAME` is its outside world.

    Errors in `passing` are raised once each, and may pass; `slow` is how long each execution takes.
    """

    folder: Path
    name: str = "file"
    failing: set[str] = field(default_factory=set)
    executed: list[str] = field(default_factory=list)
    unreachable: dict[str, bool] = field(default_factory=dict)
    passing: list[str] = field(default_factory=list)
    adopted: list[str] = field(default_factory=list)
    slow: float = 0.0

    def declare(self, project: Project) -> Iterable[Node]:
        return []

    def probe(self, node: Node, workspace: Workspace, last: Output | None) -> Probe:
        if node.name in self.unreachable:
            return Probe(unreachable="connection refused", keep=self.unreachable[node.name])
        outside = self.folder / "outside" / node.name
        return Probe({"content": outside.read_text()} if outside.exists() else {})

    def holds(self, node: Node, key: str, output: Output, workspace: Workspace) -> bool:
        return (self.folder / "out" / node.name / output.digest).exists()

    def adopt(self, node: Node, output: Output, workspace: Workspace) -> None:
        self.adopted.append(node.id)

    def execute(self, task: Task) -> Output:
        name = task.node.name
        self.executed.append(task.node.id)
        if name in self.failing:
            raise StepFailedHere(f"{name} broke")
        if self.passing:
            error = StepFailedHere(self.passing.pop())
            error.may_pass = True
            raise error
        time.sleep(self.slow)
        probe = self.probe(task.node, task.workspace, None)
        content = "".join([*task.node.facts.values(), *probe.facts.values()])
        content += "".join(made.digest for made in task.inputs.values())
        digest = blake3(content.encode()).hexdigest()
        place = self.folder / "out" / name / digest
        place.parent.mkdir(exist_ok=True, parents=True)
        place.write_text(content)
        # A line for each execution, to count those of all processes.
        with (self.folder / "executions").open("a") as log:
            log.write(f"{name}\n")
        return Output(digest, f"snapshot:{digest[:4]}", origins=(f"disk:{name}",))


class Silent:
    """An observer that remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def started(self, node_id: str, reasons: tuple[Reason, ...]) -> None:
        self.told.append(f"started {node_id}")

    def progressed(self, node_id: str, done: float, total: float | None, text: str) -> None:
        self.told.append(f"progressed {node_id}: {text}")

    def ended(self, result: NodeResult) -> None:
        self.told.append(f"ended {result.id}")


Declare = Callable[..., Node]


def node(
    name: str,
    *needs: str,
    provides: tuple[str, ...] = (),
    limits: Limits = Limits(),  # noqa: B008  # frozen
    **facts: str,
) -> Node:
    """Return a node of the test kind."""
    return Node(
        f"file:{name}",
        ORIGIN,
        limits=limits,
        provides=provides or (name,),
        needs=tuple(Need(need, Place("here.sql", 3, 7)) for need in needs),
        facts=facts,
    )


@dataclass
class Bench:
    """A workspace, a kind and a way to run nodes."""

    workspace: Workspace
    kind: FileKind
    observer: Silent = field(default_factory=Silent)

    @property
    def kinds(self) -> Mapping[str, FileKind]:
        return {"file": self.kind}

    def run(self, *nodes: Node, selected: list[str] | None = None, **options: object) -> RunResult:
        self.kind.executed.clear()
        chosen = RunOptions(**options)
        return execute(build_graph(nodes), self.kinds, self.workspace, self.observer, selected, chosen)

    def switch(self, environment: str) -> None:
        """Go on in another environment."""
        self.workspace.settings = replace(self.workspace.settings, environment=environment)

    def graph(self, *nodes: Node) -> Graph:
        return build_graph(nodes)

    def outside(self, name: str, content: str) -> None:
        path = self.kind.folder / "outside" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)


@pytest.fixture
def declare() -> Declare:
    """Return the function that declares test nodes."""
    return node


@pytest.fixture
def bench(tmp_path: Path, environ: dict[str, str]) -> Iterable[Bench]:
    """Return an open workspace with the test kind."""
    from ropewalk.settings import load_settings

    project = Project(tmp_path, "test", {})
    if not environ:
        add_database(tmp_path / ".ropewalk/ropewalk.db")
    with Workspace(project, load_settings(environ)) as workspace:
        yield Bench(workspace, FileKind(tmp_path))
