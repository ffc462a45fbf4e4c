"""Drawing a lineage picture as SVG: boxes in lanes, each a link that the keyboard reaches, and the lines between."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from ropewalk.lineage.layout import Layout, Link, Point, lay_out

LANES = ("Outside", "Sources", "Tables", "In use", "Steps", "Models", "Deployments", "Monitors")
# Data, then models, then software: the order in which a project is made, and in which it is read. What people and other
# systems use of the data stands behind the tables, so that no line runs backwards.
LANE_OF_KIND = {
    "source": 1,
    "table": 2,
    "metric": 3,
    "question": 3,
    "publish": 3,
    "published": 3,
    "step": 4,
    "run": 4,
    "logged_model": 4,
    "gate": 5,
    "model": 5,
    "model_version": 5,
    "deployment": 6,
    "predictions": 6,
    "monitor": 7,
}
# Kinds that share a lane with another say what they are.
TOLD = frozenset({"gate", "run", "logged_model", "model_version"})
# Ids that programs made up: their beginning tells them apart.
MADE_UP = frozenset({"run", "logged_model"})
MADE_UP_LENGTH = 10
BOX_WIDTH, BOX_HEIGHT = 132, 46
COLUMN_GAP, LEFT, TOP, BOTTOM = 27, 8, 44, 16
# Lines that climb further than this between two columns get a wider gap, or many of them would run as one black bar.
LEVEL, SLOPE, WIDEST_GAP = 150, 0.12, 200
NAME_LENGTH, NOTE_LENGTH = 16, 19


@dataclass(frozen=True)
class LineageNode:
    """One box of the picture.

    Attributes:
        id: `KIND:NAME`.
        kind: its kind, which decides its lane and colour.
        name: what it is called.
        note: what is worth knowing of it, in a few words.
        address: the page it leads to.
        state: `ok`, `warn`, `bad` or `none` (never made); in a plan `fresh`, `restored`, `stale` or `waits`.
    """

    id: str
    kind: str
    name: str
    note: str = ""
    address: str | None = None
    state: str = "ok"


@dataclass(frozen=True)
class LineageLink:
    """One edge: `downstream` was made from `upstream`."""

    upstream: str
    downstream: str
    kind: str


def link_pairs(links: Iterable[LineageLink]) -> list[Link]:
    """Return the edges as pairs, as the picture takes them."""
    return [(link.upstream, link.downstream) for link in links]


def lane_of(kind: str) -> int:
    """Return the lane of a kind: what no room knows comes from outside."""
    return LANE_OF_KIND.get(kind, 0)


@dataclass(frozen=True)
class Drawing:
    """A drawn graph: its parts, and the size that they take."""

    parts: tuple[Markup, ...]
    width: int
    height: int


def lineage_svg(
    nodes: Sequence[LineageNode], links: Iterable[Link], title: str, focus: str | None = None
) -> Markup:
    """Return the picture of `nodes` and the edges between them, with `focus` set off."""
    # The picture has its natural size; the page scales it, or scrolls it where there is no script.
    drawing = draw(nodes, links, focus)
    start = Markup(
        '<svg class="lineage" viewBox="0 0 {} {}" width="{}" height="{}" role="group" aria-label="{}">'
    ).format(drawing.width, drawing.height, drawing.width, drawing.height, title)
    return Markup("").join((start, *drawing.parts, Markup("</svg>")))


def draw(
    nodes: Sequence[LineageNode],
    links: Iterable[Link],
    focus: str | None = None,
    *,
    marks: Mapping[str, str] | None = None,
) -> Drawing:
    """Return lanes, lines and boxes of `nodes` and the edges between them, for a picture to put together.

    Args:
        nodes: the boxes.
        links: the edges between them.
        focus: the node that is set off.
        marks: a class for each node by its id, which its box gets, and each of its lines with `to-` before it.
    """
    layout = lay_out({node.id: lane_of(node.kind) for node in nodes}, links)
    lefts = column_lefts(layout)
    height = TOP + round(layout.height) + BOX_HEIGHT + BOTTOM
    boxes = ((node, _corner(layout.nodes[node.id], lefts)) for node in _reading_order(nodes, layout))
    parts = (
        *(_lane(lane, lefts[first], lefts[last], height) for lane, (first, last) in layout.lanes.items()),
        *(_line(edge, layout, lefts, [*_near(edge, focus), *_ends(edge, marks)]) for edge in layout.routes),
        *(_box(node, corner, [*_focus(node, focus), *_own(node, marks)]) for node, corner in boxes),
    )
    return Drawing(parts, LEFT + lefts[-1] + BOX_WIDTH, height)


def column_lefts(layout: Layout) -> list[int]:
    """Return where each column begins: far enough from the one before it for the lines between to be told apart."""
    climbs: dict[int, list[float]] = {}
    for route in layout.routes.values():
        for one, other in pairwise(route):
            climbs.setdefault(one.column, []).append(abs(other.y - one.y))
    lefts = [LEFT]
    for column in range(max((last for _, last in layout.lanes.values()), default=0)):
        lefts.append(lefts[-1] + BOX_WIDTH + _gap(sorted(climbs.get(column, [0.0]))))
    return lefts


def _gap(climbs: Sequence[float]) -> int:
    """Return the width between two columns, of how far the lines between them climb; the steepest few do not count."""
    steep = climbs[len(climbs) * 9 // 10]
    return min(WIDEST_GAP, COLUMN_GAP + round(max(0.0, steep - LEVEL) * SLOPE))


def short(text: str, most: int = 24) -> str:
    """Return `text` with its middle left out when it is longer than `most` characters."""
    if len(text) <= most:
        return text
    head = (most - 1) // 2 + (most - 1) % 2
    return f"{text[:head]}…{text[len(text) - (most - 1 - head) :]}"


def _reading_order(nodes: Sequence[LineageNode], layout: Layout) -> list[LineageNode]:
    """Sort the boxes as the eye goes, since the keyboard follows the order of the document."""
    return sorted(nodes, key=lambda node: layout.nodes[node.id])


def _lane(lane: int, first: int, last: int, height: int) -> Markup:
    left = first - COLUMN_GAP // 2 + 4
    width = last - first + BOX_WIDTH + COLUMN_GAP - 8
    return Markup(
        '<rect class="lane" x="{}" y="4" width="{}" height="{}" rx="8"/>'
        '<text class="lane-name" x="{}" y="22">{}</text>'
    ).format(left, width, height - 8, first, LANES[lane])


def _near(edge: Link, focus: str | None) -> list[str]:
    return ["is-near"] if focus in edge else []


def _ends(edge: Link, marks: Mapping[str, str] | None) -> list[str]:
    return [f"to-{marks[end]}" for end in edge] if marks else []


def _focus(node: LineageNode, focus: str | None) -> list[str]:
    return ["is-focus"] if node.id == focus else []


def _own(node: LineageNode, marks: Mapping[str, str] | None) -> list[str]:
    return [marks[node.id]] if marks else []


def _line(edge: Link, layout: Layout, lefts: Sequence[int], classes: Iterable[str]) -> Markup:
    up, down = (layout.nodes[end] for end in edge)
    # Lines have no arrows, because what is made stands right of what it is made from; the few others are dashed.
    back = ["is-back"] if up.column > down.column else []
    kind = " ".join(["line", *back, *classes])
    return Markup('<path class="{}" d="{}"/>').format(kind, path_of(layout.routes[edge], lefts))


def path_of(route: Sequence[Point], lefts: Sequence[int]) -> str:
    """Return the curve through the places of an edge: out of the first box's right side, into the last's left."""
    ends = [(lefts[point.column], _middle(point)) for point in route]
    (x, y), commands = (ends[0][0] + BOX_WIDTH, ends[0][1]), []
    commands.append(f"M{x} {y:g}")
    for at, (left, other) in enumerate(ends[1:], 1):
        # Both ends of a bend are level, so a line meets its boxes straight however steep it is.
        bend = max(COLUMN_GAP / 2, abs(left - x) / 2)
        commands.append(f"C{x + bend:g} {y:g} {left - bend:g} {other:g} {left} {other:g}")
        # Across a column that it only passes, the line runs level.
        if at < len(ends) - 1:
            commands.append(f"H{left + BOX_WIDTH}")
        x, y = left + BOX_WIDTH, other
    return "".join(commands)


def _box(node: LineageNode, corner: tuple[int, float], marks: Iterable[str]) -> Markup:
    name, note = _name(node), _note(node)
    classes = " ".join(["node", f"kind-{lane_of(node.kind)}", f"is-{node.state}", *marks])
    # The picture's title is what a screen reader says and the pointer shows; the box has room for less.
    said = f"{node.kind.replace('_', ' ')} {node.name}" + (f", {node.note}" if node.note else "")
    inside = Markup(
        '<title>{}</title><rect width="{}" height="{}" rx="7"/><path class="strand" d="M3.5 7v{}"/>'
        '<text class="name" x="12" y="19">{}</text><text class="note" x="12" y="36">{}</text>'
    ).format(said, BOX_WIDTH, BOX_HEIGHT, BOX_HEIGHT - 14, short(name, NAME_LENGTH), note[:NOTE_LENGTH])
    place = Markup(' transform="translate({} {:g})"').format(*corner)
    # A link inside SVG is reached by the keyboard as any link is, without a tabindex.
    if node.address is None:
        return Markup('<g class="{}"{}>{}</g>').format(classes, place, inside)
    return Markup('<a class="{}" href="{}"{} aria-label="{}">{}</a>').format(
        classes, node.address, place, said, inside
    )


def _name(node: LineageNode) -> str:
    """Return what tells the node from its neighbours; the title has the whole name."""
    if node.kind == "table":
        return node.name.rpartition(".")[2]
    if lane_of(node.kind) == 0:
        # Paths and addresses differ at their end.
        return node.name.rstrip("/").rpartition("/")[2] or node.name
    return node.name[:MADE_UP_LENGTH] if node.kind in MADE_UP and " " not in node.name else node.name


def _note(node: LineageNode) -> str:
    """Return the second line of a box: what the first leaves out, and the note."""
    context = node.name.rpartition(".")[0] if node.kind == "table" else ""
    if not context and (node.kind in TOLD or not node.note):
        context = node.kind.replace("_", " ")
    return " · ".join(part for part in (context, node.note) if part)


def _corner(point: Point, lefts: Sequence[int]) -> tuple[int, float]:
    return lefts[point.column], _middle(point) - BOX_HEIGHT / 2


def _middle(point: Point) -> float:
    return TOP + point.y + BOX_HEIGHT / 2 - 8
