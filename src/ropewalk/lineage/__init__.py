"""The one lineage graph: ids and kinds only; what they mean is known elsewhere. And the drawing of it."""

from ropewalk.lineage.drawing import LineageLink, LineageNode, lane_of, lineage_svg, link_pairs, short
from ropewalk.lineage.graph import Edge, LineageGraph, kind_of
from ropewalk.lineage.picture import picture_mermaid, picture_svg, picture_text
from ropewalk.lineage.record import recorded_graph

__all__ = [
    "Edge",
    "LineageGraph",
    "LineageLink",
    "LineageNode",
    "kind_of",
    "lane_of",
    "lineage_svg",
    "link_pairs",
    "picture_mermaid",
    "picture_svg",
    "picture_text",
    "recorded_graph",
    "short",
]
