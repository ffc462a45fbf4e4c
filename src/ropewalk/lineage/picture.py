"""A graph as a file of its own: SVG with its styles inside, Mermaid, or lines of text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from markupsafe import Markup

from ropewalk.lineage.drawing import LANES, LineageNode, draw, lane_of
from ropewalk.lineage.layout import Link

HEADER, MARGIN = 52, 12
LEAST_WIDTH = 460
# Every colour twice, without CSS variables, which many viewers of SVG do not know.
LIGHT = {
    "paper": "#f7f6f2",
    "card": "#ffffff",
    "sunk": "#f0eee8",
    "ink": "#1b2129",
    "soft": "#59626d",
    "line": "#d3cfc4",
    "edge": "#848b94",
    "data": "#0072b2",
    "model": "#a8457f",
    "software": "#00795a",
    "outside": "#7a746a",
    "ok": "#00694e",
    "warn": "#8a5a00",
    "wash": "#fdf2d9",
}
DARK = {
    "paper": "#101418",
    "card": "#171c22",
    "sunk": "#1c232a",
    "ink": "#e6e9ec",
    "soft": "#9ba6b2",
    "line": "#323c47",
    "edge": "#6b7682",
    "data": "#56b4e9",
    "model": "#dd8fbc",
    "software": "#2bbf94",
    "outside": "#a39b8d",
    "ok": "#35c79d",
    "warn": "#f0b13c",
    "wash": "#2b2310",
}
SHAPES = """
text{font-family:Inter,system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif}
.title{font-size:18px;font-weight:650}.said{font-size:13px}.lane{fill-opacity:.6}
.lane-name{font-size:12.5px;font-weight:500}.line{fill:none;stroke-width:1.3;stroke-opacity:.8}
.is-back{stroke-dasharray:3 3}.name{font-size:14px;font-weight:550}.note{font-size:12px}
.strand{fill:none;stroke-width:3;stroke-linecap:round}.is-stale>rect{stroke-width:1.6}
.is-waits>rect{stroke-width:1.6;stroke-dasharray:4 3}
"""
COLOURS = """
svg{{color:{data}}}.paper{{fill:{paper}}}.title,.name{{fill:{ink}}}.said,.lane-name,.note{{fill:{soft}}}.lane{{fill:{sunk}}}
.line{{stroke:{edge}}}.node>rect{{fill:{card};stroke:{line}}}.strand{{stroke:{outside}}}
.kind-1 .strand,.kind-2 .strand,.kind-3 .strand{{stroke:{data}}}.kind-4 .strand,.kind-5 .strand{{stroke:{model}}}
.kind-6 .strand,.kind-7 .strand{{stroke:{software}}}
.is-fresh .note,.is-restored .note{{fill:{ok}}}
.is-stale>rect{{fill:{wash};stroke:{warn}}}.is-stale .note,.is-waits .note{{fill:{warn}}}
.is-waits>rect{{stroke:{warn}}}
"""
# What happens to lines while the pointer is on a box; a viewer that knows no `:has` leaves these rules out.
FADED = "svg:has(.node:hover) .line{stroke-opacity:.15}"
NEAR = "{stroke:currentColor;stroke-width:2.2;stroke-opacity:1}"
# What a node of each kind looks like in Mermaid; kinds that are not here are plain boxes.
MERMAID_SHAPES = {
    "source": ("[(", ")]"),
    "step": ("([", "])"),
    "gate": ("{", "}"),
    "model": ("{{", "}}"),
    "deployment": ("[[", "]]"),
    "monitor": (">", "]"),
}
MERMAID_STATES = {
    "fresh": "stroke:#00795a,stroke-width:1.5px",
    "restored": "stroke:#00795a,stroke-width:1.5px,stroke-dasharray:4 3",
    "stale": "stroke:#e69f00,stroke-width:3px",
    "waits": "stroke:#e69f00,stroke-width:2px,stroke-dasharray:4 3",
}


def picture_svg(nodes: Sequence[LineageNode], links: Iterable[Link], title: str, said: str) -> str:
    """Return an SVG file that needs nothing beside it and reads on light and on dark paper.

    Args:
        nodes: the boxes.
        links: the edges between them.
        title: what the picture is of.
        said: one line below the title, such as how much of it is stale.
    """
    marks = {node.id: f"n{number}" for number, node in enumerate(nodes)}
    drawing = draw(nodes, links, marks=marks)
    width = max(drawing.width + 2 * MARGIN, LEAST_WIDTH)
    height = drawing.height + HEADER + MARGIN
    start = Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {} {}" width="{}" height="{}" role="img"'
        ' aria-labelledby="title said"><title id="title">{}</title><desc id="said">{}</desc>'
    ).format(width, height, width, height, title, said)
    head = Markup(
        '<rect class="paper" width="100%" height="100%"/>'
        '<text class="title" x="{}" y="28">{}</text><text class="said" x="{}" y="47">{}</text>'
    ).format(MARGIN + 8, title, MARGIN + 8, said)
    place = Markup('<g transform="translate({} {})">').format(MARGIN, HEADER)
    return str(
        Markup("").join(
            (
                start,
                _style(marks.values()),
                head,
                place,
                *(part + Markup("\n") for part in drawing.parts),
                Markup("</g></svg>\n"),
            )
        )
    )


def picture_mermaid(nodes: Sequence[LineageNode], links: Iterable[Link]) -> str:
    """Return the graph as a Mermaid flow chart, as forges draw it in Markdown."""
    short = {node.id: f"n{number}" for number, node in enumerate(nodes)}
    lines = ["flowchart LR"]
    for lane in sorted({lane_of(node.kind) for node in nodes}):
        lines.append(f'  subgraph lane{lane}["{LANES[lane]}"]')
        lines += [f"    {_mermaid_node(node, short)}" for node in nodes if lane_of(node.kind) == lane]
        lines.append("  end")
    lines += _mermaid_lines(links, short)
    states = {node.state for node in nodes} & MERMAID_STATES.keys()
    lines += [f"  classDef {state} {MERMAID_STATES[state]}" for state in sorted(states)]
    return "\n".join(lines) + "\n"


def picture_text(nodes: Sequence[LineageNode], links: Iterable[Link], marks: Mapping[str, str]) -> str:
    """Return the graph as lines: each node after what it needs, with a mark for its state where there is one."""
    needs: dict[str, list[str]] = {}
    for up, down in links:
        needs.setdefault(down, []).append(up)
    width = max((len(node.id) for node in nodes), default=0)
    lines = [
        f"{marks[node.state] + ' ' if node.state in marks else ''}{node.id:{width}}"
        + (f"  <- {', '.join(needs[node.id])}" if node.id in needs else "")
        for node in nodes
    ]
    return "\n".join(line.rstrip() for line in lines) + "\n" if lines else ""


def _style(marks: Iterable[str]) -> Markup:
    dark = "@media (prefers-color-scheme:dark){" + COLOURS.format(**DARK) + "}"
    # Which lines end at the box below the pointer only a rule for each box can say without a script.
    near = ",".join(f"svg:has(.{mark}:hover) .to-{mark}" for mark in marks)
    pointed = FADED + (near + NEAR if near else "")
    rules = (SHAPES + COLOURS.format(**LIGHT) + dark + pointed).replace("\n", "")
    return Markup(f"<style>{rules}</style>")  # noqa: S704  # text of this module alone


def _mermaid_lines(links: Iterable[Link], short: Mapping[str, str]) -> list[str]:
    # As the drawing does: an edge whose other end was not chosen is no line.
    return [f"  {short[up]} --> {short[down]}" for up, down in links if up in short and down in short]


def _mermaid_node(node: LineageNode, short: Mapping[str, str]) -> str:
    before, after = MERMAID_SHAPES.get(node.kind, ("[", "]"))
    state = f":::{node.state}" if node.state in MERMAID_STATES else ""
    return f'{short[node.id]}{before}"{_mermaid_text(node.name)}"{after}{state}'


def _mermaid_text(text: str) -> str:
    """Return text with everything that could mean something to Mermaid or HTML as its character's number."""
    return "".join(c if c.isalnum() or c in " ._-/" else f"#{ord(c)};" for c in text if c.isprintable())
