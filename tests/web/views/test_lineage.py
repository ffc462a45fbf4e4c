"""The lineage view: its focus, its depth, and many like things shown as one."""

from __future__ import annotations

import pytest

from ropewalk.lineage import Edge, LineageGraph
from ropewalk.pipeline import Workspace
from ropewalk.web.errors import InvalidQuery, NothingCalled
from ropewalk.web.page import Visit
from ropewalk.web.views.addresses import address_of, lineage_address
from ropewalk.web.views.lineage import collapse, lineage_around, lineage_page


def ids_of(flights: Workspace, **query: str) -> set[str]:
    """Return the ids that the page shows for a query."""
    return {node.id for node in lineage_page(Visit(flights, {}, query)).nodes}


def test_whole_project_without_a_focus(flights: Workspace) -> None:
    """Without a focus everything declared is there, with what came from outside."""
    page = lineage_page(Visit(flights))

    assert {"source:flights", "table:mart.daily", "monitor:late"} <= {node.id for node in page.nodes}
    assert page.focus is None
    assert not {"run", "model_version"} & {node.kind for node in page.nodes}
    assert (page.hidden_up, page.hidden_down) == (0, 0)


def test_focus_reaches_all_the_way(flights: Workspace) -> None:
    """A small project is shown from source to monitor around a focus, without what has no part in it."""
    ids = ids_of(flights, focus="model:late")

    assert {"source:flights", "monitor:late"} <= ids
    assert "table:mart.daily" not in ids


def test_depth_is_kept(flights: Workspace) -> None:
    """So many edges up and down as asked for are shown, and how much is not."""
    page = lineage_page(Visit(flights, {}, {"focus": "table:mart.features", "up": "1", "down": "0"}))

    assert {node.id for node in page.nodes} == {"source:flights", "table:mart.features"}
    assert page.hidden_up == 6
    assert page.hidden_down > 0


def test_bare_name_is_understood(flights: Workspace) -> None:
    """A name that only one thing has needs no kind."""
    assert lineage_page(Visit(flights, {}, {"focus": "mart.features"})).focus == "table:mart.features"


@pytest.mark.parametrize("focus", ["late", "nothing", "model:lat", "<script>"])
def test_unclear_focus_is_told(flights: Workspace, focus: str) -> None:
    """A name that nothing or several things have is an error."""
    with pytest.raises(NothingCalled):
        lineage_page(Visit(flights, {}, {"focus": focus}))


@pytest.mark.parametrize("depth", ["-1", "100", "x", "1.5", "9" * 40, "²"])
def test_wrong_depth_is_told(flights: Workspace, depth: str) -> None:
    """A depth is a whole number with a limit."""
    with pytest.raises(InvalidQuery, match="up must be a whole number from 0 to 99"):
        lineage_page(Visit(flights, {}, {"focus": "model:late", "up": depth}))


def test_boxes_lead_to_the_lineage_around_them(flights: Workspace) -> None:
    """On this page a box leads on in the lineage; the focus has a link to its own page."""
    page = lineage_page(Visit(flights, {}, {"focus": "model:late"}))
    address = next(node.address for node in page.nodes if node.id == "step:train")

    assert address == "/lineage?focus=step%3Atrain"
    assert page.address == "/models/late"


def test_many_files_are_one_box(flights: Workspace) -> None:
    """The six files of a source are one box that says so."""
    page = lineage_page(Visit(flights, {}, {"focus": "source:flights", "down": "0"}))

    assert [(node.name, node.note) for node in page.nodes if node.kind == "file"] == [
        ("6 files", "of flights")
    ]


def test_focus_is_never_collapsed(flights: Workspace) -> None:
    """One file of many can be looked at by itself."""
    ids = ids_of(flights, focus="file:landing/2013-01.csv")

    assert "file:landing/2013-01.csv" in ids


def make_graph(count: int, kind: str) -> LineageGraph:
    """Return a node with so many outside things or products."""
    if kind == "origin":
        return LineageGraph.of(Edge(f"file:{i}", "source:s", "origin") for i in range(count))
    return LineageGraph.of(Edge("step:s", f"run:{i}", "product") for i in range(count))


@pytest.mark.parametrize("kind", ["origin", "product"])
@pytest.mark.parametrize(("count", "boxes"), [(1, 2), (3, 4), (4, 2), (500, 2)])
def test_collapse(kind: str, count: int, boxes: int) -> None:
    """A few are shown as they are, more as one with their number."""
    graph, counts = collapse(make_graph(count, kind), None)

    assert len(graph.ids) == boxes
    assert list(counts.values()) == ([count] if count > 3 else [])


def test_shared_origin_is_not_collapsed() -> None:
    """A file that several sources read connects them, so it stays."""
    edges = [Edge(f"file:{i}", source, "origin") for i in range(5) for source in ("source:a", "source:b")]

    graph, counts = collapse(LineageGraph.of(edges), None)

    assert len(graph.ids) == 7
    assert counts == {}


def test_product_that_goes_on_is_not_collapsed() -> None:
    """A run from which something else was made stays."""
    edges = [Edge("step:s", f"run:{i}", "product") for i in range(5)] + [Edge("run:0", "model:m")]

    graph, counts = collapse(LineageGraph.of(edges), None)

    assert "run:0" in graph.ids
    assert list(counts.values()) == [4]


def test_around_a_node(flights: Workspace) -> None:
    """A thing's own page shows one step up and down, with boxes that lead to the pages."""
    nodes, links = lineage_around(Visit(flights), "table:mart.features")

    assert {"source:flights", "step:train", "table:mart.daily"} <= {node.id for node in nodes}
    assert all(
        "table:mart.features" in (link.upstream, link.downstream) or link.upstream == "step:train"
        for link in links
    )
    assert {node.address for node in nodes if node.id == "source:flights"} == {"/data/raw.flights"}


@pytest.mark.parametrize(
    ("node_id", "address"),
    [
        ("table:mart.features", "/data/mart.features"),
        ("source:flights", "/data/raw.flights"),
        ("model:late", "/models/late"),
        ("gate:late", "/models/late"),
        ("model_version:late/3", "/models/late/3"),
        ("run:abc", "/runs/abc"),
        ("deployment:late", "/deployments/late"),
        ("monitor:late", "/deployments/late"),
        ("step:train", "/lineage?focus=step%3Atrain"),
        ("file:a/b.csv", "/lineage?focus=file%3Aa%2Fb.csv"),
        ('table:a"/../<b>', "/data/a%22%2F..%2F%3Cb%3E"),
    ],
)
def test_address_of(node_id: str, address: str) -> None:
    """Everything has an address, and a name cannot lead out of its own."""
    assert address_of(node_id) == address


def test_lineage_address_has_depths() -> None:
    """The depths stand in the address, so a link shows the same."""
    assert lineage_address("a:b", 1, 0) == "/lineage?focus=a%3Ab&up=1&down=0"
