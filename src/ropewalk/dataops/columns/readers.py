"""Which columns metrics and saved questions use: they read tables, and are none themselves."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from ropewalk.dataops.columns.tables import read_questions_lineage
from ropewalk.dataops.columns.values import Origin, TableLineage
from ropewalk.dataops.lake import table_of
from ropewalk.pipeline import Graph, Node, Workspace

METRIC = "metric"
_WORD = re.compile(r"[^\W\d]\w*")


def read_uses(
    workspace: Workspace, graph: Graph, lineage: Mapping[str, TableLineage]
) -> dict[str, dict[Origin, str]]:
    """Return which columns each metric and each question uses, and how, by the node's id."""
    asked = read_questions_lineage(workspace, graph, lineage)
    found = {node_id: _asked(item) for node_id, item in asked.items() if item.unknown is None}
    for node in graph.nodes.values():
        if node.kind == METRIC:
            tables = {table for upstream in graph.inputs[node.id].values() if (table := table_of(upstream))}
            found[node.id] = _named(node, tables, lineage)
    return found


def _asked(item: TableLineage) -> dict[Origin, str]:
    deciding = {use.origin: use.how for column in item.columns for use in column.uses}
    values = {origin: "value" for column in item.columns for origin in column.values}
    return {**{use.origin: use.how for use in item.rows}, **deciding, **values}


def _named(node: Node, tables: Iterable[str], lineage: Mapping[str, TableLineage]) -> dict[Origin, str]:
    """Return the columns whose names stand anywhere in what a metric declares: its measures, dimensions and joins."""
    words = {word.lower() for name, text in node.facts.items() for word in _WORD.findall(f"{name} {text}")}
    found: dict[Origin, str] = {}
    for table in tables:
        known = lineage.get(table)
        # Of a table whose columns are not known, every word may be one.
        names = {column.name.lower() for column in known.columns} & words if known else words
        found |= {Origin(table, name): "value" for name in names}
    return found
