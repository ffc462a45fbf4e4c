"""The tables of a project as nodes, with their contracts; nothing is executed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ropewalk.dataops.contracts import (
    Check,
    Contract,
    InvalidContract,
    contract_files,
    fill_placeholders,
    read_contracts,
)
from ropewalk.dataops.lake import quote
from ropewalk.dataops.transform.cache import ParseCache
from ropewalk.dataops.transform.engines import find_engine
from ropewalk.dataops.transform.errors import ContractWithoutTable, FileInSQL, InvalidSQL
from ropewalk.dataops.transform.files import read_text, table_files
from ropewalk.dataops.transform.values import TableSpec
from ropewalk.errors import Place, nearest
from ropewalk.pipeline import Need, Node
from ropewalk.project import Project, read_steps

STATE_FOLDER = ".ropewalk"
# What sources load and steps make: their nodes know nothing of other tables, at whatever snapshot.
CHECKED_ALONE = ("raw.", "steps.")


@dataclass(frozen=True)
class TableDeclarations:
    """What a project's files say of tables.

    Attributes:
        specs: each table that a file makes, by its name.
        contracts: each contract, by the name of its table; that table may also be a source's.
    """

    specs: Mapping[str, TableSpec]
    contracts: Mapping[str, Contract]


def read_tables(project: Project) -> TableDeclarations:
    """Return the tables and contracts that the project's files declare.

    Raises:
        InvalidProjectFile: a file's place, SQL or contract is wrong.
        ContractWithoutTable: a contract is about a table that nothing makes.
    """
    return _read(project, ParseCache(project.root / STATE_FOLDER))


def declare_tables(project: Project) -> list[Node]:
    """Return a node for each file below `tables/`.

    Raises:
        InvalidProjectFile: a file's place, SQL or contract is wrong.
        ContractWithoutTable: a contract is about a table that nothing makes.
    """
    cache = ParseCache(project.root / STATE_FOLDER)
    declared = _read(project, cache)
    for table, contract in declared.contracts.items():
        if table.startswith(CHECKED_ALONE):
            _refuse_other_tables(table, contract, cache)
    for spec in declared.specs.values():
        if spec.sql.header.engine is not None:
            find_engine(project, spec)
    nodes = [_declare(spec, cache) for spec in declared.specs.values()]
    cache.save()
    return nodes


def _read(project: Project, cache: ParseCache) -> TableDeclarations:
    files = table_files(project.root)
    contracts = _read_contracts(project, files)
    specs = {
        table: _read_spec(table, path, project.root, cache, contracts.get(table))
        for table, path in files.items()
    }
    return TableDeclarations(specs, contracts)


def _read_contracts(project: Project, tables: Iterable[str]) -> Mapping[str, Contract]:
    """Return the contract of each table that has one, by the table's name in lower case."""
    files = contract_files(project.root)
    provided = [*tables, *(f"raw.{name}" for name in project.entries("sources"))]
    # Reading the steps' files takes time, and few contracts are about tables that steps make.
    if any(table.lower().startswith("steps.") for table in files):
        provided += [f"steps.{step.name}" for step in read_steps(project.root) if step.makes == "Table"]
    # The engine's names have no case, so Mart.Flights.odcs.yaml is about mart.flights.
    known = {name.lower() for name in provided}
    for table, path in files.items():
        if table.lower() not in known:
            close = nearest(table, provided)
            raise ContractWithoutTable(
                f"no file, source or step makes the table {table!r} of this contract",
                place=Place(path.relative_to(project.root).as_posix()),
                nearest=close,
                hint="a contract's file is named after its table: SCHEMA.TABLE.odcs.yaml",
            )
    return read_contracts(project.root)


def _read_spec(table: str, path: Path, root: Path, cache: ParseCache, contract: Contract | None) -> TableSpec:
    shown = path.relative_to(root).as_posix()
    return TableSpec(table, shown, cache.sql(read_text(path, root), shown), contract)


def _declare(spec: TableSpec, cache: ParseCache) -> Node:
    origin, contract = Place(spec.path), spec.contract
    # Of a name that is read twice, the first place counts.
    needs = {item.name: Place(spec.path, item.line, item.column) for item in reversed(spec.sql.references)}
    facts, places = {"sql": spec.sql.normal}, {"sql": origin}
    for name, value in spec.sql.header.facts().items():
        facts[name] = value
        places[name] = Place(spec.path, spec.sql.header.lines.get(name))
    if contract is not None:
        # Only the checks: a better description does not build a table again.
        facts["contract"] = contract.text()
        places["contract"] = Place(contract.place.path)
        needs = dict(_rule_needs(spec.table, contract, cache)) | needs
    return Node(
        id=f"table:{spec.table}",
        origin=origin,
        spec=spec,
        provides=(spec.table, spec.table.rpartition(".")[2]),
        needs=tuple(Need(name, place) for name, place in sorted(needs.items())),
        facts=facts,
        places=places,
    )


def _refuse_other_tables(table: str, contract: Contract, cache: ParseCache) -> None:
    """Refuse rules about other tables where only the one that was just made can be looked at.

    Raises:
        InvalidContract: there is such a rule.
    """
    for name, place in _rule_needs(table, contract, cache):
        raise InvalidContract(
            f"the contract of {table} asks for a look at {name!r}, and is checked while {table} alone is made",
            place=place,
            hint="put the rule into the contract of a table that reads both",
        )


def _rule_needs(table: str, contract: Contract, cache: ParseCache) -> Iterator[tuple[str, Place]]:
    """Yield the other tables that the contract's SQL rules read: they must be there, and count like inputs."""
    for check in contract.checks:
        for name in _tables_of_rule(table, check, cache):
            if name != table:
                yield name, check.place


def _tables_of_rule(table: str, check: Check, cache: ParseCache) -> list[str]:
    if check.query is None:
        return [check.target] if check.target else []
    # As at execution, with the names filled in.
    column = quote(check.columns[0]) if check.columns else None
    try:
        found = cache.sql(fill_placeholders(check.query, table, column), check.place.path)
    except (InvalidSQL, FileInSQL) as error:
        raise InvalidContract(
            f"the query of {check.name}: {error.message}",
            place=check.place,
            hint=error.hint,
            detail=error.detail,
        ) from error
    names = [reference.name for reference in found.references]
    for name in names:
        if "." not in name:
            raise InvalidContract(
                f"the query of {check.name} names {name!r} without its schema",
                place=check.place,
                hint="write schema.table, or ${table} for the contract's own",
            )
    return names
