"""Lineage: what was made from what, around one thing or over the whole project."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ropewalk.errors import nearest
from ropewalk.lineage import Edge, LineageGraph, LineageLink, LineageNode, kind_of
from ropewalk.web.errors import NothingCalled
from ropewalk.web.page import Visit
from ropewalk.web.views.addresses import address_of, lineage_address
from ropewalk.web.views.nodes import full_graph, node_lines, picture_nodes

# Above this many boxes a picture starts one edge deep around its focus, and the reader widens it.
MOST_NODES = 90
FAR = 99
# More outside things or products of one kind than this are shown as one box with their number.
MOST_ALIKE = 3
OUTSIDE_WORDS = {"file": "files"}


@dataclass(frozen=True)
class LineagePage:
    """A part of the lineage graph.

    Attributes:
        focus: the id it is around; None for the whole project.
        up: how many edges up it reaches; None for all the way.
        down: how many edges down it reaches; None for all the way.
        nodes: the boxes.
        links: the edges between them.
        hidden_up: how many things further up are not shown.
        hidden_down: how many things further down are not shown.
        choices: every id, to choose a focus from.
        address: the page about the focus.
    """

    focus: str | None
    up: int | None
    down: int | None
    nodes: tuple[LineageNode, ...]
    links: tuple[LineageLink, ...]
    hidden_up: int = 0
    hidden_down: int = 0
    choices: tuple[str, ...] = ()
    address: str | None = None


def lineage_page(visit: Visit) -> LineagePage:
    """Return the lineage around `focus`, `up` and `down` edges far, or all of the project's.

    Raises:
        NothingCalled: nothing has the focus's id.
        InvalidQuery: a depth is not a number.
    """
    graph = full_graph(visit.workspace)
    focus = visit.query.get("focus") or None
    if focus is not None:
        focus = _find(focus, graph)
        up, down = _depths(visit, graph, focus)
        part = graph.around(focus, up, down)
    else:
        up = down = None
        part = without_products(graph)
    collapsed, counts = collapse(part, focus)
    boxes = picture_nodes(collapsed.ids, node_lines(visit.workspace))
    return LineagePage(
        focus=focus,
        up=up,
        down=down,
        nodes=tuple(_refocused(box, counts) for box in boxes),
        links=tuple(LineageLink(e.upstream, e.downstream, e.kind) for e in collapsed.edges),
        hidden_up=len(graph.up(focus) - set(part.ids)) if focus else 0,
        hidden_down=len(graph.down(focus) - set(part.ids)) if focus else 0,
        choices=graph.ids,
        address=_own_page(focus),
    )


def without_products(graph: LineageGraph) -> LineageGraph:
    """Return the graph without runs and versions: over a whole project they would hide what is declared."""
    made = {edge.downstream for edge in graph.edges if edge.kind == "product"}
    return graph.within(node_id for node_id in graph.ids if node_id not in made)


def collapse(graph: LineageGraph, focus: str | None) -> tuple[LineageGraph, dict[str, int]]:
    """Return the graph with many like things at one node as one, and how many each such one stands for.

    Outside things of one node (its files) and products of one node (its runs) are alike.
    """
    groups: dict[str, list[str]] = {}
    for edge in graph.edges:
        for own, node in ((edge.upstream, edge.downstream), (edge.downstream, edge.upstream)):
            if own != focus and _is_side(own, edge, graph):
                groups.setdefault(f"{kind_of(own)}:all of {node}", []).append(own)
    # A few files say more by their names than by their number.
    many = {name: ids for name, ids in groups.items() if len(ids) > MOST_ALIKE}
    stands_in = {own: name for name, ids in many.items() for own in ids}
    edges = [
        Edge(stands_in.get(e.upstream, e.upstream), stands_in.get(e.downstream, e.downstream), e.kind)
        for e in graph.edges
    ]
    alone = {stands_in.get(node_id, node_id) for node_id in graph.alone}
    return LineageGraph.of(edges, alone), {name: len(ids) for name, ids in many.items()}


def lineage_around(
    visit: Visit, node_id: str, up: int = 1
) -> tuple[tuple[LineageNode, ...], tuple[LineageLink, ...]]:
    """Return the boxes and edges `up` steps above and one below a node, for its own page."""
    graph, counts = collapse(full_graph(visit.workspace).around(node_id, up, 1), node_id)
    boxes = picture_nodes(graph.ids, node_lines(visit.workspace))
    named = tuple(_named(box, counts) for box in boxes)
    return named, tuple(LineageLink(e.upstream, e.downstream, e.kind) for e in graph.edges)


def _find(focus: str, graph: LineageGraph) -> str:
    if focus in graph.ids:
        return focus
    # A person types a table's name; its kind is only needed where several things share the name.
    bare = [node_id for node_id in graph.ids if node_id.partition(":")[2] == focus]
    if len(bare) == 1:
        return bare[0]
    raise NothingCalled(
        f"nothing in the lineage is called {focus!r}",
        nearest=nearest(focus, graph.ids),
        hint="/lineage shows the whole project",
    )


def _depths(visit: Visit, graph: LineageGraph, focus: str) -> tuple[int | None, int | None]:
    """Return the depths asked for; without any, all the way when that can be taken in, else one edge."""
    if "up" in visit.query or "down" in visit.query:
        return visit.number("up", 1, FAR), visit.number("down", 1, FAR)
    whole, _ = collapse(graph.around(focus, None, None), focus)
    return (None, None) if len(whole.ids) <= MOST_NODES else (1, 1)


def _is_side(own: str, edge: Edge, graph: LineageGraph) -> bool:
    """Return whether `own` hangs on that edge alone, as something outside or as a product."""
    if edge.kind == "origin":
        return own == edge.upstream and len(graph.down(own, 1)) == 2
    return edge.kind == "product" and own == edge.downstream and len(graph.down(own, 1)) == 1


def _refocused(box: LineageNode, counts: dict[str, int]) -> LineageNode:
    """Make a box lead to the lineage around it, rather than to its page."""
    named = _named(box, counts)
    # One box for many leads to the node that has them, which shows them all when asked.
    return named if box.id in counts else replace(named, address=lineage_address(box.id))


def _named(box: LineageNode, counts: dict[str, int]) -> LineageNode:
    if box.id not in counts:
        return box
    word = OUTSIDE_WORDS.get(box.kind, box.kind.replace("_", " ") + "s")
    node = box.name.removeprefix("all of ")
    return replace(
        box,
        name=f"{counts[box.id]} {word}",
        note=f"of {node.partition(':')[2]}",
        address=lineage_address(node, 1, 1),
    )


def _own_page(focus: str | None) -> str | None:
    address = address_of(focus) if focus else None
    return None if address is None or address.startswith("/lineage?") else address
