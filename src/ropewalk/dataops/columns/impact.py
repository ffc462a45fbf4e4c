"""What a change of a column, a table or a source reaches, and on which way.

Three kinds of way are told apart, and of several the surest is shown: **value**, where values are made of values all
the way; **filter**, where at one place at least something only decides which rows there are or which value is taken;
**unknown**, where the SQL in between does not tell.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from ropewalk.dataops.columns.values import Origin, TableLineage
from ropewalk.dataops.lake import table_of
from ropewalk.lineage import LineageGraph, kind_of
from ropewalk.pipeline import Graph

How = Literal["value", "filter", "unknown"]
HOWS: tuple[How, ...] = ("value", "filter", "unknown")
COLUMN = "column:"


@dataclass(frozen=True)
class Hop:
    """One edge of a way: where it arrives, and by what: `value`, `where`, `join`, `rows`, `reads`, ..."""

    id: str
    by: str


@dataclass(frozen=True)
class Affected:
    """Something that a change reaches.

    Attributes:
        id: `column:mart.cities.paid`, or a node's id.
        how: the surest kind of way that leads there.
        path: the way, from what was asked about.
    """

    id: str
    how: How
    path: tuple[Hop, ...]

    @property
    def kind(self) -> str:
        """The part of the id before the colon."""
        return kind_of(self.id)


@dataclass(frozen=True)
class Reading:
    """What is known of how things other than SQL read tables.

    Attributes:
        features: the columns that the models of a step take, by the step's id; a step that is not there reads all.
        uses: which columns a node uses and how (`value`, `where`, ...), by the node's id, where that is known.
    """

    features: Mapping[str, frozenset[str]] = field(default_factory=dict)
    uses: Mapping[str, Mapping[Origin, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Edge:
    """From a vertex to the next: by what, and how sure."""

    to: str
    by: str
    how: How


class ImpactReader:
    """Finds what changes reach, over the columns of all tables and the nodes behind them.

    Args:
        lineage: where the columns of each table come from.
        graph: the declared nodes.
        whole: the graph of nodes and of what they made.
        reading: how models and steps read tables.
    """

    def __init__(
        self,
        lineage: Mapping[str, TableLineage],
        graph: Graph,
        whole: LineageGraph,
        reading: Reading,
    ) -> None:
        self._lineage = lineage
        self._reading = reading
        self._nodes = {table: node_id for node_id in graph.nodes if (table := table_of(node_id)) is not None}
        self._tables = {node_id: table for table, node_id in self._nodes.items()}
        self._readers = _readers(graph)
        self._below = _below(whole)
        self._columns: dict[Origin, list[_Edge]] = {}
        self._index()

    def reach(self, starts: Iterable[str]) -> tuple[Affected, ...]:
        """Return what a change of `starts` (columns and nodes by their ids) reaches, nearest first."""
        numbers = itertools.count()
        queue: list[tuple[int, int, int, str, tuple[Hop, ...]]] = []
        for start in starts:
            heapq.heappush(queue, (0, 0, next(numbers), start, (Hop(start, "asked"),)))
        found: dict[str, Affected] = {}
        while queue:
            rank, length, _, vertex, path = heapq.heappop(queue)
            if vertex in found:
                continue
            found[vertex] = Affected(vertex, HOWS[rank], path)
            for edge in self._edges(vertex):
                if edge.to not in found:
                    step = (max(rank, HOWS.index(edge.how)), length + 1, next(numbers))
                    heapq.heappush(queue, (*step, edge.to, (*path, Hop(edge.to, edge.by))))
        return tuple(item for item in found.values() if len(item.path) > 1)

    def columns_of(self, table: str) -> tuple[str, ...]:
        """Return the columns of a table in lower case, as far as they are known: its own, or those that are read."""
        item = self._lineage.get(table)
        own = [column.name.lower() for column in item.columns] if item else []
        return tuple(
            dict.fromkeys([*own, *(origin.column for origin in self._columns if origin.table == table)])
        )

    @property
    def tables(self) -> Mapping[str, str]:
        """The node of each table of the project, by the table's name in lower case."""
        return self._nodes

    def node_of(self, item: str) -> str:
        """Return the node that a column's table is made by, or the node itself."""
        if not item.startswith(COLUMN):
            return item
        table = item.removeprefix(COLUMN).rpartition(".")[0]
        return self._nodes.get(table, f"table:{table}")

    def _index(self) -> None:
        """Turn the lineage around: from each column to what it gives values to, or decides."""
        for table, item in self._lineage.items():
            node = self._nodes.get(table, f"table:{table}")
            for use in item.rows:
                self._columns.setdefault(use.origin, []).append(_Edge(node, use.how, "filter"))
            for column in item.columns:
                own = f"{COLUMN}{table}.{column.name.lower()}"
                for origin in column.values:
                    self._columns.setdefault(origin, []).append(_Edge(own, "value", "value"))
                for use in column.uses:
                    self._columns.setdefault(use.origin, []).append(_Edge(own, use.how, "filter"))

    def _edges(self, vertex: str) -> Iterator[_Edge]:
        if vertex.startswith(COLUMN):
            table, _, column = vertex.removeprefix(COLUMN).rpartition(".")
            yield from self._from_column(Origin(table, column))
        else:
            yield from self._from_node(vertex)

    def _from_column(self, origin: Origin) -> Iterator[_Edge]:
        yield from self._columns.get(origin, ())
        node = self._nodes.get(origin.table)
        for reader in self._readers.get(node or "", ()):
            made = table_of(reader)
            if made is not None and made in self._lineage:
                yield from _unknown_edges(made, self._lineage[made])
            elif reader in self._reading.uses:
                by = self._reading.uses[reader].get(origin)
                yield from [_Edge(reader, by, _way(is_value=by == "value"))] if by else []
            else:
                yield self._read_by(reader, origin)

    def _read_by(self, reader: str, origin: Origin) -> _Edge:
        features = self._reading.features.get(reader)
        if features is None:
            return _Edge(reader, "reads", "value")
        is_feature = origin.column in features
        return _Edge(reader, "feature" if is_feature else "no feature", _way(is_value=is_feature))

    def _from_node(self, node_id: str) -> Iterator[_Edge]:
        """Yield what depends on the rows of a table, or on anything about another node."""
        table = self._tables.get(node_id)
        if table is not None and table not in self._lineage:
            # What fills a table that no SQL makes, a source or a step, gives all of its columns.
            yield from (
                _Edge(f"{COLUMN}{origin}", "makes", "value")
                for origin in self._columns
                if origin.table == table
            )
        for reader in self._readers.get(node_id, ()):
            is_sql = table_of(reader) in self._lineage
            yield _Edge(reader, "rows" if is_sql else "reads", "filter" if is_sql else "value")
        for below in self._below.get(node_id, ()):
            yield _Edge(below, "makes", "value")


def _way(*, is_value: bool) -> How:
    return "value" if is_value else "filter"


def _unknown_edges(table: str, item: TableLineage) -> Iterator[_Edge]:
    for column in item.columns:
        if column.unknown is not None:
            yield _Edge(f"{COLUMN}{table}.{column.name.lower()}", "unknown", "unknown")
    if item.unknown is not None:
        yield _Edge(f"table:{table}", "unknown", "unknown")


def _readers(graph: Graph) -> dict[str, list[str]]:
    """Return the declared nodes that read each node, in the graph's order."""
    found: dict[str, list[str]] = {}
    for node_id in graph.nodes:
        for upstream in dict.fromkeys(graph.inputs[node_id].values()):
            found.setdefault(upstream, []).append(node_id)
    return found


def _below(whole: LineageGraph) -> dict[str, list[str]]:
    """Return what each node made that is no declared node: runs and versions."""
    found: dict[str, list[str]] = {}
    for edge in whole.edges:
        if edge.kind == "product":
            found.setdefault(edge.upstream, []).append(edge.downstream)
    return found
