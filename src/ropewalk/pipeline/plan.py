"""The plan as a value: for every node what would happen, and why. Planning changes nothing.

A node is fresh when its recorded action still has the key that the node would have now, and the content is
still there. Behind a stale node the digests are not known yet, so a descendant waits: it runs only when one of
its inputs really comes out different (early cut-off).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from ropewalk.pipeline.graph import Graph
from ropewalk.pipeline.keys import action_key
from ropewalk.pipeline.reasons import Reason, compare
from ropewalk.pipeline.records import Record
from ropewalk.pipeline.values import Node, NodeKind, Output, Probe
from ropewalk.pipeline.workspace import Workspace


class Status(Enum):
    """What would happen to a node."""

    FRESH = "fresh"
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
        output: what is recorded for it now, if anything.
    """

    id: str
    status: Status
    reasons: tuple[Reason, ...] = ()
    warning: str | None = None
    output: Output | None = None


@dataclass(frozen=True)
class Plan:
    """What `ropewalk run` would do, node by node in order."""

    environment: str
    nodes: tuple[PlannedNode, ...]

    def count(self, status: Status) -> int:
        """Return how many nodes have `status`."""
        return sum(node.status is status for node in self.nodes)


@dataclass(frozen=True)
class Assessment:
    """One node held against its record: whether it is fresh, under which key it would run, and why."""

    key: str
    probe: Probe
    is_fresh: bool
    reasons: tuple[Reason, ...]
    warning: str | None = None


def make_plan(
    graph: Graph,
    kinds: Mapping[str, NodeKind],
    workspace: Workspace,
    records: Mapping[str, Record],
    selected: Iterable[str] | None = None,
) -> Plan:
    """Return what would happen to `selected` nodes and all they need (None: the whole graph)."""
    chosen = graph.ancestors(selected) if selected is not None else set(graph.nodes)
    planned: dict[str, PlannedNode] = {}
    for node_id, node in graph.nodes.items():
        if node_id in chosen:
            # Only direct inputs are looked at: one that waits itself passes the waiting on.
            waits_for = [i for i in graph.inputs[node_id].values() if planned[i].status is not Status.FRESH]
            record = records.get(node_id)
            kind = kinds[node.kind]
            if waits_for:
                planned[node_id] = _behind(node, record, waits_for)
            else:
                inputs = {name: _output(planned[i]) for name, i in graph.inputs[node_id].items()}
                planned[node_id] = _in_front(assess(node, kind, workspace, record, inputs), node, record)
    return Plan(workspace.settings.environment, tuple(planned.values()))


def assess(
    node: Node, kind: NodeKind, workspace: Workspace, record: Record | None, inputs: Mapping[str, Output]
) -> Assessment:
    """Hold `node`, with its inputs known, against what is recorded for it."""
    # The outside is asked at every plan: it can change without anything in the repository changing.
    probe = kind.probe(node, workspace, record.output if record else None)
    digests = {name: output.digest for name, output in inputs.items()}
    warning = None
    if probe.unreachable and probe.keep and record:
        # The owner said an unreachable source is no reason to fail: what was loaded last stands in.
        warning = f"{probe.unreachable}; the data loaded last are used"
        probe = Probe(facts=record.outside)
    key = action_key(node, probe.facts, digests)
    if record is None:
        return Assessment(key, probe, is_fresh=False, reasons=(Reason("new", "never executed"),))
    reasons = _differences(node, record, probe, digests)
    # The record says it was made; the kind says whether it is still there. A deleted lake or a table that a
    # killed run had already rebuilt under another key must not pass for fresh.
    if key == record.key and not kind.holds(node, record.task_key, record.output, workspace):
        reasons = (Reason("content", "no longer there, or changed by something else"),)
    # All named parts are equal and the key is not: the recipe of the key itself has changed.
    if key != record.key and not reasons:
        reasons = (Reason("key", "computed differently by this version of Ropewalk"),)
    is_fresh = key == record.key and not reasons
    return Assessment(key, probe, is_fresh, reasons, warning)


def _differences(node: Node, record: Record, probe: Probe, digests: Mapping[str, str]) -> tuple[Reason, ...]:
    if probe.unreachable:
        return (Reason("outside", probe.unreachable),)
    return (
        *compare(record.facts, node.facts, node.places),
        *compare(record.inputs, digests, {}, prefix="input "),
        *compare(record.outside, probe.facts, {}, prefix="outside "),
    )


def _in_front(assessment: Assessment, node: Node, record: Record | None) -> PlannedNode:
    status = Status.FRESH if assessment.is_fresh else Status.STALE
    output = record.output if record else None
    return PlannedNode(node.id, status, assessment.reasons, assessment.warning, output)


def _behind(node: Node, record: Record | None, waits_for: list[str]) -> PlannedNode:
    """Plan a node some of whose inputs will be executed first."""
    if record is None:
        return PlannedNode(node.id, Status.STALE, (Reason("new", "never executed"),))
    changed = tuple(compare(record.facts, node.facts, node.places))
    waiting = tuple(Reason("input", f"waits for {i}") for i in waits_for)
    # A change of its own makes it run for certain; otherwise it is its inputs' content that decides.
    status = Status.STALE if changed else Status.WAITS
    return PlannedNode(node.id, status, changed + waiting, output=record.output)


def _output(planned: PlannedNode) -> Output:
    assert planned.output is not None  # a fresh node has a recorded output
    return planned.output
