"""Data: the tables of the lake, and everything there is to know of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from ropewalk.dataops.catalog import (
    ColumnCard,
    ColumnProfile,
    Hit,
    TableCard,
    TableProfile,
    list_tables,
    search_catalog,
    table_page,
    table_profile,
)
from ropewalk.dataops.columns import TableLineage, read_table_lineage
from ropewalk.dataops.definitions import read_glossary
from ropewalk.dataops.lake import environment_tables, open_lake
from ropewalk.lineage import LineageLink, LineageNode
from ropewalk.web.grid import Grid, make_grid
from ropewalk.web.page import Visit
from ropewalk.web.views.columns import ColumnTrace, trace_column
from ropewalk.web.views.lineage import lineage_around
from ropewalk.web.views.nodes import NodeLine, declared, node_lines

KINDS = ("table", "column", "term", "owner")
SHOWN = 60
VERSIONS = 12
# Longer questions than anybody types are somebody's mistake.
LONGEST = 200


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
class Found:
    """Something that a search found, and the page about it."""

    hit: Hit
    address: str | None


@dataclass(frozen=True)
class TableList:
    """Every table, declared or there, by schema, and the newest snapshot among those the environment has.

    Attributes:
        query: the words that are searched for; empty when all is listed.
        kind: of what is searched: `table`, `column`, `term`, `owner`; empty for all.
        found: what has every word in it, the best fitting first.
        hidden: how many hits are not shown.
    """

    schemas: tuple[Schema, ...]
    count: int
    snapshot: int
    query: str = ""
    kind: str = ""
    found: tuple[Found, ...] = ()
    hidden: int = 0


@dataclass(frozen=True)
class SnapshotLine:
    """A version of a table that the lake keeps: by whom, what for, and whether the environment has it."""

    number: int
    made_at: int
    author: str | None
    message: str | None
    is_current: bool


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
        profile: what its values are like, when that was looked at.
        history: its newest versions.
        quarantined: how many rows did not fit into it, of a source's table.
        trace: where the column that was asked about comes from, and what it reaches.
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
    profile: TableProfile | None = None
    history: tuple[SnapshotLine, ...] = ()
    quarantined: int | None = None
    trace: ColumnTrace | None = None

    def profile_of(self, column: str) -> ColumnProfile | None:
        """Return what the values of a column are like, when that was looked at."""
        columns = self.profile.columns if self.profile else ()
        return next((item for item in columns if item.name == column), None)


def table_list(visit: Visit) -> TableList:
    """Return every table that is declared or there, and what has the words of `q` in it."""
    lines = {line.id: line for line in node_lines(visit.workspace)}
    cards = list_tables(visit.workspace, lineage_of(visit))
    query, kind = visit.query.get("q", "").strip()[:LONGEST], visit.query.get("kind", "")
    found = _search(visit, cards, query, kind) if query or kind else []
    # As data flows: a schema stands where the first of its tables comes in the project's order.
    place = {node_id: number for number, node_id in enumerate(lines)}
    schemas: dict[str, list[TableLine]] = {}
    for card in sorted(cards, key=lambda card: (place.get(card.node, len(place)), card.name)):
        schemas.setdefault(card.name.partition(".")[0], []).append(_line(card, lines.get(card.node)))
    return TableList(
        schemas=tuple(Schema(name, tuple(tables)) for name, tables in schemas.items()),
        count=len(cards),
        snapshot=max(environment_tables(visit.workspace).values(), default=0),
        query=query,
        kind=kind if kind in KINDS else "",
        found=tuple(Found(hit, _address(hit)) for hit in found[:SHOWN]),
        hidden=max(len(found) - SHOWN, 0),
    )


def lineage_of(visit: Visit) -> Mapping[str, TableLineage]:
    """Return where columns come from; nothing while the project's files are broken."""
    graph = declared(visit.workspace).graph
    return read_table_lineage(visit.workspace, graph) if graph else {}


def _search(visit: Visit, cards: Sequence[TableCard], query: str, kind: str) -> list[Hit]:
    kinds = (kind,) if kind in KINDS else KINDS
    return search_catalog(cards, read_glossary(visit.workspace.root), query, kinds)


def _address(hit: Hit) -> str | None:
    """Return the page about a hit: a table's, or its place there; an owner's and a term's own search."""
    if hit.kind == "column" and hit.table:
        column = hit.name.removeprefix(f"{hit.table}.")
        return f"/data/{quote(hit.table, safe='')}?{urlencode({'column': column})}#trace"
    if hit.kind == "table":
        return f"/data/{quote(hit.name, safe='')}"
    return f"/data?{urlencode({'q': hit.name})}"


def table_view(visit: Visit) -> TableView:
    """Return everything about one table.

    Raises:
        UnknownTable: there is no such table.
    """
    lineage = lineage_of(visit)
    page = table_page(visit.workspace, visit.names["name"], lineage)
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
        profile=_profile(visit, card),
        history=_history(visit, card),
        quarantined=_quarantined(visit, card),
        trace=trace_column(visit, card, lineage),
    )


def _profile(visit: Visit, card: TableCard) -> TableProfile | None:
    """Return the profile when it was asked for, or worked out before: no page does it by itself."""
    if card.rows is None:
        return None
    return table_profile(visit.workspace, card, is_kept="profile" not in visit.query)


def _history(visit: Visit, card: TableCard) -> tuple[SnapshotLine, ...]:
    lake, current = open_lake(visit.workspace), environment_tables(visit.workspace).get(card.name.lower())
    if not lake.exists or card.rows is None:
        return ()
    return tuple(
        SnapshotLine(item.number, item.time_ms, item.author, item.message, item.number == current)
        for item in lake.snapshots(card.name, VERSIONS)
    )


def _quarantined(visit: Visit, card: TableCard) -> int | None:
    lake = open_lake(visit.workspace)
    if card.kind != "source" or not lake.exists:
        return None
    # What did not fit belongs to no environment: it stands where the last load put it.
    table = f"quarantine.{card.name.partition('.')[2]}"
    found = lake.tables_at({table: lake.snapshot()})
    return found[0].rows if found else None


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
