"""The lineage picture: boxes that are links, lines that end at them, and names that fit."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from ropewalk.lineage.drawing import (
    BOX_WIDTH,
    LANES,
    LineageLink,
    LineageNode,
    column_lefts,
    draw,
    lane_of,
    lineage_svg,
    link_pairs,
    path_of,
    short,
)
from ropewalk.lineage.layout import Layout, Point

TABLE = LineageNode("table:mart.features", "table", "mart.features", "337k rows", "/data/mart.features")
MODEL = LineageNode("model:late", "model", "late", "version 3", "/models/late")
FILE = LineageNode("file:a.csv", "file", "a.csv", address=None, state="none")
LINKS = [("table:mart.features", "model:late"), ("file:a.csv", "table:mart.features")]
SVG = {"": "http://www.w3.org/2000/svg"}


def parse(markup: str) -> ET.Element:
    """Return the picture as a tree; it is well-formed."""
    return ET.fromstring(markup.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))


@pytest.fixture
def picture() -> ET.Element:
    """Return the picture of a file, a table and a model."""
    return parse(str(lineage_svg([MODEL, TABLE, FILE], LINKS, "Lineage of late", "model:late")))


def test_boxes_are_links(picture: ET.Element) -> None:
    """Each box with a page leads there, and says what it is to whoever cannot see it."""
    links = {link.get("href"): link.get("aria-label") for link in picture.findall("a", SVG)}

    assert links == {
        "/data/mart.features": "table mart.features, 337k rows",
        "/models/late": "model late, version 3",
    }


def test_keyboard_follows_the_eye(picture: ET.Element) -> None:
    """Boxes come in the document from left to right, whatever order they were given in."""
    assert [link.get("href") for link in picture.findall("a", SVG)] == ["/data/mart.features", "/models/late"]


def test_box_without_page_is_no_link(picture: ET.Element) -> None:
    """What has no page is drawn, and is no stop for the keyboard."""
    box = picture.find("g", SVG)

    assert box is not None
    assert box.get("class") == "node kind-0 is-none"


def test_lanes_are_named(picture: ET.Element) -> None:
    """Only lanes that hold something are drawn, in their order."""
    names = [text.text for text in picture.findall("text", SVG) if text.get("class") == "lane-name"]

    assert names == ["Outside", "Tables", "Models"]


def test_focus_is_set_off(picture: ET.Element) -> None:
    """The box in focus and the lines at it are marked."""
    classes = [element.get("class") or "" for element in picture.iter()]

    assert sum("is-focus" in c for c in classes) == 1
    assert sum("is-near" in c for c in classes) == 1


def test_schema_moves_to_the_note(picture: ET.Element) -> None:
    """A table's box has its short name large and its schema small."""
    texts = [text.text for text in picture.iter("{http://www.w3.org/2000/svg}text")]

    assert "features" in texts
    assert "mart · 337k rows" in texts


def test_gate_says_that_it_is_one() -> None:
    """A gate shares its lane with models, so its box says what it is."""
    gate = LineageNode("gate:late", "gate", "late", "passed", "/models/late")

    assert "gate · passed" in str(lineage_svg([gate], [], "A gate"))


def test_long_names_are_cut_and_kept_whole_in_the_title() -> None:
    """A long name fits its box, and can still be read."""
    name = "a_very_long_name_of_some_table"
    html = str(lineage_svg([LineageNode(f"step:{name}", "step", name)], [], "Long"))

    assert f"<title>step {name}</title>" in html
    assert re.search(r'class="name"[^>]*>a_very_l…e_table<', html)


def test_foreign_names_stay_text() -> None:
    """A name with markup is text in the picture."""
    html = str(lineage_svg([LineageNode("file:<b>", "file", '<b>"', "<i>", 'x"y')], [], "<u>", "file:<b>"))

    parse(html)
    assert not re.search(r"<[biu]>", html)


def test_line_against_the_lanes_is_dashed() -> None:
    """What is made usually stands to the right; a line the other way shows that it is one."""
    html = str(lineage_svg([MODEL, TABLE], [("model:late", "table:mart.features")], "Back"))

    assert 'class="line is-back"' in html


def test_made_up_ids_are_short() -> None:
    """Of an id that no person chose its beginning is enough."""
    run = LineageNode("run:0123456789abcdef", "run", "0123456789abcdef")

    assert ">0123456789<" in str(lineage_svg([run], [], "Run"))


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("landing/airlines.parquet", "airlines.parquet"),
        ("http://h/observations", "observations"),
        ("a/", "a"),
        ("/", "/"),
    ],
)
def test_paths_show_their_end(name: str, shown: str) -> None:
    """What comes from outside is told apart by the end of its path; the title has all of it."""
    html = str(lineage_svg([LineageNode(f"file:{name}", "file", name)], [], "File"))

    assert f">{shown}</text>" in html
    assert f"<title>file {name}</title>" in html


def test_empty_picture() -> None:
    """Nothing to show is an empty, well-formed picture."""
    assert parse(str(lineage_svg([], [], "Nothing"))).get("aria-label") == "Nothing"


