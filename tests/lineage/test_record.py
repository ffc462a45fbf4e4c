"""The graph as executions recorded it."""

from __future__ import annotations

import pytest

from ropewalk.lineage import Edge, LineageGraph, recorded_graph
from ropewalk.store import Database
from ropewalk.store.lineage import EdgeRow, replace_edges


@pytest.fixture
def database(tmp_path):
    """Yield an empty metadata database."""
    database = Database.open(tmp_path / "x.db")
    yield database
    database.close()


def _record(database, node, *edges):
    with database.write() as connection:
        replace_edges(connection, node, [EdgeRow(*edge) for edge in edges])


def test_nothing_recorded(database):
    """Before the first execution the graph is empty."""
    assert recorded_graph(database) == LineageGraph.of([])


def test_edges_of_several_nodes_are_one_graph(database):
    """What each node recorded for itself joins up."""
    _record(database, "table:b", ("source:a", "table:b", "input"))
    _record(database, "model:c", ("table:b", "model:c", "input"))

    graph = recorded_graph(database)

    assert graph.up("model:c") == {"source:a", "table:b", "model:c"}
    assert graph.down("source:a") == {"source:a", "table:b", "model:c"}


def test_kinds_of_edge_are_kept(database):
    """Where an edge leads outside, it says so."""
    _record(database, "source:a", ("file:x", "source:a", "origin"))

    assert recorded_graph(database).edges == (Edge("file:x", "source:a", "origin"),)


def test_same_graph_whatever_the_order(database, tmp_path):
    """Two databases with one history have one graph."""
    other = Database.open(tmp_path / "y.db")
    pairs = [("b", ("a", "b", "input")), ("c", ("b", "c", "input"))]
    for node, edge in pairs:
        _record(database, node, edge)
    for node, edge in reversed(pairs):
        _record(other, node, edge)

    assert recorded_graph(other) == recorded_graph(database)
    other.close()
