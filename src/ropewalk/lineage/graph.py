"""The one graph of what was made from what: ids, kinds of edge, and walks over them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

Neighbours = Mapping[str, Sequence[str]]


@dataclass(frozen=True, order=True)
class Edge:
    """`downstream` was made from `upstream`.

    Attributes:
        kind: `input` between declared nodes, `origin` from something outside, `product` to a versioned thing.
    """

    upstream: str
    downstream: str
    kind: str = "input"


@dataclass(frozen=True)
class LineageGraph:
    """A set of edges, sorted, and the ids they join (ids without an edge may stand alone)."""

    edges: tuple[Edge, ...]
    alone: frozenset[str] = frozenset()

    @classmethod
    def of(cls, edges: Iterable[Edge], alone: Iterable[str] = ()) -> LineageGraph:
        """Return the graph of `edges`, each once."""
        # Sorted, so that equal graphs compare equal and are drawn alike.
        return cls(tuple(sorted(set(edges))), frozenset(alone))

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """Every id in the graph, sorted."""
        return tuple(
            sorted({end for edge in self.edges for end in (edge.upstream, edge.downstream)} | self.alone)
        )

    def up(self, focus: str, depth: int | None = None) -> set[str]:
        """Return `focus` and what it was made from, at most `depth` edges away (None: all)."""
        return _walk(focus, self._upstream, depth)

    def down(self, focus: str, depth: int | None = None) -> set[str]:
        """Return `focus` and what was made from it, at most `depth` edges away (None: all)."""
        return _walk(focus, self._downstream, depth)

    def around(self, focus: str, up: int | None, down: int | None) -> LineageGraph:
        """Return the part of the graph around `focus`: `up` and `down` edges far (None: all the way)."""
        return self.within(self.up(focus, up) | self.down(focus, down))

    def within(self, ids: Iterable[str]) -> LineageGraph:
        """Return the graph of only `ids` and the edges between them."""
        # Ids without edges stay: the focus of a question is in its answer even when nothing is joined to it.
        kept = frozenset(ids)
        edges = tuple(edge for edge in self.edges if edge.upstream in kept and edge.downstream in kept)
        return LineageGraph(edges, kept)

    @cached_property
    def _upstream(self) -> Neighbours:
        return _neighbours((edge.downstream, edge.upstream) for edge in self.edges)

    @cached_property
    def _downstream(self) -> Neighbours:
        return _neighbours((edge.upstream, edge.downstream) for edge in self.edges)


def kind_of(node_id: str) -> str:
    """Return the kind of thing an id names: the part before its first colon."""
    return node_id.partition(":")[0]


def _neighbours(pairs: Iterable[tuple[str, str]]) -> Neighbours:
    # Built once per graph: a walk that looked at every edge at each step would be slow on a year of files.
    found: dict[str, list[str]] = {}
    for one, other in pairs:
        found.setdefault(one, []).append(other)
    return found


def _walk(focus: str, neighbours: Neighbours, depth: int | None) -> set[str]:
    # Ring by ring, so that a depth is a number of edges on the shortest way.
    seen, ring, steps = {focus}, {focus}, 0
    while ring and (depth is None or steps < depth):
        ring = {other for node in ring for other in neighbours.get(node, ())} - seen
        seen |= ring
        steps += 1
    return seen
