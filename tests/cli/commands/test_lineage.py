"""`ropewalk lineage` finds what is meant, folds what is long, and says when there is nothing."""

from __future__ import annotations

import pytest

from ropewalk.cli.commands.lineage import SHOWN, folded, lineage_document
from ropewalk.lineage import Edge, LineageGraph


@pytest.mark.parametrize(
    ("options", "above", "below"),
    [
        ((), True, True),
        (("--up",), True, False),
        (("--down",), False, True),
        (("--up", "--down"), True, True),
    ],
)
def test_directions(shop, ropewalk, options, above, below):
    """Each option shows its way; both, or none, show both."""
    said = ropewalk("lineage", "staging.orders", *options, cwd=shop).out

    assert ("made from" in said) is above
    assert ("made into" in said) is below


def test_depth_counts_edges(shop, ropewalk):
    """One edge away from a table is its source, not the source's file."""
    ids = [node["id"] for node in _document(ropewalk, shop, "--up", "--depth", "1")["nodes"]]

    assert ids == ["source:orders", "table:staging.orders"]


def _document(ropewalk, shop, *options):
    return ropewalk("lineage", "staging.orders", *options, "--json", cwd=shop).json


def test_file_is_asked_for_by_its_id(shop, ropewalk):
    """From a file the graph leads down to what came of it."""
    said = ropewalk("lineage", "file:drops/one.csv", cwd=shop).out

    assert said.splitlines() == [
        "file:drops/one.csv",
        "  made into:",
        "    source:orders",
        "    table:mart.totals",
        "    table:staging.orders",
    ]


def test_misspelt_file_has_its_nearest(shop, ropewalk):
    """Recorded ids count among the valid names, and the hint says where names are listed."""
    said = ropewalk("lineage", "file:drops/on.csv", cwd=shop)

    assert said.code == 3
    assert "did you mean: file:drops/one.csv" in said.err
    assert "hint: `ropewalk plan --all` lists the nodes" in said.err


def test_edge_that_was_removed_since_is_gone(make_project, ropewalk):
    """Between declared nodes the files are the truth, not what was once recorded."""
    files = {
        "ropewalk.yaml": "project: p\n",
        "tables/mart/a.sql": "SELECT 1 AS x",
        "tables/mart/b.sql": "SELECT x FROM mart.a",
    }
    root = make_project(files)
    (root / "tables/mart/b.sql").write_text("SELECT 2 AS x\n")

    assert ropewalk("lineage", "mart.b", cwd=root).out == "table:mart.b\n  nothing is joined to it\n"


def test_long_lists_are_folded():
    """Of many files the first are shown and the others counted; other kinds are not touched."""
    ids = [f"file:{number:03}" for number in range(SHOWN + 5)] + ["source:a"]

    lines = list(folded(ids))

    assert len(lines) == SHOWN + 2
    assert lines[-2:] == ["file: ... 5 more (--json lists all)", "source:a"]


def test_names_are_spelled_out():
    """A file's name cannot break the list."""
    assert list(folded(["file:a\nb"])) == ["file:a\\nb"]


def test_document_has_kinds():
    """For programs each node has its kind and each edge its two ends."""
    document = lineage_document("b:2", LineageGraph.of([Edge("a:1", "b:2", "origin")]))

    assert document["nodes"] == [{"id": "a:1", "kind": "a"}, {"id": "b:2", "kind": "b"}]
    assert document["edges"] == [{"upstream": "a:1", "downstream": "b:2", "kind": "origin"}]
