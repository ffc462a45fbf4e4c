"""The one lineage graph in the store."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ropewalk.store import Database, RowRefused
from ropewalk.store.lineage import EdgeRow, list_edges, replace_edges

NODES = st.sampled_from(["source:a", "table:m.a", "table:m.b", "step:train", "model:late"])


def _replace(database: Database, node: str, *edges: EdgeRow) -> None:
    with database.write() as connection:
        replace_edges(connection, node, edges)


def _into(node: str, *upstream: str) -> list[EdgeRow]:
    return [EdgeRow(other, node, "input") for other in upstream]


def test_an_empty_graph(database: Database) -> None:
    """A project that never ran has no lineage."""
    assert list_edges(database) == []


def test_edges_are_in_one_order(database: Database) -> None:
    """The graph is the same list each time, whatever the order of the runs."""
    _replace(database, "z", *_into("z", "b", "a"))
    _replace(database, "y", *_into("y", "c"))

    assert [(edge.downstream, edge.upstream) for edge in list_edges(database)] == [
        ("y", "c"),
        ("z", "a"),
        ("z", "b"),
    ]


def test_products_stay(database: Database) -> None:
    """What earlier executions made is still there, and so is where it came from."""
    _replace(database, "model:late", EdgeRow("model:late", "model_version:late/1", "product"))
    _replace(database, "model:late", EdgeRow("model:late", "model_version:late/2", "product"))

    assert [edge.downstream for edge in list_edges(database)] == [
        "model_version:late/1",
        "model_version:late/2",
    ]


def test_a_node_that_needs_nothing_any_more(database: Database) -> None:
    """A node that lost its last input has no edge into it."""
    _replace(database, "b", *_into("b", "a"))
    _replace(database, "b")

    assert list_edges(database) == []


def test_the_kind_of_an_edge_changes(database: Database) -> None:
    """An edge that is there already takes the kind it has now."""
    _replace(database, "a", EdgeRow("a", "b", "product"))
    _replace(database, "a", EdgeRow("a", "b", "origin"))

    assert list_edges(database) == [EdgeRow("a", "b", "origin")]


def test_time_of_an_edge(database: Database) -> None:
    """An edge says when it was last seen."""
    _replace(database, "a", EdgeRow("a", "b", "product"))
    with database.write() as connection:
        connection.execute("UPDATE lineage_edge SET seen_at = 0")
    _replace(database, "a", EdgeRow("a", "b", "product"))

    with database.read() as connection:
        assert connection.execute("SELECT seen_at FROM lineage_edge").fetchone()[0] > 0


def test_the_caller_decides(database: Database) -> None:
    """Edges are written in the caller's transaction: what it takes back they do not outlive."""
    _replace(database, "b", *_into("b", "a"))

    with pytest.raises(RowRefused):
        _replace(database, "b", *_into("b", "x"), EdgeRow("y", "b", None))  # type: ignore[arg-type]  # refused by the table

    assert list_edges(database) == _into("b", "a")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.lists(st.tuples(NODES, st.sets(NODES)), max_size=8))
def test_the_last_execution_counts(database: Database, executions: list[tuple[str, set[str]]]) -> None:
    """After any executions the edges into a node are those of its last one."""
    with database.write() as connection:
        connection.execute("DELETE FROM lineage_edge")
    for node, upstream in executions:
        _replace(database, node, *_into(node, *upstream))

    expected = {(node, other) for node, upstream in dict(executions).items() for other in upstream}
    assert {(edge.downstream, edge.upstream) for edge in list_edges(database)} == expected
