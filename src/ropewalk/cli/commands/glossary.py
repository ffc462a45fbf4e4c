"""`ropewalk glossary`: the project's words, where they are used, and which columns should use them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace

import click

from ropewalk.cli.commands.contract import ended
from ropewalk.cli.output import count, emit_json, emit_table
from ropewalk.cli.session import Session, environment_option, open_session
from ropewalk.dataops.columns import Origin, copies_of, read_table_lineage
from ropewalk.dataops.contracts import Contract, logical_type_of, read_contracts
from ropewalk.dataops.definitions import (
    ColumnsUnmapped,
    Glossary,
    Suggestion,
    Term,
    UnknownTerm,
    UsedColumn,
    find_unmapped,
    read_glossary,
)
from ropewalk.dataops.lake import list_environment_tables
from ropewalk.errors import nearest

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@click.group("glossary")
def command() -> None:
    """List the terms of contracts/glossary.yaml, look at one, or find columns that should map to one."""


@command.command("list")
@AS_JSON
def list_command(*, as_json: bool) -> None:
    """List every term with where it is used."""
    with open_session() as session:
        glossary, used = _read(session)
    if as_json:
        emit_json({"terms": [_term(term, used) for term in glossary.terms.values()]})
        return
    if not glossary.terms:
        click.echo("there are no terms; contracts/glossary.yaml defines them", err=True)
    rows = [
        (term.name, term.type, term.unit, term.pii, term.owner, len(used.get(term.name, ())), term.meaning)
        for term in glossary.terms.values()
    ]
    emit_table(("term", "type", "unit", "personal", "owner", "columns", "meaning"), rows)


@command.command("show")
@click.argument("term")
@AS_JSON
def show_command(term: str, *, as_json: bool) -> None:
    """Show what TERM, or the term with that synonym, means and which columns map to it."""
    with open_session() as session:
        glossary, used = _read(session)
    found = glossary.terms.get(term) or glossary.called(term)
    if found is None:
        raise UnknownTerm(
            f"the glossary has no term {term!r}",
            nearest=nearest(term, (name for item in glossary.terms.values() for name in item.names)),
            hint="`ropewalk glossary list` lists them",
        )
    if as_json:
        emit_json(_term(found, used))
        return
    for name, value in _term(found, used).items():
        if value not in (None, [], ()):
            shown = ", ".join(map(str, value)) if isinstance(value, list | tuple) else value
            click.echo(f"{name:10}  {shown}")


@command.command("unmapped")
@click.option("--strict", is_flag=True, help="End with 1 when there is such a column.")
@environment_option
@AS_JSON
def unmapped_command(*, strict: bool, environment: str | None, as_json: bool) -> int:
    """List columns whose names suggest a term and that do not map to it, with the reason.

    Columns are those that contracts describe and those that the environment's tables have.
    """
    with open_session(environment=environment) as session:
        glossary, _ = _read(session)
        columns = list(_columns(session))
        found = find_unmapped(glossary, columns)
    if as_json:
        emit_json({"columns": len(columns), "unmapped": [asdict(item) for item in found]})
    else:
        emit_table(
            ("column", "term", "because"), [(f"{i.table}.{i.column}", i.term, i.reason) for i in found]
        )
        click.echo(f"{count(len(columns), 'column')}, {len(found)} should map to a term", err=True)
    return ended(lambda: _refuse(found), as_json=as_json) if strict else 0


def _refuse(found: Sequence[Suggestion]) -> None:
    if found:
        first = found[0]
        raise ColumnsUnmapped(
            f"{count(len(found), 'column')} should map to a term, first {first.table}.{first.column} to {first.term!r}",
            hint=f"authoritativeDefinitions: [{{type: glossary, url: 'glossary:{first.term}'}}]",
        )


def _read(session: Session) -> tuple[Glossary, Mapping[str, list[str]]]:
    """Return the glossary, and the columns that map to each term."""
    used: dict[str, list[str]] = {}
    for contract in read_contracts(session.workspace.root).values():
        for column in contract.columns:
            if column.term is not None:
                used.setdefault(column.term, []).append(f"{contract.table}.{column.name}")
    return read_glossary(session.workspace.root), used


def _columns(session: Session) -> Iterable[UsedColumn]:
    contracts = read_contracts(session.workspace.root)
    built = {
        f"{info.schema}.{info.name}".lower(): info for info in list_environment_tables(session.workspace)
    }
    lineage = read_table_lineage(session.workspace, session.graph())
    for table in sorted({*contracts, *built}):
        contract, info = contracts.get(table), built.get(table)
        types = (
            {column.name: logical_type_of(column.name, column.type) for column in info.columns}
            if info
            else {}
        )
        for column in _table_columns(table, contract, types):
            copied = copies_of(lineage, Origin(table, column.name.lower()))
            yield replace(column, comes_from=tuple(map(str, copied)))


def _table_columns(
    table: str, contract: Contract | None, types: Mapping[str, str | None]
) -> Iterable[UsedColumn]:
    described = {column.name.lower(): column for column in contract.columns} if contract else {}
    for name, type_ in types.items():
        term = described[name.lower()].term if name.lower() in described else None
        yield UsedColumn(table, name, type_, term)
    there = {name.lower() for name in types}
    for name, column in described.items():
        if name not in there:
            yield UsedColumn(table, column.name, column.logical_type, column.term)


def _term(term: Term, used: Mapping[str, list[str]]) -> dict[str, object]:
    return {
        "name": term.name,
        "meaning": term.meaning,
        "type": term.type,
        "unit": term.unit,
        "values": list(term.values) if term.values is not None else None,
        "pattern": term.pattern,
        "minimum": term.minimum,
        "maximum": term.maximum,
        "pii": term.pii,
        "mask": term.mask,
        "owner": term.owner,
        "synonyms": list(term.synonyms),
        "place": str(term.place),
        "columns": used.get(term.name, []),
    }
