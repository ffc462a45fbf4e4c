"""Reading the recorded graph from the metadata database."""

from __future__ import annotations

from ropewalk.lineage.graph import Edge, LineageGraph
from ropewalk.store import Database
from ropewalk.store.lineage import list_edges


def recorded_graph(database: Database) -> LineageGraph:
    """Return the graph of everything that executions recorded."""
    return LineageGraph.of(Edge(row.upstream, row.downstream, row.kind) for row in list_edges(database))
