"""From what a person asks about to all that a change of it reaches: columns, tables, checks, models, people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ropewalk.dataops.columns.errors import UnknownColumn
from ropewalk.dataops.columns.impact import COLUMN, Affected, ImpactReader, Reading
from ropewalk.dataops.columns.people import Person, find_people
from ropewalk.dataops.columns.readers import read_uses
from ropewalk.dataops.columns.tables import read_table_lineage
from ropewalk.dataops.contracts import Contract
from ropewalk.dataops.transform import read_tables
from ropewalk.errors import nearest
from ropewalk.lineage import Edge, LineageGraph, recorded_graph
from ropewalk.pipeline import Graph, NodeNotFound, Workspace


@dataclass(frozen=True)
class AffectedCheck:
    """A check of a contract on columns that a change reaches, and the surest way there."""

    table: str
    name: str
    severity: str
    how: str


@dataclass(frozen=True)
class Impact:
    """What a change reaches.

    Attributes:
        of: what was asked about: `column:raw.orders.amount` or a node's id.
        affected: columns and nodes, the surest and nearest first.
        checks: checks of contracts on them.
        people: whom it concerns.
    """

    of: str
    affected: tuple[Affected, ...]
    checks: tuple[AffectedCheck, ...]
    people: tuple[Person, ...]


def find_impact(workspace: Workspace, graph: Graph, name: str, reading: Reading | None = None) -> Impact:
    """Return what a change of `name` reaches: a column, a table, a source, or any node.

    Args:
        workspace: the open project.
        graph: its declared nodes.
        name: `staging.orders.amount`, `staging.orders`, `orders`, a column's own name where it is the only one, or an id.
        reading: what is known of how models read tables.

    Raises:
        UnknownColumn: nothing has that name, or several columns do.
    """
    lineage = read_table_lineage(workspace, graph)
    known = Reading(reading.features if reading else {}, read_uses(workspace, graph, lineage))
    reader = ImpactReader(lineage, graph, _whole(workspace, graph), known)
    asked = find_asked(reader, graph, name)
    starts = {asked, *_columns_of(reader, asked)}
    affected = tuple(
        item for item in reader.reach([asked, *sorted(starts - {asked})]) if item.id not in starts
    )
    contracts = read_tables(workspace.project).contracts
    reached = {item.id: item for item in affected}
    own = {start: Affected(start, "value", ()) for start in starts}
    return Impact(
        of=asked,
        affected=affected,
        checks=tuple(_checks(contracts, {**own, **reached})),
        people=find_people(
            workspace.root,
            graph,
            contracts,
            dict.fromkeys(reader.node_of(item) for item in [asked, *reached]),
            {item.removeprefix(COLUMN) for item in [*starts, *reached] if item.startswith(COLUMN)},
        ),
    )


def _columns_of(reader: ImpactReader, node_id: str) -> list[str]:
    """Return the ids of the columns of the table that a node makes; none when it makes no table."""
    table = next((table for table, maker in reader.tables.items() if maker == node_id), None)
    return [f"{COLUMN}{table}.{column}" for column in reader.columns_of(table)] if table else []


def find_asked(reader: ImpactReader, graph: Graph, name: str) -> str:
    """Return the id of what a person means by `name`: a node, a table or a column.

    Raises:
        UnknownColumn: nothing has that name, or several columns do.
    """
    wanted = name.lower().removeprefix(COLUMN)
    if name in graph.nodes or wanted in reader.tables:
        return name if name in graph.nodes else reader.tables[wanted]
    columns = _matching(reader, wanted)
    if len(columns) == 1:
        return f"{COLUMN}{columns[0]}"
    try:
        return graph.find(name).id
    except NodeNotFound as error:
        known = [f"{table}.{column}" for table in reader.tables for column in reader.columns_of(table)]
        several = (
            f"{name!r} can mean {' or '.join(columns[:6])}" if columns else f"nothing is called {name!r}"
        )
        raise UnknownColumn(
            several,
            nearest=None if columns else nearest(wanted, [*known, *reader.tables, *graph.nodes]),
            hint="write SCHEMA.TABLE.COLUMN, a table, or a source; `ropewalk catalog` searches them",
        ) from error


def _matching(reader: ImpactReader, wanted: str) -> list[str]:
    """Return the columns that `wanted` names in full, or else those whose name ends in it."""
    known = [f"{table}.{column}" for table in reader.tables for column in reader.columns_of(table)]
    return [name for name in known if name == wanted] or [
        name for name in known if name.endswith(f".{wanted}")
    ]


def _whole(workspace: Workspace, graph: Graph) -> LineageGraph:
    """Return the edges to what declared nodes made: runs, model versions, predictions."""
    edges: Iterable[Edge] = recorded_graph(workspace.database).edges
    return LineageGraph.of(edge for edge in edges if edge.kind == "product" and edge.upstream in graph.nodes)


def _checks(contracts: Mapping[str, Contract], reached: Mapping[str, Affected]) -> Iterator[AffectedCheck]:
    for table, contract in contracts.items():
        for check in contract.checks:
            ids = [f"{COLUMN}{table}.{column.lower()}" for column in check.columns] or [
                f"table:{contract.table}"
            ]
            hows = [reached[item].how for item in ids if item in reached]
            if hows:
                yield AffectedCheck(
                    contract.table,
                    check.name,
                    check.severity,
                    min(hows, key=("value", "filter", "unknown").index),
                )
