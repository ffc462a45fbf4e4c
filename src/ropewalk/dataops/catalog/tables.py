"""From declarations, contracts, the lake and what was recorded to one card per table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ropewalk.dataops.catalog.errors import UnknownTable
from ropewalk.dataops.catalog.values import ColumnCard, ContractResult, TableCard, TablePage
from ropewalk.dataops.contracts import Contract, ContractColumn, project_masks
from ropewalk.dataops.lake import (
    Column,
    TableInfo,
    TableName,
    environment_tables,
    list_environment_tables,
    masked_relation,
    open_lake,
    read_columns,
    table_of,
)
from ropewalk.dataops.transform import TableDeclarations, TableSpec, read_tables
from ropewalk.errors import nearest
from ropewalk.pipeline import JSON, Output, Workspace, current_records

SAMPLE_ROWS = 20
SOURCE_SCHEMA = "raw"
STEP_SCHEMA = "steps"


@dataclass(frozen=True)
class _Known:
    """Everything that is known of the project's tables, by their names in lower case."""

    declared: TableDeclarations
    names: Mapping[str, str]
    built: Mapping[str, TableInfo]
    outputs: Mapping[str, Output]


def list_tables(workspace: Workspace) -> list[TableCard]:
    """Return a card for each table that the project declares or the lake has, sources first.

    Raises:
        InvalidProjectFile: a table's file or contract is wrong.
    """
    known = _look(workspace)
    # What the lake has and nobody declares any more is listed too: it takes space, and someone may read it.
    cards = [_card(name, known) for name in {*known.names, *known.built}]
    return sorted(cards, key=lambda card: (card.kind, card.name))


def table_page(workspace: Workspace, name: str) -> TablePage:
    """Return what there is to show of the table `name`: its full name, its last part, or its node's id.

    Raises:
        UnknownTable: nothing has that name, or several tables end in it.
        InvalidProjectFile: a table's file or contract is wrong.
    """
    known = _look(workspace)
    card = _card(_find(name, known), known)
    spec = known.declared.specs.get(card.name)
    contract = known.declared.contracts.get(card.name.lower())
    return TablePage(
        card=card,
        sql=spec.sql.statement if spec else None,
        reads=tuple(dict.fromkeys(reference.name for reference in spec.sql.references)) if spec else (),
        checks=tuple(check.describe() for check in contract.checks) if contract else (),
        sample=_sample(workspace, card) if card.rows is not None else (),
    )


def _look(workspace: Workspace) -> _Known:
    declared = read_tables(workspace.project)
    sources = [f"{SOURCE_SCHEMA}.{name}" for name in workspace.project.entries("sources")]
    return _Known(
        declared=declared,
        names={name.lower(): name for name in [*sources, *declared.specs]},
        built={f"{info.schema}.{info.name}".lower(): info for info in list_environment_tables(workspace)},
        outputs={node: record.output for node, record in current_records(workspace).items()},
    )


def _find(name: str, known: _Known) -> str:
    """Return the key of the table that a person means by `name`."""
    keys = {*known.names, *known.built}
    # The engine's names have no case, so neither has the question.
    wanted = name.lower()
    if wanted.partition(":")[0] in ("source", "table", "step"):
        kind, _, rest = wanted.partition(":")
        wanted = {"source": f"{SOURCE_SCHEMA}.", "step": f"{STEP_SCHEMA}."}.get(kind, "") + rest
    found = [key for key in keys if wanted in (key, key.rpartition(".")[2])]
    if wanted in found or len(found) == 1:
        return wanted if wanted in found else found[0]
    raise UnknownTable(
        f"{name!r} can mean {' or '.join(sorted(found))}" if found else f"no table is called {name!r}",
        nearest=nearest(wanted, keys),
        hint="`ropewalk status` lists the tables",
    )


