"""The one lineage graph: ids and kinds only; what they mean is known elsewhere."""

from ropewalk.lineage.graph import Edge, LineageGraph, kind_of
from ropewalk.lineage.record import recorded_graph

__all__ = ["Edge", "LineageGraph", "kind_of", "recorded_graph"]
