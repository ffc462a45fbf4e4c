"""One column: where its values come from, what decides about them, what a change of it reaches, and whom it concerns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from ropewalk.dataops.catalog import TableCard
from ropewalk.dataops.columns import (
    Origin,
    Person,
    Reading,
    TableLineage,
    UnknownColumn,
    find_impact,
    first_origins,
)
from ropewalk.devops.monitoring import step_features
from ropewalk.lineage import kind_of
from ropewalk.web.page import Visit
from ropewalk.web.views.addresses import address_of
from ropewalk.web.views.nodes import declared

COLUMN = "column:"


@dataclass(frozen=True)
class ColumnLink:
    """A column or a node, with the page about it."""

    name: str
    kind: str
    address: str
    how: str = "value"


@dataclass(frozen=True)
class ColumnTrace:
    """Both ways from one column.

    Attributes:
        column: its name.
        transform: what its SQL does to the values it takes.
        values: the columns whose values it has.
        uses: the columns that decide, each with how.
        rows: the columns that decide which rows there are, each with how.
        fields: the columns outside that it is made of in the end.
        reached: what a change of it reaches, the surest and nearest first.
        people: whom a change concerns.
        unknown: why a part could not be told.
    """

    column: str
    transform: str
    values: tuple[ColumnLink, ...] = ()
    uses: tuple[ColumnLink, ...] = ()
    rows: tuple[ColumnLink, ...] = ()
    fields: tuple[ColumnLink, ...] = ()
    reached: tuple[ColumnLink, ...] = ()
    people: tuple[Person, ...] = ()
    unknown: str | None = None


def trace_column(visit: Visit, card: TableCard, lineage: Mapping[str, TableLineage]) -> ColumnTrace | None:
    """Return both ways from the column that the address names; None when it names none of the table's."""
    wanted = visit.query.get("column", "").lower()
    name = next((column.name for column in card.columns if column.name.lower() == wanted), None)
    if name is None:
        return None
    table = lineage.get(card.name.lower())
    known = table.column(name) if table else None
    origin = Origin(card.name.lower(), wanted)
    reached, people = _reached(visit, origin)
    return ColumnTrace(
        column=name,
        transform=known.transform if known else "loaded",
        values=tuple(_column(item) for item in known.values) if known else (),
        uses=tuple(_column(use.origin, use.how) for use in known.uses) if known else (),
        rows=tuple(_column(use.origin, use.how) for use in table.rows) if table else (),
        fields=tuple(_column(item) for item in first_origins(lineage, origin)),
        reached=reached,
        people=people,
        unknown=known.unknown if known else None,
    )


def column_address(table: str, column: str) -> str:
    """Return the place of a column on its table's page."""
    return f"/data/{quote(table, safe='')}?{urlencode({'column': column})}#trace"


def _reached(visit: Visit, origin: Origin) -> tuple[tuple[ColumnLink, ...], tuple[Person, ...]]:
    graph = declared(visit.workspace).graph
    if graph is None:
        return (), ()
    try:
        reading = Reading(step_features(visit.workspace, graph))
        found = find_impact(visit.workspace, graph, f"{COLUMN}{origin}", reading)
    except UnknownColumn:
        # The lake has it, and the project's files do not know it any more.
        return (), ()
    return tuple(_reach(item.id, item.how) for item in found.affected), found.people


def _reach(item: str, how: str) -> ColumnLink:
    if item.startswith(COLUMN):
        table, _, column = item.removeprefix(COLUMN).rpartition(".")
        return _column(Origin(table, column), how)
    return ColumnLink(item.partition(":")[2], kind_of(item), address_of(item), how)


def _column(origin: Origin, how: str = "value") -> ColumnLink:
    return ColumnLink(str(origin), "column", column_address(origin.table, origin.column), how)