def _card(key: str, known: _Known) -> TableCard:
    info, contract, spec = (
        known.built.get(key),
        known.declared.contracts.get(key),
        known.declared.specs.get(key),
    )
    name = _spelled(key, known)
    kind, node = _node(name, known)
    # The records may remember a table that the lake has lost; without rows their word counts for nothing.
    output = known.outputs.get(node) if info else None
    owner, contract_path = (contract.owner, contract.place.path) if contract else (None, None)
    return TableCard(
        name=name,
        kind=kind,
        node=node,
        path=spec.path if spec else None,
        description=_description(contract, spec),
        owner=owner,
        columns=_columns(info, contract),
        rows=info.rows if info else None,
        snapshot=_snapshot(output),
        contract_path=contract_path,
        contract=_result(output),
        is_declared=key in known.names,
    )


def _spelled(key: str, known: _Known) -> str:
    """Return the table's name as the project, or else the lake, writes it."""
    if key in known.names:
        return known.names[key]
    info = known.built[key]
    return f"{info.schema}.{info.name}"


def _node(name: str, known: _Known) -> tuple[Literal["source", "table", "step"], str]:
    """Return the kind and the id of the node that makes the table."""
    schema, _, rest = name.partition(".")
    if schema.lower() == SOURCE_SCHEMA:
        return "source", f"source:{rest}"
    if schema.lower() == STEP_SCHEMA:
        # Steps are named as Python is, and the lake's names have no capitals.
        made = (node for node in known.outputs if node.startswith("step:") and table_of(node) == name.lower())
        return "step", next(made, f"step:{rest}")
    return "table", f"table:{name}"


def _description(contract: Contract | None, spec: TableSpec | None) -> str | None:
    # The contract is written for readers, the comment above the SQL for whoever edits it.
    described = contract.description if contract else None
    return described or (spec.sql.description if spec else None)


def _columns(info: TableInfo | None, contract: Contract | None) -> tuple[ColumnCard, ...]:
    """Return the columns that the lake has, or, while there are none, those that the contract promises."""
    # A contract may write a column in another case than the SELECT that made it.
    terms = {column.name.lower(): column for column in contract.columns} if contract else {}
    if info is None:
        return tuple(_column(Column(term.name, term.logical_type or ""), term) for term in terms.values())
    return tuple(_column(column, terms.get(column.name.lower())) for column in info.columns)


def _column(column: Column, term: ContractColumn | None) -> ColumnCard:
    if term is None:
        return ColumnCard(column.name, column.type)
    return ColumnCard(
        name=column.name,
        type=column.type or None,
        description=term.description,
        classification=term.classification,
        is_required=term.required or term.primary_key,
        is_key=term.primary_key,
    )


def _snapshot(output: Output | None) -> int | None:
    # A reference that is no snapshot was written by another kind, or another version, of node.
    kind, _, number = output.reference.partition(":") if output else ("", "", "")
    return int(number) if kind == "snapshot" and number.isdigit() else None


def _result(output: Output | None) -> ContractResult | None:
    # The summary was written by an earlier run, perhaps of an earlier version: it is read like any outside data.
    found = output.summary.get("contract") if output else None
    if not isinstance(found, dict):
        return None
    warnings = found.get("warnings")
    return ContractResult(
        checks=int(str(found.get("checks", 0))),
        passed=int(str(found.get("passed", 0))),
        warnings=tuple(str(line) for line in warnings) if isinstance(warnings, list) else (),
    )


def _sample(workspace: Workspace, card: TableCard) -> tuple[tuple[JSON, ...], ...]:
    name = TableName.parse(card.name)
    snapshot = environment_tables(workspace).get(card.name.lower())
    masks = project_masks(workspace)
    # One of the lake's own cursors: a page must not wait for, or disturb, a run that is writing.
    with open_lake(workspace).cursor() as connection:
        relation = name.sql if snapshot is None else name.at(snapshot)
        if masks:
            columns = read_columns(connection, relation)
            relation = masked_relation(relation, columns, masks.of(card.name, columns), masks.key)
        rows = connection.execute(f"SELECT * FROM {relation} LIMIT {SAMPLE_ROWS}").fetchall()  # noqa: S608  # quoted name
    return tuple(tuple(_plain(value) for value in row) for row in rows)


def _plain(value: object) -> JSON:
    # JSON has no dates, decimals or nested rows of the engine; their text is what a person reads.
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
