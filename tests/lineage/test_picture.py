"""Pictures as files: SVG that stands alone, Mermaid and text, whatever names they are given."""

from __future__ import annotations

import re
import time
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropewalk.lineage import LineageNode, picture_mermaid, picture_svg, picture_text
from ropewalk.lineage.picture import DARK, LIGHT

SVG = "{http://www.w3.org/2000/svg}"
NODES = [
    LineageNode("source:orders", "source", "orders", "fresh", state="fresh"),
    LineageNode("table:mart.totals", "table", "mart.totals", "stale", state="stale"),
    LineageNode("step:train", "step", "train", "waits", state="waits"),
    LineageNode("gate:late", "gate", "late", "restored", state="restored"),
]
LINKS = [
    ("source:orders", "table:mart.totals"),
    ("table:mart.totals", "step:train"),
    ("step:train", "gate:late"),
]
nasty = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40)


def svg(*nodes: LineageNode, title: str = "shop") -> ET.Element:
    return ET.fromstring(picture_svg(nodes or NODES, LINKS if not nodes else [], title, "4 nodes, 1 stale"))


def texts(root: ET.Element, kind: str) -> list[str]:
    return [found.text or "" for found in root.iter(f"{SVG}text") if found.get("class") == kind]


def test_boxes_lines_and_lanes() -> None:
    """The picture has a box for each node, a line for each edge, and the lanes they stand in."""
    root = svg()

    assert sorted(texts(root, "name")) == ["late", "orders", "totals", "train"]
    assert sum((found.get("class") or "").startswith("line") for found in root.iter(f"{SVG}path")) == 3
    assert texts(root, "lane-name") == ["Sources", "Tables", "Steps", "Models"]
    assert texts(root, "title") == ["shop"]
    assert texts(root, "said") == ["4 nodes, 1 stale"]


def test_status_is_a_word_too() -> None:
    """A colour only repeats what a word says."""
    root = svg()

    assert sorted(texts(root, "note")) == ["fresh", "gate · restored", "mart · stale", "waits"]
    assert [g.get("class") for g in root.iter(f"{SVG}g") if "is-stale" in (g.get("class") or "")] == [
        "node kind-2 is-stale n1"
    ]


def test_kind_without_status() -> None:
    """Without a status the box says what it is."""
    assert texts(svg(LineageNode("step:train", "step", "train", state="")), "note") == ["step"]


def test_it_stands_alone() -> None:
    """Nothing is loaded from anywhere, and no colour is left to a page around it."""
    text = picture_svg(NODES, LINKS, "shop", "")

    assert re.findall(r"(?:href|src|url|@import)\b", text) == []
    assert re.findall(r"https?://[^\"]+", text) == ["http://www.w3.org/2000/svg"]
    assert "var(" not in text
    assert "prefers-color-scheme:dark" in text


def test_lines_of_the_box_below_the_pointer() -> None:
    """Each line knows both its boxes, and a rule without a script sets it off while the pointer is on either."""
    text = picture_svg(NODES, LINKS, "shop", "")

    lines = [found.get("class") for found in ET.fromstring(text).iter(f"{SVG}path")]
    assert "line to-n0 to-n1" in lines
    assert all(f"svg:has(.n{number}:hover) .to-n{number}" in text for number in range(4))
    assert ":hover) .to-" not in picture_svg([], [], "nothing", "")


def test_it_says_what_it_is() -> None:
    """A screen reader finds title and description."""
    root = svg(title="shop")

    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "title said"
    assert (root.findtext(f"{SVG}title"), root.findtext(f"{SVG}desc")) == ("shop", "4 nodes, 1 stale")


@given(nasty, nasty)
def test_any_name_in_svg(name: str, title: str) -> None:
    """Whatever characters a name has, the file is well-formed and the name is only text in it."""
    root = svg(LineageNode(f"step:{name}", "step", name, "fresh", state="fresh"), title=title)

    assert texts(root, "title") == [title]
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        "svg",
        "title",
        "desc",
        "style",
        "rect",
        "text",
        "g",
        "path",
    }


