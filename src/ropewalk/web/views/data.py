"""Data: the tables of the lake, and everything there is to know of one."""

from __future__ import annotations

from dataclasses import dataclass

from ropewalk.dataops.catalog import ColumnCard, TableCard, list_tables, table_page
from ropewalk.dataops.lake import environment_tables
from ropewalk.lineage import LineageLink, LineageNode
from ropewalk.web.grid import Grid, make_grid
from ropewalk.web.page import Visit
from ropewalk.web.views.lineage import lineage_around
from ropewalk.web.views.nodes import NodeLine, node_lines


@dataclass(frozen=True)
class TableLine:
    """One table in a list.

    Attributes:
        name: `schema.table`.
        kind: `source` or `table`.
        state: as of its node (`current`, `edited`, `failed`, `blocked`, `never`).
        rows: how many rows it has; None before it is made.
        columns: how many columns it has.
        description: what its contract or its SQL says it is.
        contract: `holds`, `warned`, `unchecked`, or None without a contract.
        made_at: when it was made (UTC ms).
    """

    name: str
    kind: str
    state: str
    rows: int | None
    columns: int
    description: str | None
    contract: str | None
    made_at: int | None

    @property
    def table(self) -> str:
        """The part of the name behind the dot."""
        return self.name.partition(".")[2]


@dataclass(frozen=True)
class Schema:
    """The tables whose names begin alike."""

    name: str
    tables: tuple[TableLine, ...]


@dataclass(frozen=True)
class TableList:
    """Every table, declared or there, by schema, and the newest snapshot among those the environment has."""

    schemas: tuple[Schema, ...]
    count: int
    snapshot: int


@dataclass(frozen=True)
class ContractView:
    """A table's contract, and how its content kept it when it was made; `passed` is None before that."""

    path: str
    owner: str | None
    checks: tuple[str, ...]
    passed: int | None
    warnings: tuple[str, ...]
    samples: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class TableView:
    """One table.

    Attributes:
        line: what a list shows of it.
        node_id: the node that makes it.
        file: where it is declared.
        sql: the SELECT that makes it, for a table of the project.
        columns: its columns: what the lake has and what the contract says of them.
        contract: its contract.
        sample: some rows.
        nodes: the boxes of the lineage one step around it.
        links: the edges between them.
    """

    line: TableLine
    node_id: str
    file: str | None
    sql: str | None
    columns: tuple[ColumnCard, ...]
    contract: ContractView | None
    sample: Grid | None
    nodes: tuple[LineageNode, ...]
    links: tuple[LineageLink, ...]


def table_list(visit: Visit) -> TableList:
    """Return every table that is declared or there."""
    lines = {line.id: line for line in node_lines(visit.workspace)}
    cards = list_tables(visit.workspace)
    # As data flows: a schema stands where the first of its tables comes in the project's order.
    place = {node_id: number for number, node_id in enumerate(lines)}
    schemas: dict[str, list[TableLine]] = {}
    for card in sorted(cards, key=lambda card: (place.get(card.node, len(place)), card.name)):
        schemas.setdefault(card.name.partition(".")[0], []).append(_line(card, lines.get(card.node)))
    return TableList(
        schemas=tuple(Schema(name, tuple(tables)) for name, tables in schemas.items()),
        count=len(cards),
        snapshot=max(environment_tables(visit.workspace).values(), default=0),
    )


def table_view(visit: Visit) -> TableView:
    """Return everything about one table.

    Raises:
        UnknownTable: there is no such table.
    """
    page = table_page(visit.workspace, visit.names["name"])
    card = page.card
    lines = {line.id: line for line in node_lines(visit.workspace)}
    nodes, links = lineage_around(visit, card.node)
    header = [(column.name, column.type or "") for column in card.columns]
    return TableView(
        line=_line(card, lines.get(card.node)),
        node_id=card.node,
        file=card.path,
        sql=page.sql,
        columns=card.columns,
        contract=_contract(card, page.checks),
        sample=make_grid(header, page.sample) if page.sample else None,
        nodes=nodes,
        links=links,
    )


def _line(card: TableCard, node: NodeLine | None) -> TableLine:
    return TableLine(
        name=card.name,
        kind=card.kind,
        # What the lake has and nobody declares, such as recorded predictions, is as it is.
        state=node.state if node else "current" if card.rows is not None else "never",
        rows=card.rows,
        columns=len(card.columns),
        description=card.description,
        contract=_kept(card),
        made_at=node.finished_at if node else None,
    )


def _kept(card: TableCard) -> str | None:
    if card.contract_path is None:
        return None
    if card.contract is None:
        return "unchecked"
    return "warned" if card.contract.warnings else "holds"


def _contract(card: TableCard, checks: tuple[str, ...]) -> ContractView | None:
    if card.contract_path is None:
        return None
    found = card.contract
    return ContractView(
        path=card.contract_path,
        owner=card.owner,
        checks=checks,
        passed=found.passed if found else None,
        warnings=found.warnings if found else (),
        samples=found.samples if found else (),
    )
