"""Push and pull: what one machine executed another does not, and what does not fit is executed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ropewalk.errors import Failed, Place
from ropewalk.pipeline import (
    CacheUnreachable,
    Graph,
    Need,
    Node,
    NodeKind,
    Output,
    Packed,
    Probe,
    RunResult,
    State,
    Status,
    Task,
    Transfer,
    Workspace,
    bring_in,
    build_graph,
    current_records,
    execute,
    make_plan,
    pull,
    push,
    require_shared_cache,
)
from ropewalk.pipeline.cache_transfer import Wanted, find_fitting, start_transfer
from ropewalk.pipeline.plan import assess
from ropewalk.pipeline.shared_storage import open_storage
from ropewalk.project import Project
from ropewalk.settings import load_settings
from ropewalk.store.environments import pointers


class Unpackable(Failed):
    """What the test kind raises for content it cannot bring in."""

    code = "RW498"


@dataclass
class BlobKind(NodeKind):
    """Each node makes one object of its facts and inputs; `world` is the outside, part of it seen only by executing."""

    name: str = "blob"
    world: dict[str, str] = field(default_factory=dict)
    executed: list[str] = field(default_factory=list)
    unpackable: bool = False
    observes: bool = True

    def declare(self, project: object) -> Iterable[Node]:
        return []

    def probe(self, node: Node, workspace: Workspace, last: Output | None) -> Probe:
        seen = {"seen"} | set((last.observed if last else None) or {})
        return Probe({name: text for name, text in self.world.items() if name in seen})

    def holds(self, node: Node, key: str, output: Output, workspace: Workspace) -> bool:
        return workspace.objects.has(output.digest)

    def execute(self, task: Task) -> Output:
        self.executed.append(task.node.name)
        parts = [
            *task.node.facts.values(),
            *self.world.values(),
            *(one.digest for one in task.inputs.values()),
        ]
        stored = task.workspace.objects.put_bytes("".join(parts).encode())
        return Output(stored.digest, f"made:{task.workspace.root.name}", observed=dict(self.world))

    def pack(self, node: Node, output: Output, workspace: Workspace) -> Packed | None:
        return None if node.name.startswith("bound") else Packed(output, {"content": output.digest})

    def unpack(self, node: Node, key: str, packed: Packed, workspace: Workspace) -> Output:
        if self.unpackable:
            raise Unpackable("this cannot be brought in")
        return dataclasses.replace(packed.output, reference=f"brought:{workspace.root.name}")


class Quiet:
    """An observer that keeps nothing."""

    def started(self, node_id: str, reasons: object) -> None: ...
    def progressed(self, node_id: str, done: float, total: float | None, text: str) -> None: ...
    def ended(self, result: object) -> None: ...


def node(name: str, *needs: str, **facts: str) -> Node:
    origin = Place("ropewalk.yaml", 1)
    return Node(
        f"blob:{name}", origin, provides=(name,), needs=tuple(Need(need) for need in needs), facts=facts
    )


@dataclass
class Machine:
    """A checkout of one project on one machine."""

    workspace: Workspace
    kind: BlobKind

    @property
    def kinds(self) -> Mapping[str, BlobKind]:
        return {"blob": self.kind}

    def run(self, graph: Graph) -> RunResult:
        """Run without the shared cache, so that only what is pushed and pulled travels."""
        self.kind.executed.clear()
        settings = self.workspace.settings
        self.workspace.settings = dataclasses.replace(settings, cache="")
        try:
            return execute(graph, self.kinds, self.workspace, Quiet())
        finally:
            self.workspace.settings = settings

    def push(self, graph: Graph) -> dict[str, Transfer]:
        cache = require_shared_cache(self.workspace)
        return {one.node: one for one in push(graph, self.kinds, self.workspace, cache)}

    def pull(self, graph: Graph) -> dict[str, Transfer]:
        cache = require_shared_cache(self.workspace)
        return {one.node: one for one in pull(graph, self.kinds, self.workspace, cache)}

    def statuses(self, graph: Graph) -> list[Status]:
        plan = make_plan(graph, self.kinds, self.workspace, current_records(self.workspace))
        return [planned.status for planned in plan.nodes]


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Callable[..., Machine]]:
    """Return a function that gives a machine by its name; all share one cache."""
    with ExitStack() as stack:

        def get(name: str, **settings: str) -> Machine:
            root = tmp_path / name
            root.mkdir(exist_ok=True)
            chosen = load_settings({}, cache=str(tmp_path / "shared"), **settings)
            workspace = stack.enter_context(Workspace(Project(root, "test", {}), chosen))
            return Machine(workspace, BlobKind(world={"seen": "x"}))

        yield get


CHAIN = build_graph([node("a", code="1"), node("b", "a", code="1"), node("c", "b", code="1")])


def test_nothing_is_executed_twice(machine: Callable[..., Machine]) -> None:
    """What one machine made and pushed, another pulls; its next run executes nothing."""
    one, two = machine("one"), machine("two")
    one.run(CHAIN)

    pushed, pulled = one.push(CHAIN), two.pull(CHAIN)

    assert [transfer.state for transfer in pushed.values()] == ["pushed"] * 3
    assert [transfer.state for transfer in pulled.values()] == ["pulled"] * 3
    assert two.statuses(CHAIN) == [Status.RESTORED] * 3
    result = two.run(CHAIN)
    assert two.kind.executed == []
    assert [found.state for found in result.nodes] == [State.RESTORED] * 3
    digests = [[found.digest for found in outputs(each)] for each in (one, two)]
    assert digests[0] == digests[1]


def outputs(machine: Machine) -> list[Output]:
    return [record.output for _, record in sorted(current_records(machine.workspace).items())]


def test_pulling_moves_no_pointer(machine: Callable[..., Machine]) -> None:
    """What is pulled is recorded; the environment moves with the next run, not before."""
    one, two = machine("one"), machine("two")
    one.run(CHAIN)
    one.push(CHAIN)

    two.pull(CHAIN)

    assert pointers(two.workspace.database, "dev") == {}


def test_references_are_those_of_this_machine(machine: Callable[..., Machine]) -> None:
    """Where an input was on the other machine means nothing here."""
    one, two = machine("one"), machine("two")
    one.run(CHAIN)
    one.push(CHAIN)
    two.pull(CHAIN)
    two.run(CHAIN)

    record = current_records(two.workspace)["blob:b"]

    assert record.output.reference == "brought:two"
    assert record.input_references == {"a": "brought:two"}


def test_again(machine: Callable[..., Machine]) -> None:
    """A second push or pull finds all there, and nothing travels."""
    one, two = machine("one"), machine("two")
    one.run(CHAIN)
    one.push(CHAIN)
    two.pull(CHAIN)

    for transfers in (one.push(CHAIN), two.pull(CHAIN)):
        assert {transfer.state for transfer in transfers.values()} == {"there"}
        assert sum(transfer.size for transfer in transfers.values()) == 0


def test_only_what_differs_is_executed(machine: Callable[..., Machine]) -> None:
    """After an edit the part in front of it is pulled, and the rest waits for its execution."""
    one, two = machine("one"), machine("two")
    one.run(CHAIN)
    one.push(CHAIN)
    edited = build_graph([node("a", code="1"), node("b", "a", code="2"), node("c", "b", code="1")])

    pulled = two.pull(edited)
    two.run(edited)

    assert [transfer.state for transfer in pulled.values()] == ["pulled", "absent", "absent"]
    assert two.kind.executed == ["b", "c"]


def test_a_kind_that_does_not_travel(machine: Callable[..., Machine]) -> None:
    """What cannot be packed is executed everywhere, and what is behind it may still be pulled after that."""
    graph = build_graph([node("bound", code="1"), node("after", "bound", code="1")])
    one, two = machine("one"), machine("two")
    one.run(graph)

    assert [transfer.state for transfer in one.push(graph).values()] == ["not packed", "pushed"]
    assert [transfer.state for transfer in two.pull(graph).values()] == ["absent", "absent"]


@pytest.mark.parametrize(("there", "state"), [("y", "pulled"), ("z", "absent")])
def test_what_was_seen_only_by_executing(machine: Callable[..., Machine], there: str, state: str) -> None:
    """A result that depends on more than is known before executing is used while all of that is equal here."""
    graph = build_graph([node("a", code="1")])
    one, two = machine("one"), machine("two")
    one.kind.world["hidden"] = "y"
    one.run(graph)
    one.push(graph)
    two.kind.world["hidden"] = there

    assert two.pull(graph)["blob:a"].state == state
    two.run(graph)
    assert two.kind.executed == ([] if state == "pulled" else ["a"])


def test_result_of_a_second_execution_is_found_by_who_never_executed(machine: Callable[..., Machine]) -> None:
    """Who starts knowing what the node reads and who starts knowing nothing find the same result."""
    one, two = machine("one"), machine("two")
    one.kind.world, two.kind.world = {"noticed": "1"}, {"noticed": "1"}
    one.run(build_graph([node("a", code="1")]))
    edited = build_graph([node("a", code="2")])
    one.run(edited)

    assert one.push(edited)["blob:a"].state == "pushed"
    assert two.pull(edited)["blob:a"].state == "pulled"
    assert two.statuses(edited) == [Status.RESTORED]


def test_second_execution_is_restored_in_another_environment(machine: Callable[..., Machine]) -> None:
    """An environment that never had the node finds what another one made knowing more."""
    early, later = machine("one", environment="early"), machine("one")
    early.run(build_graph([node("b")]))
    later.kind.world = early.kind.world = {"noticed": "1"}
    for code in "12":
        later.run(build_graph([node("a", code=code)]))

    assert early.statuses(build_graph([node("a", code="2")])) == [Status.RESTORED]
    early.kind.world = {"noticed": "2"}
    assert early.statuses(build_graph([node("a", code="2")])) == [Status.STALE]


def test_damage_is_executed(machine: Callable[..., Machine]) -> None:
    """A result whose bytes are damaged is said, and is executed as if nobody had it."""
    one, two = machine("one"), machine("two")
    one.run(CHAIN)
    one.push(CHAIN)
    digest = outputs(one)[0].digest
    damage = one.workspace.state / "damage"
    damage.write_bytes(b"nothing")
    shared = open_storage(one.workspace.settings.cache, one.workspace.root)
    shared.replace(f"cas/{digest[:2]}/{digest}", damage)

    pulled = two.pull(CHAIN)
    two.run(CHAIN)

    assert pulled["blob:a"].state == "failed"
    assert digest in str(pulled["blob:a"].detail)
    assert two.kind.executed[0] == "a"
    assert [found.digest for found in outputs(two)] == [found.digest for found in outputs(one)]


def test_content_that_cannot_be_brought_in(machine: Callable[..., Machine]) -> None:
    """A kind that refuses what it gets costs an execution, not the command."""
    one, two = machine("one"), machine("two")
    one.run(CHAIN)
    one.push(CHAIN)
    two.kind.unpackable = True

    assert two.pull(CHAIN)["blob:a"] == Transfer("blob:a", "failed", detail="this cannot be brought in")


def test_place_of_what_cannot_be_brought_in(machine: Callable[..., Machine]) -> None:
    """Applying a release fails with it, so it says which declaration of the project it is about."""
    one, two = machine("one"), machine("two")
    one.run(CHAIN)
    one.push(CHAIN)
    two.kind.unpackable = True
    origin = CHAIN.nodes["blob:a"]
    found = assess(origin, two.kind, two.workspace, None, {})
    wanted, cache = Wanted(origin, two.kind, found, {}), require_shared_cache(two.workspace)
    manifest = find_fitting(wanted, two.workspace, cache)

    assert manifest
    with pytest.raises(Unpackable) as caught:
        bring_in(wanted, manifest, two.workspace, cache, start_transfer(two.workspace))
    assert caught.value.place == Place("ropewalk.yaml", 1)


def test_lost_objects_are_not_pushed(machine: Callable[..., Machine]) -> None:
    """What is gone here is said, and no entry promises it."""
    one = machine("one")
    one.run(CHAIN)
    one.workspace.objects.path(outputs(one)[0].digest).unlink()

    pushed = one.push(CHAIN)

    assert [transfer.state for transfer in pushed.values()] == ["failed", "pushed", "pushed"]


def test_untrusted_work_does_not_become_trusted(machine: Callable[..., Machine]) -> None:
    """A trusted builder hands on what it executed itself, not what it once pulled."""
    one, two = machine("one"), machine("two")
    one.run(CHAIN)
    one.push(CHAIN)
    two.pull(CHAIN)
    two.run(CHAIN)
    trusted = machine("two", cache_role="trusted")

    assert {transfer.state for transfer in trusted.push(CHAIN).values()} == {"not ours"}

    ci = machine("ci", cache_role="trusted")
    ci.run(CHAIN)
    assert {transfer.state for transfer in ci.push(CHAIN).values()} == {"pushed"}


def test_two_nodes_do_not_take_each_others(machine: Callable[..., Machine]) -> None:
    """A result is of one node, whatever else is equal."""
    one, two = machine("one"), machine("two")
    first, second = build_graph([node("a", code="1")]), build_graph([node("z", code="1")])
    one.run(first)
    one.push(first)

    assert two.pull(second)["blob:z"].state == "absent"


def test_storage_that_is_down(machine: Callable[..., Machine], monkeypatch: pytest.MonkeyPatch) -> None:
    """Push and pull are about the storage: without it they fail."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "k")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    one = machine("one")
    one.run(CHAIN)
    one.workspace.settings = dataclasses.replace(one.workspace.settings, cache="s3://bucket")

    with pytest.raises(CacheUnreachable):
        one.push(CHAIN)