@given(nasty)
def test_any_name_in_mermaid(name: str) -> None:
    """Whatever characters a name has, no line of the flow chart is broken by it."""
    chart = picture_mermaid([LineageNode(f"step:{name}", "step", name, state="")], [])

    line = chart.splitlines()[2]
    assert re.fullmatch(r'    n0\(\["[\w ./#;-]*"\]\)', line)
    assert len(chart.splitlines()) == 4


def test_mermaid() -> None:
    """The flow chart groups by lane, gives each kind a shape, and colours by status."""
    chart = picture_mermaid(NODES, LINKS)

    assert chart.startswith("flowchart LR\n")
    assert '    n0[("orders")]:::fresh' in chart
    assert '    n1["mart.totals"]:::stale' in chart
    assert '    n3{"late"}:::restored' in chart
    assert "  n0 --> n1" in chart
    assert chart.count("subgraph") == chart.count("  end") == 4
    assert "classDef stale" in chart


def test_text() -> None:
    """As text each node stands with what it needs, and with its mark."""
    lines = picture_text(NODES, LINKS, {"stale": "+", "fresh": "="}).splitlines()

    assert lines[0] == "= source:orders"
    assert lines[1] == "+ table:mart.totals  <- source:orders"
    assert lines[2] == "step:train         <- table:mart.totals"


def test_nothing() -> None:
    """A project without nodes has a picture too."""
    root = ET.fromstring(picture_svg([], [], "empty", "0 nodes"))

    assert texts(root, "said") == ["0 nodes"]
    assert picture_mermaid([], []) == "flowchart LR\n"
    assert picture_text([], [], {}) == ""


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("text", "paper"),
    [
        ("ink", "card"),
        ("ink", "wash"),
        ("soft", "card"),
        ("soft", "sunk"),
        ("soft", "paper"),
        ("ok", "card"),
        ("warn", "wash"),
        ("warn", "card"),
        ("ink", "paper"),
    ],
)
def test_text_is_readable(palette: dict[str, str], text: str, paper: str) -> None:
    """Every text has the contrast that WCAG's level AA asks for, on light and on dark."""
    lighter, darker = sorted((luminance(palette[text]), luminance(palette[paper])), reverse=True)

    assert (lighter + 0.05) / (darker + 0.05) >= 4.5


def test_both_palettes_have_all() -> None:
    """No colour is forgotten in the dark."""
    assert LIGHT.keys() == DARK.keys()


def test_a_thousand_nodes() -> None:
    """A graph of a thousand nodes is drawn in a few seconds at most."""
    nodes = [LineageNode(f"table:m.t{n}", "table", f"m.t{n}", state="") for n in range(1000)]
    links = [(f"table:m.t{(n - 1) // 2}", f"table:m.t{n}") for n in range(1, 1000)]
    links += [(f"table:m.t{n // 7}", f"table:m.t{n}") for n in range(10, 1000, 3)]
    started = time.process_time()
    picture = picture_svg(nodes, links, "large", "1,000 nodes")

    assert time.process_time() - started < 3
    assert picture.count('class="name"') == 1000


def test_edges_to_what_is_not_drawn() -> None:
    """An edge to a node that was left out of the picture is left out, in every form."""
    node, links = LineageNode("table:a", "table", "a"), [("table:gone", "table:a"), ("table:a", "table:gone")]

    assert "-->" not in picture_mermaid([node], links)
    assert 'class="line' not in picture_svg([node], links, "a", "")


def test_states_are_told_once_in_mermaid() -> None:
    """Each state that is there has one class, and an unknown one has none."""
    nodes = [LineageNode(f"table:{s}{n}", "table", s, state=s) for s in ("stale", "ok") for n in "12"]
    chart = picture_mermaid(nodes, [])

    assert chart.count("classDef stale ") == 1
    assert chart.count(":::stale") == 2
    assert "ok:::" not in chart
    assert "classDef ok" not in chart
