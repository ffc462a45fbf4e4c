"""The plan as a value: for every node what would happen, and why. Planning changes nothing.

A node is fresh when the action its pointer names has the key that the node would have now, and the content is
still there. It is restored when another recorded action has that key: the work was done before, in another
environment or before an edit was taken back. Behind a stale node the digests are not known yet, so a descendant
waits: it runs only when one of its inputs really comes out different (early cut-off).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum

from ropewalk.pipeline.graph import Graph
from ropewalk.pipeline.keys import action_key
from ropewalk.pipeline.reasons import Reason, compare, compare_inputs
from ropewalk.pipeline.records import Record, records_of_key, records_that_saw_more
from ropewalk.pipeline.values import Node, NodeKind, Output, Probe
from ropewalk.pipeline.workspace import Workspace
from ropewalk.store.environments import get_environment
from ropewalk.store.pipeline import wall_times


class Status(Enum):
    """What would happen to a node."""

    FRESH = "fresh"
    RESTORED = "restored"
    STALE = "stale"
    WAITS = "waits"


@dataclass(frozen=True)
class PlannedNode:
    """One node of a plan.

    Attributes:
        id: the node.
        status: what would happen to it.
        reasons: why it is stale, or what it waits for.
        warning: what a person should know although the node is fresh (its source cannot be reached).
        output: what is recorded for it now, or would be restored, if anything.
        seconds: how long its last execution took; None when it would not run, or never did.
        key: the key it would have; None while it waits.
    """

    id: str
    status: Status
    reasons: tuple[Reason, ...] = ()
    warning: str | None = None
    output: Output | None = None
    seconds: float | None = None
    key: str | None = None


@dataclass(frozen=True)
class Plan:
    """What `ropewalk run` would do, node by node in order.

    Attributes:
        environment: whose pointers it would move.
        version: the version of the environment that it was made from.
        nodes: what would happen to each.
    """

    environment: str
    nodes: tuple[PlannedNode, ...]
    version: int = 0

    def count(self, status: Status) -> int:
        """Return how many nodes have `status`."""
        return sum(node.status is status for node in self.nodes)

    def seconds(self) -> float:
        """Return how long the executions would take, one after the other, as far as earlier ones tell."""
        return sum(node.seconds or 0.0 for node in self.nodes)


@dataclass(frozen=True)
class Assessment:
    """One node held against what is recorded: what would happen to it, under which key, and why.

    Attributes:
        found: the record that stands for the node when nothing is executed.
    """

    key: str
    probe: Probe
    status: Status
    reasons: tuple[Reason, ...] = ()
    warning: str | None = None
    found: Record | None = None


def make_plan(
    graph: Graph,
    kinds: Mapping[str, NodeKind],
    workspace: Workspace,
    records: Mapping[str, Record],
    selected: Iterable[str] | None = None,
) -> Plan:
    """Return what would happen to `selected` nodes and all they need (None: the whole graph)."""
    chosen = graph.ancestors(selected) if selected is not None else set(graph.nodes)
    name = workspace.settings.environment
    environment = get_environment(workspace.database, name)
    spent = wall_times(workspace.database)
    planned: dict[str, PlannedNode] = {}
    for node_id, node in graph.nodes.items():
        if node_id not in chosen:
            continue
        needed = {need: planned[i] for need, i in graph.inputs[node_id].items()}
        waits_for = _waits_for(needed.values())
        record = records.get(node_id)
        seconds = spent[node_id] / 1000 if node_id in spent else None
        if waits_for:
            planned[node_id] = _behind(node, record, waits_for, seconds)
        else:
            inputs = {need: _output(made) for need, made in needed.items()}
            found = assess(node, kinds[node.kind], workspace, record, inputs)
            planned[node_id] = _in_front(found, node, record, seconds)
    return Plan(name, tuple(planned.values()), environment.version if environment else 0)


def assess(
    node: Node, kind: NodeKind, workspace: Workspace, record: Record | None, inputs: Mapping[str, Output]
) -> Assessment:
    """Hold `node`, with its inputs known, against what is recorded for it in the environment, and then anywhere."""
    # The outside is asked at every plan: it can change without anything in the repository changing.
    probe, warning = _kept(kind.probe(node, workspace, record.output if record else None), record)
    digests = {name: output.digest for name, output in inputs.items()}
    key = action_key(node, probe.facts, digests)
    reasons = _reasons(node, record, probe, key, inputs)
    # The record says it was made; the kind says whether it is still there. A deleted lake must not pass for fresh.
    if record and key == record.key and not reasons:
        if kind.holds(node, record.task_key, record.output, workspace):
            return Assessment(key, probe, Status.FRESH, warning=warning or _standing(record), found=record)
        reasons = (Reason("content", "no longer there"),)
    restored = None if probe.unreachable else find_restorable(node, kind, workspace, key, digests)
    stale = Assessment(key, probe, Status.STALE, reasons, warning)
    return as_restored(stale, restored) if restored else stale


def _kept(probe: Probe, record: Record | None) -> tuple[Probe, str | None]:
    """Return what is taken for the state of the outside, and what a person should know when that is not of now."""
    if probe.unreachable and probe.keep and record:
        # The owner said an unreachable source is no reason to fail: what was loaded last stands in.
        return Probe(facts=record.outside), f"{probe.unreachable}; the data loaded last are used"
    return probe, None


def _standing(record: Record) -> str | None:
    """Return what its output says a person should know of it for as long as it stands."""
    told = record.output.summary.get("standing")
    return str(told) if told else None


def as_restored(found: Assessment, record: Record) -> Assessment:
    """Return how the node stands when `record` does in place of an execution."""
    is_new = any(reason.what == "new" for reason in found.reasons)
    # Somebody did execute it.
    reasons = (Reason("new", "not in this environment yet"),) if is_new else found.reasons
    return replace(found, status=Status.RESTORED, reasons=reasons, found=record)


def find_restorable(
    node: Node, kind: NodeKind, workspace: Workspace, key: str, digests: Mapping[str, str]
) -> Record | None:
    """Return an action that did, under `key`, just what executing the node now would do, and is still there."""
    seen = set[str]()
    candidates = records_of_key(workspace, node.id, key)
    # Who executed it before started under a key with what had been seen then, which nobody here has to know.
    if kind.observes and not any(found.key == key for found in candidates):
        candidates += records_that_saw_more(workspace, node, digests)
    for found in candidates:
        if found.key in seen:
            continue
        seen.add(found.key)
        # An execution that saw more of the outside than the probe knew stands only while all of that is as it was.
        outside = kind.probe(node, workspace, found.output).facts if found.key != key else found.outside
        is_same = found.key == key or action_key(node, outside, digests) == found.key
        if is_same and kind.holds(node, found.task_key, found.output, workspace):
            return found
    return None


def _reasons(
    node: Node, record: Record | None, probe: Probe, key: str, inputs: Mapping[str, Output]
) -> tuple[Reason, ...]:
    if record is None:
        return (Reason("new", "never executed"),)
    if probe.unreachable:
        return (Reason("outside", probe.unreachable),)
    if key == record.key:
        return ()
    found = (
        *compare(record.facts, node.facts, node.places),
        *compare_inputs(record.inputs, record.input_references, inputs),
        *compare(record.outside, probe.facts, {}, prefix="outside "),
    )
    # All named parts are equal and the key is not: the recipe of the key itself has changed.
    return found or (Reason("key", "computed differently by this version of Ropewalk"),)


def _in_front(
    assessment: Assessment, node: Node, record: Record | None, seconds: float | None
) -> PlannedNode:
    found = assessment.found or record
    return PlannedNode(
        node.id,
        assessment.status,
        assessment.reasons,
        assessment.warning,
        found.output if found else None,
        seconds if assessment.status is Status.STALE else None,
        assessment.key,
    )


def _behind(node: Node, record: Record | None, waits_for: list[str], seconds: float | None) -> PlannedNode:
    """Plan a node some of whose inputs will be executed first."""
    if record is None:
        return PlannedNode(node.id, Status.STALE, reasons=(Reason("new", "never executed"),))
    changed = tuple(compare(record.facts, node.facts, node.places))
    waiting = tuple(Reason("input", f"waits for {i}") for i in waits_for)
    # A change of its own makes it run for certain; otherwise it is its inputs' content that decides.
    status = Status.STALE if changed else Status.WAITS
    return PlannedNode(node.id, status, changed + waiting, output=record.output, seconds=seconds)


def _waits_for(needed: Iterable[PlannedNode]) -> list[str]:
    # Only direct inputs are looked at: one that waits itself passes the waiting on.
    return [made.id for made in needed if made.output is None or _runs(made)]


def _runs(planned: PlannedNode) -> bool:
    return planned.status in {Status.STALE, Status.WAITS}


def _output(planned: PlannedNode) -> Output:
    assert planned.output is not None  # a node that is done has a recorded output
    return planned.output
