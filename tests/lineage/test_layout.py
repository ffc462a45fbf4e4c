"""The lineage layout: lanes, order, room, and how fast it is for a large project."""

from __future__ import annotations

import itertools
import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropewalk.lineage.layout import NODE_GAP, Layout, crossings, isotonic, lay_out

LANES = {"s": 1, "t": 2, "u": 2, "v": 2, "step": 3, "model": 4}
EDGES = [("s", "t"), ("t", "u"), ("u", "v"), ("v", "step"), ("step", "model"), ("s", "v")]


def columns_of(layout: Layout) -> dict[str, int]:
    """Return the column of each node."""
    return {name: point.column for name, point in layout.nodes.items()}


def test_lanes_stand_side_by_side() -> None:
    """A lane with a chain of three has three columns, and the next lane begins behind them."""
    layout = lay_out(LANES, EDGES)

    assert columns_of(layout) == {"s": 0, "t": 1, "u": 2, "v": 3, "step": 4, "model": 5}
    assert layout.lanes == {1: (0, 0), 2: (1, 3), 3: (4, 4), 4: (5, 5)}


def test_empty_lanes_take_no_room() -> None:
    """Only lanes with nodes have columns."""
    layout = lay_out({"a": 0, "b": 6}, [("a", "b")])

    assert columns_of(layout) == {"a": 0, "b": 1}


def test_nothing_to_lay_out() -> None:
    """An empty graph has an empty layout."""
    assert lay_out({}, []) == Layout({}, {}, {}, 0.0)


def test_unknown_ends_and_loops_are_left_out() -> None:
    """Edges to what is not drawn, and from a node to itself, are not drawn."""
    layout = lay_out({"a": 1, "b": 2}, [("a", "b"), ("a", "gone"), ("b", "b")])

    assert list(layout.routes) == [("a", "b")]


def test_route_passes_every_column() -> None:
    """A long edge has a place in each column it crosses, so that it can be led around boxes."""
    route = lay_out(LANES, EDGES).routes["s", "v"]

    assert [point.column for point in route] == [0, 1, 2, 3]


def test_route_begins_and_ends_at_its_nodes() -> None:
    """The ends of an edge's route are its nodes, from left to right."""
    layout = lay_out(LANES, EDGES)

    for (up, down), route in layout.routes.items():
        assert (route[0], route[-1]) == (layout.nodes[up], layout.nodes[down])


def test_edge_against_the_lanes_is_drawn() -> None:
    """A step may make a table: its edge is led past the columns between, as any other is."""
    layout = lay_out({"model": 4, "step": 3, "table": 2}, [("model", "table"), ("step", "model")])

    assert [point.column for point in layout.routes["model", "table"]] == [0, 1, 2]


def test_circle_does_not_hang() -> None:
    """A circle, which declarations forbid but records could hold, is still laid out."""
    layout = lay_out({"a": 2, "b": 2, "c": 2}, [("a", "b"), ("b", "c"), ("c", "a")])

    assert set(layout.nodes) == {"a", "b", "c"}


def test_crossing_is_undone() -> None:
    """Two edges that cross in the order of names do not cross in the picture."""
    layout = lay_out({"a": 1, "b": 1, "y": 2, "z": 2}, [("a", "z"), ("b", "y")])

    height = {name: point.y for name, point in layout.nodes.items()}
    assert (height["a"] < height["b"]) == (height["z"] < height["y"])


def test_crossings_are_counted() -> None:
    """Two pairs the wrong way round are one crossing."""
    columns = [["a", "b"], ["y", "z"]]

    assert crossings(columns, {"a": ["z"], "b": ["y"]}) == 1
    assert crossings(columns, {"a": ["y"], "b": ["z"]}) == 0


def test_lone_node_stands_at_its_neighbour() -> None:
    """A chain is drawn as a straight line."""
    layout = lay_out({"a": 1, "b": 2, "c": 3}, [("a", "b"), ("b", "c")])

    assert len({point.y for point in layout.nodes.values()}) == 1


graphs = st.integers(2, 24).flatmap(
    lambda count: st.tuples(
        st.lists(st.integers(0, 6), min_size=count, max_size=count),
        st.lists(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)), max_size=40),
    )
)


@given(graphs)
def test_boxes_never_overlap(graph: tuple[list[int], list[tuple[int, int]]]) -> None:
    """Whatever the graph, two boxes of one column keep their distance, and nothing lies above the top."""
    lanes, pairs = graph
    layout = lay_out({str(i): lane for i, lane in enumerate(lanes)}, [(str(a), str(b)) for a, b in pairs])
    columns: dict[int, list[float]] = {}
    for point in layout.nodes.values():
        columns.setdefault(point.column, []).append(point.y)

    for heights in columns.values():
        ordered = sorted(heights)
        assert ordered[0] >= 0
        assert all(b - a >= NODE_GAP - 0.2 for a, b in itertools.pairwise(ordered))


@given(graphs)
def test_layout_is_the_same_each_time(graph: tuple[list[int], list[tuple[int, int]]]) -> None:
    """The order in which edges come does not change the picture."""
    lanes, pairs = graph
    lane_of = {str(i): lane for i, lane in enumerate(lanes)}
    edges = [(str(a), str(b)) for a, b in pairs]

    assert lay_out(lane_of, edges) == lay_out(lane_of, reversed(edges))


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ([], []),
        ([1.0, 2.0], [1.0, 2.0]),
        ([3.0, 1.0], [2.0, 2.0]),
        ([1.0, 5.0, 3.0, 9.0], [1.0, 4.0, 4.0, 9.0]),
        ([3.0, 2.0, 1.0], [2.0, 2.0, 2.0]),
    ],
)
def test_isotonic(wanted: list[float], found: list[float]) -> None:
    """Numbers in the wrong order meet at their mean."""
    assert isotonic(wanted) == found


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30))
def test_isotonic_is_ordered_and_keeps_the_mean(wanted: list[float]) -> None:
    """The result never falls, and moves as much up as down."""
    found = isotonic(wanted)

    assert all(b >= a - 1e-6 for a, b in itertools.pairwise(found))
    assert sum(found) == pytest.approx(sum(wanted), abs=1e-3)


def test_large_project_is_laid_out_at_once() -> None:
    """Five hundred nodes and a thousand edges take well under a second of CPU."""
    chance = random.Random(7)
    lane_of = {f"n{i}": min(6, i // 70) for i in range(500)}
    edges = [tuple(sorted(chance.sample(range(500), 2))) for _ in range(1000)]
    before = time.process_time()

    lay_out(lane_of, [(f"n{a}", f"n{b}") for a, b in edges])

    assert time.process_time() - before < 5.0
