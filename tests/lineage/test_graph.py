"""Walks over the lineage graph."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ropewalk.lineage import Edge, LineageGraph, kind_of

CHAIN = LineageGraph.of([Edge("file:x", "source:a"), Edge("source:a", "table:b"), Edge("table:b", "model:c")])


def test_up_goes_all_the_way():
    """Everything a thing was made from is found, itself included."""
    assert CHAIN.up("model:c") == {"file:x", "source:a", "table:b", "model:c"}


def test_depth_bounds_the_walk():
    """A depth of one stops at the neighbours."""
    assert CHAIN.up("model:c", 1) == {"model:c", "table:b"}
    assert CHAIN.down("source:a", 1) == {"source:a", "table:b"}


def test_around_keeps_only_inner_edges():
    """The part around a focus has the edges between its own ids only."""
    part = CHAIN.around("table:b", 1, 0)

    assert part.ids == ("source:a", "table:b")
    assert part.edges == (Edge("source:a", "table:b"),)


def test_lonely_id_is_in_the_graph():
    """An id without edges can be asked for."""
    graph = LineageGraph.of([], alone=["table:x"])

    assert graph.around("table:x", None, None).ids == ("table:x",)


def test_kind_is_before_the_first_colon():
    """The kind of an id is what stands before its first colon."""
    assert kind_of("rest:http://host/x") == "rest"


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6))))
def test_up_and_down_mirror_each_other(pairs):
    """One thing is above another exactly when the other is below it, also with circles."""
    graph = LineageGraph.of(Edge(str(a), str(b)) for a, b in pairs)

    for one in graph.ids:
        for other in graph.up(one):
            assert one in graph.down(other)


def test_equal_edges_make_equal_graphs():
    """Neither the order of edges nor their repetition makes another graph."""
    edges = [Edge("a", "b"), Edge("b", "c"), Edge("a", "b")]

    assert LineageGraph.of(edges) == LineageGraph.of(reversed(edges))
    assert LineageGraph.of(edges).edges == (Edge("a", "b"), Edge("b", "c"))


def test_id_that_the_graph_has_not():
    """Around an unknown id there is only that id."""
    assert CHAIN.around("table:none", None, None).ids == ("table:none",)


def test_diamond_is_walked_once():
    """Two ways to one thing count it once, and its distance is the shorter."""
    graph = LineageGraph.of([Edge("a", "b"), Edge("a", "c"), Edge("b", "d"), Edge("c", "d"), Edge("a", "d")])

    assert graph.up("d", 1) == {"a", "b", "c", "d"}
    assert graph.down("a") == {"a", "b", "c", "d"}


def test_source_of_many_files():
    """Thousands of files of one source are walked in no time."""
    graph = LineageGraph.of(Edge(f"file:{number}", "source:a", "origin") for number in range(20_000))

    assert len(graph.up("source:a")) == 20_001


def test_circle_is_walked_once():
    """A graph that was recorded over time may have circles, and a walk ends all the same."""
    graph = LineageGraph.of([Edge("a", "b"), Edge("b", "a")])

    assert graph.up("a") == graph.down("a") == {"a", "b"}
    assert graph.up("a", 0) == {"a"}


def test_within_keeps_what_was_asked_for():
    """An id that no edge joins stays in the answer, and no edge leads out of it."""
    graph = LineageGraph.of([Edge("a", "b"), Edge("b", "c")]).within(["a", "b", "lonely"])

    assert graph.edges == (Edge("a", "b"),)
    assert graph.ids == ("a", "b", "lonely")


def test_edges_of_two_kinds_are_two():
    """What is an input and an origin at once is both."""
    edges = LineageGraph.of([Edge("a", "b"), Edge("a", "b", "origin"), Edge("a", "b")]).edges

    assert [edge.kind for edge in edges] == ["input", "origin"]
