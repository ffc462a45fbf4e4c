"""The ways of a change over a graph that is given as values: the surest, then the nearest."""

from __future__ import annotations

import pytest

from ropewalk.dataops.columns import ColumnLineage, Origin, Reading, TableLineage, copies_of, first_origins
from ropewalk.dataops.columns.impact import ImpactReader
from ropewalk.dataops.columns.values import Use
from ropewalk.errors import Place
from ropewalk.lineage import Edge, LineageGraph
from ropewalk.pipeline import Graph, Node

X, Y = Origin("raw.o", "x"), Origin("raw.o", "y")


def column(name: str, *values: Origin, uses: tuple[Use, ...] = (), **given: object) -> ColumnLineage:
    return ColumnLineage(name, values, uses, **given)


def reader(
    lineage: dict[str, TableLineage],
    inputs: dict[str, list[str]],
    edges: tuple[Edge, ...] = (),
    reading: Reading | None = None,
) -> ImpactReader:
    """Return a reader of nodes that are given with what they read."""
    nodes = {node_id: Node(node_id, Place("ropewalk.yaml")) for node_id in inputs}
    read = {node_id: {name: name for name in names} for node_id, names in inputs.items()}
    return ImpactReader(lineage, Graph(nodes, read, {}), LineageGraph.of(edges), reading or Reading())


def hows(found) -> dict[str, str]:
    return {item.id: item.how for item in found}


TABLES = {
    "a.t": TableLineage("a.t", (column("P", X), column("q", uses=(Use(X, "window"),))), (Use(Y, "where"),)),
    "a.u": TableLineage("a.u", (column("r", Origin("a.t", "p")),)),
}
INPUTS = {"source:o": [], "table:a.t": ["source:o"], "table:a.u": ["table:a.t"]}


def test_values_and_decisions_are_different_ways():
    """Columns by what they are made of, tables by what decides about their rows."""
    found = reader(TABLES, INPUTS)

    assert hows(found.reach(["column:raw.o.x"])) == {
        "column:a.t.p": "value",
        "column:a.u.r": "value",
        "column:a.t.q": "filter",
    }
    assert hows(found.reach(["column:raw.o.y"])) == {"table:a.t": "filter", "table:a.u": "filter"}


def test_surest_way_comes_before_the_shortest():
    """A value over two tables is told rather than a decision over one."""
    last = column("z", Origin("a.u", "r"), uses=(Use(X, "condition"),))
    lineage = {**TABLES, "a.v": TableLineage("a.v", (last,))}
    found = {item.id: item for item in reader(lineage, INPUTS).reach(["column:raw.o.x"])}

    assert found["column:a.v.z"].how == "value"
    assert [hop.id for hop in found["column:a.v.z"].path] == [
        "column:raw.o.x",
        "column:a.t.p",
        "column:a.u.r",
        "column:a.v.z",
    ]


def test_what_fills_a_source_gives_all_of_its_columns():
    """As far as anybody reads them."""
    found = hows(reader(TABLES, INPUTS).reach(["source:o"]))

    assert (found["column:raw.o.x"], found["column:raw.o.y"], found["column:a.u.r"]) == ("value",) * 3
    assert found["table:a.u"] == "filter"


def test_products_are_reached_over_what_made_them():
    """A run of a step, and a version of a model behind it."""
    edges = (
        Edge("step:s", "run:1", "product"),
        Edge("run:1", "model_version:m/1", "product"),
        Edge("step:s", "x"),
    )
    found = reader({}, {"source:o": [], "step:s": ["source:o"]}, edges)

    assert hows(found.reach(["column:raw.o.x"])) == {
        "step:s": "value",
        "run:1": "value",
        "model_version:m/1": "value",
    }


@pytest.mark.parametrize(
    ("reading", "expected"),
    [
        (Reading(), {"step:s": ("value", "reads")}),
        (Reading({"step:s": frozenset({"x"})}), {"step:s": ("value", "feature")}),
        (Reading({"step:s": frozenset({"y"})}), {"step:s": ("filter", "no feature")}),
        (Reading(uses={"step:s": {X: "value"}}), {"step:s": ("value", "value")}),
        (Reading(uses={"step:s": {X: "join"}}), {"step:s": ("filter", "join")}),
        (Reading(uses={"step:s": {Y: "value"}}), {}),
    ],
)
def test_what_is_known_of_readers(reading, expected):
    """What uses a column, takes it as a feature, or leaves it alone."""
    found = reader({}, {"source:o": [], "step:s": ["source:o"]}, reading=reading).reach(["column:raw.o.x"])

    assert {item.id: (item.how, item.path[-1].by) for item in found} == expected


def test_what_the_sql_does_not_tell_may_be_reached():
    """Both a column and a whole table whose columns nobody knows."""
    lineage = {
        "a.t": TableLineage("a.t", (column("p", unknown="why"), column("q", Y))),
        "a.u": TableLineage("a.u", unknown="why"),
    }
    inputs = {"source:o": [], "table:a.t": ["source:o"], "table:a.u": ["source:o"]}

    assert hows(reader(lineage, inputs).reach(["column:raw.o.x"])) == {
        "column:a.t.p": "unknown",
        "table:a.u": "unknown",
    }


def test_nothing_is_reached_of_nothing():
    """Neither from an id that nobody knows nor from none; what was asked about is not told."""
    found = reader(TABLES, INPUTS)

    assert found.reach([]) == found.reach(["column:no.such.column"]) == found.reach(["run:7"]) == ()
    assert "column:raw.o.x" not in hows(found.reach(["column:raw.o.x", "column:raw.o.y"]))


def test_columns_and_nodes_of_tables():
    """Own columns in lower case, those of a source as they are read, none of what is not known."""
    found = reader(TABLES, INPUTS)

    assert [found.columns_of(name) for name in ("a.t", "raw.o", "no.table")] == [("p", "q"), ("y", "x"), ()]
    assert [found.node_of(name) for name in ("column:raw.o.x", "column:b.c.d", "run:7")] == [
        "source:o",
        "table:b.c",
        "run:7",
    ]


def test_kinds_of_what_is_reached():
    """The word before the colon."""
    assert [item.kind for item in reader(TABLES, INPUTS).reach(["column:raw.o.y"])] == ["table", "table"]


def test_ways_up_end_at_what_no_sql_makes():
    """A column of several origins has each once; a constant, and what is not known, has none."""
    lineage = {
        "a.t": TableLineage("a.t", (column("p", X, Y), column("k"))),
        "a.u": TableLineage("a.u", (column("r", Origin("a.t", "p"), Origin("a.t", "k"), X),)),
    }

    assert first_origins(lineage, Origin("a.u", "r")) == (X, Y)
    assert first_origins(lineage, Origin("a.t", "k")) == first_origins(lineage, Origin("a.t", "no")) == ()


@pytest.mark.parametrize(
    "origin",
    [
        column("r", X, transform="computed"),
        column("r", X, Y, transform="copy"),
        column("r", X, transform="copy", unknown="why"),
        column("other", X, transform="copy"),
    ],
)
def test_what_is_no_copy_of_one_column(origin):
    """Has no meaning to take over."""
    assert list(copies_of({"a.u": TableLineage("a.u", (origin,))}, Origin("a.u", "r"))) == []
