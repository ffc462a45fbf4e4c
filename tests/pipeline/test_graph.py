"""Names become edges, and what does not fit together is said by name."""

from __future__ import annotations

import dataclasses

import pytest

from ropewalk.errors import Place
from ropewalk.pipeline import (
    AmbiguousName,
    Cycle,
    NameTaken,
    Need,
    Node,
    NodeNotFound,
    UnknownName,
    build_graph,
    declare_graph,
)
from ropewalk.project import Project


def test_order_follows_needs(declare):
    """A node comes after everything it needs, whatever the order of declaration."""
    graph = build_graph([declare("c", "b"), declare("b", "a"), declare("a")])

    assert list(graph.nodes) == ["file:a", "file:b", "file:c"]
    assert graph.inputs["file:c"] == {"b": "file:b"}


def test_need_by_id(declare):
    """A need may name a node by its id."""
    graph = build_graph([declare("a"), declare("b", "file:a")])

    assert graph.inputs["file:b"] == {"file:a": "file:a"}


def test_unknown_need_names_place_and_nearest(declare):
    """A need that nothing provides is refused with its place and the nearest name."""
    with pytest.raises(UnknownName) as caught:
        build_graph([declare("flights"), declare("b", "flihgts")])

    assert caught.value.place == Place("here.sql", 3, 7)
    assert caught.value.nearest == "flights"


def test_short_name_of_two_is_ambiguous(declare):
    """A short name that two nodes provide is refused where it is used, and only there."""
    one = declare("x", provides=("a.t", "t"))
    two = declare("y", provides=("b.t", "t"))
    build_graph([one, two])

    with pytest.raises(AmbiguousName, match="file:x or file:y"):
        build_graph([one, two, declare("z", "t")])


@pytest.mark.parametrize(
    ("written", "is_parameter", "hint"),
    [("t", False, "a.t or b.t"), ("t", True, "a__t or b__t")],
)
def test_full_names_are_told_as_they_are_written(declare, written, is_parameter, hint):
    """Who uses an ambiguous name reads the names that are not, in Python as Python can write them."""
    both = [declare("x", provides=("a.t", "t")), declare("y", provides=("b.t", "t"))]
    user = dataclasses.replace(declare("z"), needs=(Need(written, is_parameter=is_parameter),))

    with pytest.raises(AmbiguousName) as caught:
        build_graph([*both, user])

    assert caught.value.hint == f"use the full name: {hint}"


def test_parameter_with_two_underscores(declare):
    """A parameter of Python code says a full name with two underscores for its dot; what is called so itself comes first."""
    both = [declare("x", provides=("a.t", "t")), declare("y", provides=("b.t", "t"))]
    user = dataclasses.replace(declare("z"), needs=(Need("b__t", is_parameter=True),))
    own = declare("b__t", provides=("b__t",))

    assert build_graph([*both, user]).inputs["file:z"] == {"b__t": "file:y"}
    assert build_graph([*both, own, user]).inputs["file:z"] == {"b__t": "file:b__t"}
    with pytest.raises(UnknownName):
        build_graph([*both, declare("z", "b__t")])


def test_misspelt_parameter(declare):
    """The nearest name is told as a parameter can be written."""
    user = dataclasses.replace(declare("z"), needs=(Need("mart__order", is_parameter=True),))

    with pytest.raises(UnknownName) as caught:
        build_graph([declare("x", provides=("mart.orders",)), user])

    assert caught.value.nearest == "mart__orders"


def test_own_name_outranks_short_name(declare):
    """A node's full name wins over the same text as another's short name."""
    graph = build_graph(
        [declare("t", provides=("t",)), declare("y", provides=("b.t", "t")), declare("z", "t")]
    )

    assert graph.inputs["file:z"] == {"t": "file:t"}


def test_two_of_one_id(declare):
    """Two declarations of one id are refused."""
    with pytest.raises(NameTaken, match="declared twice"):
        build_graph([declare("a"), declare("a")])


