"""What the project declares and what is recorded of it, node by node: the material of several pages."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field

from ropewalk import plugins
from ropewalk.errors import RopewalkError
from ropewalk.lineage import Edge, LineageGraph, LineageNode, kind_of, lane_of, recorded_graph
from ropewalk.pipeline import JSON, Graph, Node, Record, Workspace, current_records, declare_graph
from ropewalk.project import load_project
from ropewalk.store.pipeline import NodeRunRow, list_node_runs, list_pipeline_runs
from ropewalk.web import formats
from ropewalk.web.views.addresses import address_of

# Declaring a large project takes a good part of a second, and an open overview asks every few.
FRESH_FOR_S = 3.0


@dataclass(frozen=True)
class Declared:
    """What the project's files declare now, or what is wrong with them.

    Attributes:
        nodes: the nodes by id, in order; none while the files are broken.
        inputs: for each node id, the ids it needs.
        problem: what is wrong with the files.
        graph: the same with the names by which nodes ask for each other; None while the files are broken.
    """

    nodes: Mapping[str, Node] = field(default_factory=dict)
    inputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    problem: RopewalkError | None = None
    graph: Graph | None = None


@dataclass(frozen=True)
class NodeLine:
    """One node in a list.

    Attributes:
        id: `KIND:NAME`.
        kind: its kind.
        name: its name.
        state: `current`, `edited` (since it was made), `failed`, `blocked` or `never` (made).
        note: what was made, in a few words.
        address: the page about it.
        finished_at: when it was made (UTC ms).
    """

    id: str
    kind: str
    name: str
    state: str
    note: str
    address: str
    finished_at: int | None


class DeclaredCache:
    """The project's files, read again when the last reading is older than a few seconds."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._lock = threading.Lock()
        self._read_at = -FRESH_FOR_S
        self._found = Declared()

    def get(self) -> Declared:
        """Return what the files declare now, or declared a moment ago."""
        with self._lock:
            if time.monotonic() - self._read_at >= FRESH_FOR_S:
                self._found = _read(self._workspace)
                self._read_at = time.monotonic()
            return self._found


def declared(workspace: Workspace) -> Declared:
    """Return what the project's files declare; a broken file is part of the answer, not an error."""
    return workspace.once("web.declared", lambda: nullcontext(DeclaredCache(workspace))).get()


def node_lines(workspace: Workspace) -> tuple[NodeLine, ...]:
    """Return every declared node, or while the files are broken every recorded one, with its state."""
    found = declared(workspace)
    records = current_records(workspace)
    outcomes = _latest_outcomes(workspace)
    return tuple(
        _line(node_id, found.nodes.get(node_id), records.get(node_id), outcomes.get(node_id))
        for node_id in (found.nodes or sorted(records))
    )


def full_graph(workspace: Workspace) -> LineageGraph:
    """Return the declared edges together with what is recorded from outside and as products."""
    found = declared(workspace)
    recorded = recorded_graph(workspace.database)
    if found.problem:
        return recorded
    declared_edges = [Edge(up, node_id) for node_id, ups in found.inputs.items() for up in ups]
    # Declared edges stand for the recorded inputs, which may be of a definition that is gone.
    others = [
        edge
        for edge in recorded.edges
        if edge.kind != "input" and (edge.upstream in found.nodes or edge.downstream in found.nodes)
    ]
    return LineageGraph.of([*declared_edges, *_by_first_maker(others)], found.nodes)


def _by_first_maker(edges: Sequence[Edge]) -> list[Edge]:
    """Return the edges with one maker for each product: a model names the run that its step made, too."""
    makers: dict[str, Edge] = {}
    for edge in edges:
        first = makers.get(edge.downstream)
        if edge.kind == "product" and (first is None or _lane(edge) < _lane(first)):
            makers[edge.downstream] = edge
    return [edge for edge in edges if edge.kind != "product" or makers[edge.downstream] == edge]


def _lane(edge: Edge) -> int:
    return lane_of(kind_of(edge.upstream))


def picture_nodes(ids: Sequence[str], lines: Sequence[NodeLine]) -> tuple[LineageNode, ...]:
    """Return the boxes for `ids`, with what is known of those that are nodes of the project."""
    known = {line.id: line for line in lines}
    return tuple(_box(node_id, known.get(node_id)) for node_id in ids)


def note_of(summary: Mapping[str, JSON]) -> str:
    """Return the few words a person wants first of what a node made."""
    verdict, version, rows = summary.get("verdict"), summary.get("version"), summary.get("rows")
    metrics = summary.get("metrics")
    if isinstance(verdict, str):
        return verdict
    if isinstance(version, int | str):
        return f"version {version}"
    if isinstance(metrics, Mapping) and (headline := _headline(metrics)):
        return headline
    return f"{formats.compact(rows)} row{'' if rows == 1 else 's'}" if isinstance(rows, int) else ""


def _headline(metrics: Mapping[str, JSON]) -> str:
    """Return the AUC when it is among the metrics, else the first of them."""
    figures = {name: float(value) for name, value in metrics.items() if isinstance(value, int | float)}
    chosen = next((name for name in figures if name.rpartition(".")[2] == "auc"), next(iter(figures), None))
    if chosen is None:
        return ""
    word = "AUC" if chosen.rpartition(".")[2] == "auc" else chosen
    return f"{word} {formats.number(figures[chosen])}"


def _read(workspace: Workspace) -> Declared:
    # The workspace's own project is as it was at the start; the files may have been edited since.
    try:
        project = load_project(workspace.root, plugins.sections())
        graph = declare_graph(project, plugins.kinds())
    except RopewalkError as error:
        return Declared(problem=error)
    inputs = {node_id: tuple(sorted(set(needs.values()))) for node_id, needs in graph.inputs.items()}
    return Declared(graph.nodes, inputs, graph=graph)


def _latest_outcomes(workspace: Workspace) -> dict[str, NodeRunRow]:
    runs = list_pipeline_runs(workspace.database, 1, workspace.settings.environment)
    return {row.node: row for run in runs for row in list_node_runs(workspace.database, run.id)}


def _line(node_id: str, node: Node | None, record: Record | None, outcome: NodeRunRow | None) -> NodeLine:
    kind, name = kind_of(node_id), node_id.partition(":")[2]
    return NodeLine(
        id=node_id,
        kind=kind,
        name=name,
        state=_state(node, record, outcome),
        note=note_of(record.output.summary) if record else "",
        address=address_of(node_id),
        finished_at=record.finished_at if record else None,
    )


def _state(node: Node | None, record: Record | None, outcome: NodeRunRow | None) -> str:
    # What the last run could not do counts more than what an earlier one did.
    if outcome and outcome.state in TROUBLE:
        return outcome.state
    if record is None:
        return "never"
    # Only the definition is compared: asking the world outside is for `ropewalk plan`.
    if node is not None and dict(node.facts) != dict(record.facts):
        return "edited"
    return "current"


TROUBLE = ("failed", "blocked")
PICTURE_STATES = {"current": "ok", "edited": "warn", "failed": "bad", "blocked": "warn", "never": "none"}


def _box(node_id: str, line: NodeLine | None) -> LineageNode:
    kind, name = kind_of(node_id), node_id.partition(":")[2]
    if line is None:
        return LineageNode(node_id, kind, name, address=address_of(node_id))
    note = line.note if line.state == "current" else {"never": "not made yet"}.get(line.state, line.state)
    return LineageNode(node_id, kind, name, note, line.address, PICTURE_STATES[line.state])
