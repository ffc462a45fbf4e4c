"""From declarations, contracts, the lake and what was recorded to one card per table."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from ropewalk.dataops.catalog.errors import NotProfiled, UnknownTable
from ropewalk.dataops.catalog.kept_profiles import kept_profile, profile_at
from ropewalk.dataops.catalog.meaning import with_meaning
from ropewalk.dataops.catalog.values import ColumnCard, ContractResult, TableCard, TablePage, TableProfile
from ropewalk.dataops.columns import TableLineage
from ropewalk.dataops.contracts import Contract, ContractColumn
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
from ropewalk.dataops.privacy import project_masks
from ropewalk.dataops.sources import source_tables
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
    lineage: Mapping[str, TableLineage]


def list_tables(workspace: Workspace, lineage: Mapping[str, TableLineage] | None = None) -> list[TableCard]:
    """Return a card for each table that the project declares or the lake has, sources first.

    With `lineage` columns of which nothing is said have the meaning of those that they are copies of.

    Raises:
        InvalidProjectFile: a table's file or contract is wrong.
    """
    known = _look(workspace, lineage)
    # What the lake has and nobody declares any more is listed too: it takes space, and someone may read it.
    cards = [_card(name, known) for name in {*known.names, *known.built}]
    return sorted(cards, key=lambda card: (card.kind, card.name))


def table_page(
    workspace: Workspace, name: str, lineage: Mapping[str, TableLineage] | None = None
) -> TablePage:
    """Return what there is to show of the table `name`: its full name, its last part, or its node's id.

    With `lineage` columns of which nothing is said have the meaning of those that they are copies of.

    Raises:
        UnknownTable: nothing has that name, or several tables end in it.
        InvalidProjectFile: a table's file or contract is wrong.
    """
    known = _look(workspace, lineage)
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


def find_table(
    workspace: Workspace, name: str, lineage: Mapping[str, TableLineage] | None = None
) -> TableCard:
    """Return the card of the table `name`, as `table_page` understands names.

    Raises:
        UnknownTable: nothing has that name, or several tables end in it.
        InvalidProjectFile: a table's file or contract is wrong.
    """
    known = _look(workspace, lineage)
    return _card(_find(name, known), known)


def table_profile(workspace: Workspace, card: TableCard, *, is_kept: bool = False) -> TableProfile | None:
    """Return what the values of the table's columns are like, in the environment's snapshot of it.

    With `is_kept` only if that was worked out before: None otherwise. Of personal columns those without the right to
    see them see no value.

    Raises:
        NotProfiled: it was not made yet, or cannot be looked at.
    """
    lake, name = open_lake(workspace), TableName.parse(card.name)
    snapshot = environment_tables(workspace).get(card.name.lower())
    if card.rows is None:
        raise NotProfiled(f"{card.name} was not made yet", hint=f"`ropewalk run {card.name}` makes it")
    if snapshot is None:
        # No node makes it, such as recorded predictions: it is as it stands now.
        snapshot = lake.snapshot()
    hidden = _hidden(workspace, card)
    if is_kept:
        return kept_profile(workspace, name, snapshot, hidden)
    return profile_at(workspace, lake, name, snapshot, hidden)


def _hidden(workspace: Workspace, card: TableCard) -> frozenset[str]:
    masks = project_masks(workspace)
    if masks is None:
        return frozenset()
    columns = [Column(column.name, column.type or "") for column in card.columns]
    return frozenset(name.lower() for name in masks.of(card.name, columns))


def _look(workspace: Workspace, lineage: Mapping[str, TableLineage] | None) -> _Known:
    declared = read_tables(workspace.project)
    sources = source_tables(workspace.project)
    return _Known(
        declared=declared,
        names={name.lower(): name for name in [*sources, *declared.specs]},
        built={f"{info.schema}.{info.name}".lower(): info for info in list_environment_tables(workspace)},
        outputs={node: record.output for node, record in current_records(workspace).items()},
        lineage=lineage or {},
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
        columns=tuple(
            with_meaning(key, column, known.lineage, known.declared.contracts)
            for column in _columns(info, contract, _failed(output))
        ),
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


def _columns(
    info: TableInfo | None, contract: Contract | None, failed: Collection[str]
) -> tuple[ColumnCard, ...]:
    """Return the columns that the lake has, or, while there are none, those that the contract promises."""
    # A contract may write a column in another case than the SELECT that made it.
    terms = {column.name.lower(): column for column in contract.columns} if contract else {}
    columns = (
        info.columns if info else [Column(term.name, term.logical_type or "") for term in terms.values()]
    )
    return tuple(_column(column, terms.get(column.name.lower()), contract, failed) for column in columns)


def _column(
    column: Column, term: ContractColumn | None, contract: Contract | None, failed: Collection[str]
) -> ColumnCard:
    checks = [
        check.name
        for check in (contract.checks if contract else ())
        if column.name.lower() in map(str.lower, check.columns)
    ]
    if term is None:
        return ColumnCard(column.name, column.type, checks=len(checks))
    return ColumnCard(
        name=column.name,
        type=column.type or None,
        description=term.description,
        classification=term.classification,
        is_required=term.required or term.primary_key,
        is_key=term.primary_key,
        term=term.term,
        unit=term.unit,
        owner=term.owner,
        pii=term.pii,
        checks=len(checks),
        failed=tuple(name for name in checks if name in failed),
    )


def _failed(output: Output | None) -> frozenset[str]:
    """Return the names of the checks that did not hold when the table was made."""
    found = output.summary.get("contract") if output else None
    failed = found.get("failed") if isinstance(found, dict) else None
    items = failed if isinstance(failed, list) else []
    return frozenset(str(item.get("name")) for item in items if isinstance(item, dict))


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
        samples=tuple(_samples(found.get("failed"))),
    )


def _samples(failed: JSON) -> Iterator[tuple[str, ...]]:
    """Yield the rows of each check that only warned, in the order of the warnings."""
    for item in failed if isinstance(failed, list) else ():
        if isinstance(item, dict) and item.get("severity") == "warning":
            rows = item.get("sample")
            yield tuple(map(_line, rows)) if isinstance(rows, list) else ()


def _line(row: JSON) -> str:
    # As Python writes them: a blank, a text that looks like a number and a missing value can be told apart.
    pairs = row.items() if isinstance(row, dict) else ()
    return ", ".join(f"{name} = {value!r}" for name, value in pairs)


def _sample(workspace: Workspace, card: TableCard) -> tuple[tuple[JSON, ...], ...]:
    name = TableName.parse(card.name)
    snapshot = environment_tables(workspace).get(card.name.lower())
    masks = project_masks(workspace)
    # One of the lake's own cursors: a page must not wait for, or disturb, a run that is writing.
    with open_lake(workspace).cursor() as connection:
        relation = name.sql if snapshot is None else name.at(snapshot)
        if masks is not None:
            columns = read_columns(connection, relation)
            relation = masked_relation(relation, columns, masks.of(card.name, columns), masks.key)
        rows = connection.execute(f"SELECT * FROM {relation} LIMIT {SAMPLE_ROWS}").fetchall()  # noqa: S608  # quoted name
    return tuple(tuple(_plain(value) for value in row) for row in rows)


def _plain(value: object) -> JSON:
    # JSON has no dates, decimals or nested rows of the engine, and no infinity; their text is what a person reads.
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
