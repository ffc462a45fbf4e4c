"""`ropewalk graph`: the declared graph, in part or whole, in each form."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from ropewalk.cli.main import COMMANDS


def test_text(ropewalk, shop: Path) -> None:
    """Every node stands after what it needs."""
    said = ropewalk("graph", cwd=shop)

    assert said.out.splitlines() == [
        "source:orders",
        "table:staging.orders  <- source:orders",
        "table:mart.totals     <- table:staging.orders",
    ]


def test_before_anything_ran(ropewalk, write_project) -> None:
    """The graph is that of the files: nothing has to be there yet."""
    root = write_project(
        {"tables/mart/one.sql": "SELECT 1 AS one", "tables/mart/two.sql": "SELECT one FROM mart.one"}
    )

    assert "table:mart.two  <- table:mart.one" in ropewalk("graph", cwd=root).out
    assert ropewalk("graph", cwd=write_project({})).code == 0


@pytest.mark.parametrize(
    ("arguments", "ids"),
    [
        (("staging.orders",), ["source:orders", "table:staging.orders", "table:mart.totals"]),
        (("staging.orders", "--up"), ["source:orders", "table:staging.orders"]),
        (("staging.orders", "--down"), ["table:staging.orders", "table:mart.totals"]),
        (
            ("staging.orders", "--up", "--down"),
            ["source:orders", "table:staging.orders", "table:mart.totals"],
        ),
        (("source:orders", "--up"), ["source:orders"]),
    ],
)
def test_parts(ropewalk, shop: Path, arguments: tuple[str, ...], ids: list[str]) -> None:
    """Around a name both ways, or one."""
    document = ropewalk("graph", *arguments, "--json", cwd=shop).json

    assert [node["id"] for node in document["nodes"]] == ids
    assert len(document["edges"]) == len(ids) - 1


def test_json(ropewalk, shop: Path) -> None:
    """For programs every node has its kind and where it is declared."""
    document = ropewalk("graph", "--format", "json", cwd=shop).json

    assert document["project"] == "shop"
    assert document["nodes"][1] == {
        "id": "table:staging.orders",
        "kind": "table",
        "name": "staging.orders",
        "origin": "tables/staging/orders.sql",
    }
    assert document["edges"][0] == {"upstream": "source:orders", "downstream": "table:staging.orders"}


def test_status(ropewalk, own_shop: Path) -> None:
    """With --status every node says what a run would do with it."""
    (own_shop / "tables/staging/orders.sql").write_text(
        "SELECT id, amount, late = 0 AS late FROM raw.orders\n"
    )
    lines = ropewalk("graph", "--status", cwd=own_shop).out.splitlines()

    assert [line[:2] for line in lines] == ["= ", "+ ", "? "]
    statuses = [
        node["status"] for node in ropewalk("graph", "--status", "--json", cwd=own_shop).json["nodes"]
    ]
    assert statuses == ["fresh", "stale", "waits"]
    svg = ropewalk("graph", "--status", "--format", "svg", cwd=own_shop).out
    assert "3 nodes, 1 fresh, 1 stale, 1 waits" in svg
    assert 'class="node kind-2 is-stale ' in svg


def test_svg_file(ropewalk, shop: Path, tmp_path: Path) -> None:
    """A file's suffix says its form; what was written is told on stderr."""
    said = ropewalk("graph", "-o", str(tmp_path / "graph.svg"), cwd=shop)

    assert said.out == ""
    assert said.err.endswith("graph.svg  (3 nodes)\n")
    assert ET.parse(tmp_path / "graph.svg").getroot().tag.endswith("svg")


def test_mermaid_file(ropewalk, shop: Path, tmp_path: Path) -> None:
    """Mermaid has a suffix of its own, and --format outranks it."""
    ropewalk("graph", "-o", str(tmp_path / "graph.mmd"), cwd=shop)
    ropewalk("graph", "-o", str(tmp_path / "graph.md"), "--format", "mermaid", cwd=shop)

    assert (tmp_path / "graph.mmd").read_text().startswith("flowchart LR\n")
    assert (tmp_path / "graph.mmd").read_text() == (tmp_path / "graph.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("mart.total",), 3, "did you mean: mart.totals"),
        (("-o", "graph.svgg"), 2, "did you mean: .svg"),
        (("-o", "graph"), 2, "--format says which"),
        (("--format", "png"), 2, "png"),
        (("--json", "--format", "svg"), 2, "exclude each other"),
        (("-o", "no/such/folder/graph.svg"), 2, "cannot be written"),
        (("-o", "tables"), 2, "is a directory"),
    ],
)
def test_wrong_use(ropewalk, shop: Path, arguments: tuple[str, ...], code: int, said: str) -> None:
    """What does not fit is told, with what would."""
    found = ropewalk("graph", *arguments, cwd=shop)

    assert found.code == code
    assert said in found.err + found.out


def test_commands_are_listed() -> None:
    """The commands about time, history and the graph stand in the program's own list."""
    assert {"graph", "runs", "logs", "schedule"} <= COMMANDS.keys()