def test_line_leaves_right_and_arrives_left() -> None:
    """A line starts at the first box's right side and ends at the next one's left."""
    path = path_of([Point(0, 0.0), Point(1, 62.0)], [8, 8 + BOX_WIDTH + 27])

    start = re.match(r"M(\d+) ", path)
    assert start
    assert int(start[1]) == 8 + BOX_WIDTH
    assert path.endswith(f" {8 + BOX_WIDTH + 27} 121")


def test_line_runs_level_through_a_column() -> None:
    """Past a column's boxes a line is straight."""
    lefts = [8, 167, 326]

    assert "H" in path_of([Point(0, 0.0), Point(1, 30.0), Point(2, 0.0)], lefts)
    assert "H" not in path_of([Point(0, 0.0), Point(1, 30.0)], lefts)


@pytest.mark.parametrize(
    ("climbs", "gap"),
    [
        # A small picture is as narrow as it can be.
        ([0.0], 27),
        ([150.0] * 9, 27),
        ([250.0], 39),
        ([650.0] * 3, 87),
        ([40_000.0], 200),
        # One line across the whole picture does not pull all of it apart.
        ([*[62.0] * 19, 4000.0], 27),
    ],
)
def test_columns_of_steep_lines_stand_apart(climbs: list[float], gap: int) -> None:
    """The further lines climb between two columns, the more room they have to be told apart."""
    routes = {(str(n), "x"): (Point(0, 0.0), Point(1, climb)) for n, climb in enumerate(climbs)}

    assert column_lefts(Layout({}, routes, {1: (0, 1)}, 0.0)) == [8, 8 + BOX_WIDTH + gap]


def test_columns_without_lines() -> None:
    """What nothing connects stands side by side, and an empty picture has one column."""
    assert column_lefts(Layout({}, {}, {1: (0, 0), 2: (1, 1)}, 0.0)) == [8, 8 + BOX_WIDTH + 27]
    assert column_lefts(Layout({}, {}, {}, 0.0)) == [8]


@pytest.mark.parametrize(
    ("kind", "lane"),
    [
        ("file", "Outside"),
        ("anything", "Outside"),
        ("source", "Sources"),
        ("table", "Tables"),
        ("metric", "In use"),
        ("question", "In use"),
        ("published", "In use"),
        ("run", "Steps"),
        ("gate", "Models"),
        ("deployment", "Deployments"),
        ("monitor", "Monitors"),
    ],
)
def test_lane_of(kind: str, lane: str) -> None:
    """Each kind has its lane; what no room knows comes from outside."""
    assert LANES[lane_of(kind)] == lane


def test_link_pairs() -> None:
    """Links become the pairs that the layout takes."""
    assert link_pairs([LineageLink("a", "b", "input")]) == [("a", "b")]


@pytest.mark.parametrize(
    ("node", "name", "note"),
    [
        (LineageNode("table:a", "table", "a"), "a", "table"),
        (LineageNode("table:m.a", "table", "m.a"), "a", "m"),
        (LineageNode("table:c.m.a", "table", "c.m.a", "3 rows"), "a", "c.m · 3 rows"),
        (LineageNode("step:a.b", "step", "a.b", "auc 0.9"), "a.b", "auc 0.9"),
        (LineageNode("gate:late", "gate", "late", "passed"), "late", "gate · passed"),
        (LineageNode("run:1", "run", "0123456789abcdef"), "0123456789", "run"),
        (LineageNode("run:1", "run", "nightly training"), "nightly training", "run"),
        (LineageNode("logged_model:1", "logged_model", "m" * 30, "new"), "m" * 10, "logged model · new"),
        (LineageNode("file:a/b.csv", "file", "a/b.csv"), "b.csv", "file"),
        (LineageNode("url:h", "url", "https://h/", "outside"), "h", "outside"),
        (LineageNode("file:/", "file", "/"), "/", "file"),
    ],
)
def test_two_lines_of_a_box(node: LineageNode, name: str, note: str) -> None:
    """The first line tells a node from its neighbours, the second says what the first leaves out."""
    box = parse(str(lineage_svg([node], [], "one"))).find("g", SVG)

    assert box is not None
    assert [text.text for text in box.findall("text", SVG)] == [name, note]


@pytest.mark.parametrize(
    ("text", "most", "cut"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdef", 5, "ab…ef"),
        ("abcdef", 4, "ab…f"),
        ("abcdef", 1, "…"),
        ("", 1, ""),
    ],
)
def test_middle_is_left_out(text: str, most: int, cut: str) -> None:
    """Both ends of a long name stay, and it is never longer than asked for."""
    assert short(text, most) == cut


def test_focus_alone_changes_no_place() -> None:
    """Setting a node off moves nothing: the eye stays where it was."""
    plain, focused = (draw([MODEL, TABLE], LINKS, focus) for focus in (None, "model:late"))

    assert (plain.width, plain.height, len(plain.parts)) == (
        focused.width,
        focused.height,
        len(focused.parts),
    )
    assert "is-focus" not in "".join(plain.parts)