def test_cycle_is_spelt_out(declare):
    """A circle is refused with every node of it named."""
    with pytest.raises(Cycle) as caught:
        build_graph([declare("a", "c"), declare("b", "a"), declare("c", "b")])

    assert {"file:a", "file:b", "file:c"} <= set(caught.value.message.split(": ")[1].split(" -> "))
    assert "here" not in caught.value.message


def test_find_by_bare_name_id_and_provided_name(declare):
    """A person may call a node by its id, a provided name, or its bare name."""
    graph = build_graph([declare("mart.x", provides=("mart.x", "x"))])

    assert {graph.find(name).id for name in ("file:mart.x", "mart.x", "x")} == {"file:mart.x"}


def test_find_unknown_suggests(declare):
    """An unknown name is refused with the nearest one."""
    with pytest.raises(NodeNotFound) as caught:
        build_graph([declare("flights")]).find("flight")

    assert caught.value.nearest == "flights"


def test_find_ambiguous_bare_name(declare):
    """A bare name that two nodes share is refused with both ids."""
    graph = build_graph([declare("x", provides=("a.t", "t")), declare("y", provides=("b.t", "t"))])

    with pytest.raises(AmbiguousName, match="file:x or file:y"):
        graph.find("t")


def test_ancestors_reach_all_the_way(declare):
    """Ancestors are the nodes themselves and all they need."""
    graph = build_graph([declare("a"), declare("b", "a"), declare("c", "b"), declare("other")])

    assert graph.ancestors(["file:c"]) == {"file:a", "file:b", "file:c"}


def test_declare_graph_asks_every_kind(declare, tmp_path):
    """The project's graph is what all kinds declare, together."""

    class One:
        name = "file"

        def __init__(self, *nodes):
            self.nodes = nodes

        def declare(self, project):
            return self.nodes

    kinds = {"one": One(declare("a")), "two": One(declare("b", "a"))}

    graph = declare_graph(Project(tmp_path, "p", {}), kinds)

    assert list(graph.nodes) == ["file:a", "file:b"]


@pytest.mark.parametrize(
    ("need", "hint"),
    [
        ("nowhere", "a source NAME provides raw.NAME"),
        ("file:b", "the project declares file:a, file:z"),
        ("model:late", "the project declares no model at all"),
    ],
)
def test_hint_fits_what_was_asked_for(declare, need, hint):
    """A name is answered with how names come about, an id with the ids of its kind."""
    with pytest.raises(UnknownName) as caught:
        build_graph([declare("a"), declare("z", need)])

    assert caught.value.hint.startswith(hint)


def test_cycle_stands_at_the_need(declare):
    """The place is where a name has to be taken out, not the top of a file."""
    with pytest.raises(Cycle) as caught:
        build_graph([declare("a", "b"), declare("b", "a")])

    assert str(caught.value.place) == "here.sql:3:7"


def test_cycle_of_a_need_without_a_place(declare):
    """Where no place is known the node's own stands in."""
    lonely = Node("file:a", Place("ropewalk.yaml", 1), provides=("a",), needs=(Need("a"),))

    with pytest.raises(Cycle, match="file:a -> file:a") as caught:
        build_graph([lonely])

    assert str(caught.value.place) == "ropewalk.yaml:1"


def test_node_that_provides_nothing_is_found_by_its_bare_name(declare):
    """Kinds without provided names, such as models, are still called by their names."""
    graph = build_graph([Node("model:late", Place("a"))])

    assert graph.find("late").id == "model:late"


def test_names_of_a_long_chain(declare):
    """A chain of thousands meets no limit of the interpreter."""
    names = [f"n{number}" for number in range(3000)]
    chain = [declare(name, *needs) for name, needs in zip(names, [(), *((n,) for n in names)], strict=False)]

    graph = build_graph(reversed(chain))

    assert list(graph.nodes) == [f"file:{name}" for name in names]
    assert len(graph.ancestors(["file:n2999"])) == 3000


def test_id_has_two_parts():
    """The kind stands before the first colon, the name after it."""
    node = Node("rest:http://x", Place("a"))

    assert (node.kind, node.name) == ("rest", "http://x")
