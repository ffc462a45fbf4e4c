"""`ropewalk contract`: check, draft, lint and compare contracts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import click

from ropewalk.cli.errors import exit_code
from ropewalk.cli.output import count, emit_json, emit_table
from ropewalk.cli.session import environment_option, open_session
from ropewalk.dataops.contracts import (
    CheckReport,
    Contract,
    ContractChange,
    ContractChangeBreaks,
    LintedFile,
    check_now,
    compare_contracts,
    contracts_at,
    find_contract,
    infer_contract,
    is_declared,
    lint_contracts,
    read_contract_file,
    read_contracts,
    refuse_broken,
    refuse_unsound,
    tables_to_check,
    write_contract,
)
from ropewalk.dataops.privacy import project_masks
from ropewalk.errors import RopewalkError

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
PARTIES = {"consumers": ("consumers",), "producers": ("producers",), "anyone": ("consumers", "producers")}


@click.group("contract")
def command() -> None:
    """Check, draft, lint and compare contracts: what tables promise, in contracts/SCHEMA.TABLE.odcs.yaml."""


@command.command("check")
@click.argument("tables", nargs=-1, metavar="[TABLE...]")
@environment_option
@AS_JSON
def check_command(tables: tuple[str, ...], *, environment: str | None, as_json: bool) -> int:
    """Check the contracts of the TABLEs, or of all, now, against the rows that the environment has.

    Freshness is judged by the clock, volume against the builds before. A broken check of severity error ends with 1.
    """
    with open_session(environment=environment) as session:
        wanted = tables or tables_to_check(session.workspace)
        found = [check_now(session.workspace, table) for table in wanted]
    if as_json:
        emit_json({"tables": [_report(report) for report, _ in found]})
    else:
        for report, contract in found:
            _print_report(report, contract)
    # The first that is broken, in full; the others are in what was printed.
    broken = next((item for item in found if not item[0].passed), None)
    return ended(lambda: refuse_broken(*broken), as_json=as_json) if broken else 0


@command.command("infer")
@click.argument("table")
@click.option(
    "--write", is_flag=True, help="Write the draft to contracts/TABLE.odcs.yaml, unless there is one."
)
@environment_option
def infer_command(table: str, *, write: bool, environment: str | None) -> None:
    """Draft a contract for TABLE from the rows that the environment has.

    The same rows give the same draft. No value of a column that seems personal is written into it.
    """
    # A draft is a file for everybody: whoever may see personal values here may not write them there.
    with open_session(environment=environment, personal_data="masked") as session:
        text = infer_contract(session.workspace, table, project_masks(session.workspace))
        if not write:
            click.echo(text, nl=False)
            return
        path = write_contract(session.workspace.root, table, text)
        shown = path.relative_to(session.workspace.root)
    click.echo(f"{shown} is written: read every line of it, then `ropewalk contract lint`")


@command.command("lint")
@AS_JSON
def lint_command(*, as_json: bool) -> int:
    """Read the glossary and every contract, and tell what is wrong in each and what is worth a look.

    Ends with 2 when one of them cannot be used.
    """
    with open_session() as session:
        found = lint_contracts(session.workspace.root)
    if as_json:
        emit_json({"files": [item.as_json() for item in found]})
    else:
        _print_lint(found)
    return ended(lambda: refuse_unsound(found), as_json=as_json)


@command.command("diff")
@click.argument("old")
@click.argument("new", required=False)
@click.option("--table", help="Compare the contract of this table alone.")
@click.option(
    "--for",
    "party",
    type=click.Choice(list(PARTIES)),
    default="consumers",
    show_default=True,
    help="Whose breaking changes end with 1.",
)
@AS_JSON
def diff_command(old: str, new: str | None, *, table: str | None, party: str, as_json: bool) -> int:
    """Tell what changed from OLD to NEW, and whom it breaks: two Git revisions, or two files.

    Without NEW, OLD is compared with the files as they are. What is loosened breaks those who read a table, what is
    tightened those who fill it. A breaking change ends with 1, unless the contract says so by a new major version.
    """
    with open_session() as session:
        before, after = _sides(session.workspace.root, old, new)
        if table is not None:
            before, after = _only(before, after, table)
    changes = compare_contracts(before, after)
    breaking = _breaking(changes, before, after, PARTIES[party])
    if as_json:
        emit_json(
            {"changes": [_change(item, item in breaking) for item in changes], "breaking": len(breaking)}
        )
    else:
        _print_changes(changes, before, after)
    return ended(lambda: _refuse_breaking(breaking, party), as_json=as_json)


def ended(refuse: Callable[[], None], *, as_json: bool) -> int:
    """Return the exit code of what was printed as JSON, in which the reason stands already; else raise it.

    Raises:
        RopewalkError: `refuse` does, and a person is to read it.
    """
    try:
        refuse()
    except RopewalkError as error:
        if not as_json:
            raise
        return exit_code(type(error))
    return 0


def _sides(root: Path, old: str, new: str | None) -> tuple[Mapping[str, Contract], Mapping[str, Contract]]:
    """Return the contracts on both sides: of two files, or of a revision and another or the files as they are."""
    if Path(old).is_file() and new is not None and Path(new).is_file():
        before, after = read_contract_file(Path(old), root), read_contract_file(Path(new), root)
        # Two files are two versions of one contract, whatever they are called.
        return {after.table.lower(): before}, {after.table.lower(): after}
    return contracts_at(root, old), read_contracts(root) if new is None else contracts_at(root, new)


def _only(
    before: Mapping[str, Contract], after: Mapping[str, Contract], table: str
) -> tuple[Mapping[str, Contract], Mapping[str, Contract]]:
    key = find_contract({**before, **after}, table).table.lower()
    return {k: v for k, v in before.items() if k == key}, {k: v for k, v in after.items() if k == key}


def _breaking(
    changes: Sequence[ContractChange],
    before: Mapping[str, Contract],
    after: Mapping[str, Contract],
    parties: Sequence[str],
) -> list[ContractChange]:
    declared = {table for table in before if is_declared(before.get(table), after.get(table))}
    return [item for item in changes if item.table not in declared and {*item.breaks} & {*parties}]


def _refuse_breaking(breaking: Sequence[ContractChange], party: str) -> None:
    if breaking:
        first = breaking[0]
        others = f", and {count(len(breaking) - 1, 'more change')}" if len(breaking) > 1 else ""
        raise ContractChangeBreaks(
            f"{first.table}: {first.what}, which breaks {party}{others}",
            place=first.place,
            hint="keep the promise, or say so by a new major version of the contract",
        )


def _change(item: ContractChange, is_breaking: bool) -> dict[str, object]:
    return {
        "table": item.table,
        "what": item.what,
        "breaks": list(item.breaks),
        "is_breaking": is_breaking,
        "place": str(item.place),
    }


def _print_changes(
    changes: Sequence[ContractChange], before: Mapping[str, Contract], after: Mapping[str, Contract]
) -> None:
    if not changes:
        click.echo("the contracts promise the same")
    rows = [(item.table, ", ".join(item.breaks) or "nobody", item.what) for item in changes]
    emit_table(("contract", "breaks", "change"), rows)
    for table in sorted({item.table for item in changes if item.breaks}):
        if is_declared(before.get(table), after.get(table)):
            click.echo(
                f"{table} says so by version {before[table].version} -> {after[table].version}", err=True
            )


def _report(report: CheckReport) -> dict[str, object]:
    return {
        "table": report.table,
        "rows": report.rows,
        "passed": report.passed,
        "checks": [result.as_json() for result in report.results],
    }


def _print_report(report: CheckReport, contract: Contract) -> None:
    rows = [
        ("holds" if result.passed else result.severity, result.name, result.message)
        for result in report.results
    ]
    # What needs somebody's attention stands last, where it is read.
    emit_table(
        ("", "check", "found"), sorted(rows, key=lambda row: ("holds", "warning", "error").index(row[0]))
    )
    for note in contract.notes:
        click.echo(note, err=True)
    held = sum(result.passed for result in report.results)
    click.echo(
        f"{report.table}: {held} of {count(len(report.results), 'check')} hold for {count(report.rows, 'row')}",
        err=True,
    )


def _print_lint(found: Sequence[LintedFile]) -> None:
    for item in found:
        for line in item.lines():
            click.echo(line)
    wrong = sum(item.error is not None for item in found)
    click.echo(f"{count(len(found), 'file')}, {wrong} with errors", err=True)
