"""`ropewalk diff`: what changed in the data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict

import click

from ropewalk.cli.errors import WrongUsage
from ropewalk.cli.output import count, emit_json, plain
from ropewalk.cli.session import Session, environment_option, open_session
from ropewalk.dataops.columns import read_table_lineage
from ropewalk.dataops.diff import (
    DataDiff,
    SampleRow,
    TableDiff,
    diff_markdown,
    diff_snapshots,
    diff_tables,
    figure_shifts,
    rows_moved,
    shown_value,
)

SAMPLE = 5
METHODS = {
    "changes": "compared by the lake's record of changes",
    "key": "compared by key",
    "rows": "compared as rows",
}


@click.command("diff")
@click.argument("base", metavar="[BASE|TABLE]", required=False)
@click.option("--tables", "-t", multiple=True, metavar="TABLE", help="Only this table; may be given again.")
@click.option("--from", "since", type=click.IntRange(0), help="Compare one TABLE from this snapshot ...")
@click.option("--to", "until", type=click.IntRange(0), help="... to this one (default: the environment's).")
@click.option(
    "--rows", type=click.IntRange(0, 100), default=SAMPLE, help="How many rows of each kind to show."
)
@click.option("--exit-code", "is_strict", is_flag=True, help="Exit with 1 when anything differs.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print it as a merge request shows it.")
@environment_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(  # one parameter for each option
    base: str | None,
    *,
    tables: tuple[str, ...],
    since: int | None,
    until: int | None,
    rows: int,
    is_strict: bool,
    as_markdown: bool,
    environment: str | None,
    as_json: bool,
) -> int:
    """Show what changed in the data: rows added, removed and changed, column by column, and a few of them.

    BASE is an environment, dev~1 for what it had before its last run, a snapshot's number or a branch; without it,
    the environment that this one began with. With --from, the one TABLE is compared between two snapshots.
    """
    with open_session(environment=environment) as session:
        if since is None:
            if until is not None:
                raise WrongUsage(
                    "--to needs --from", hint="`ropewalk diff --from 12 --to 15 staging.flights`"
                )
            found = diff_tables(session.workspace, base, tables, rows, known_keys(session))
        else:
            found = _between(session, base, tables, (since, until), rows)
    if as_json:
        emit_json(asdict(found))
    elif as_markdown:
        click.echo(diff_markdown(found), nl=False)
    else:
        _print(found)
    return 1 if is_strict and found.tables else 0


def _between(
    session: Session, table: str | None, tables: Sequence[str], snapshots: tuple[int, int | None], rows: int
) -> DataDiff:
    named = [*([table] if table else []), *tables]
    if len(named) != 1:
        raise WrongUsage(
            "--from compares one table, and there " + ("is none" if not named else f"are {len(named)}"),
            hint="`ropewalk diff --from 12 --to 15 staging.flights`",
        )
    since, until = snapshots
    return diff_snapshots(session.workspace, named[0], since, until, rows, known_keys(session))


def known_keys(session: Session) -> dict[str, tuple[str, ...]]:
    """Return the columns that tell the rows of each table apart by how its SQL makes them, such as by a GROUP BY."""
    lineage = read_table_lineage(session.workspace, session.graph())
    return {table: item.key for table, item in lineage.items() if item.key}


def _print(found: DataDiff) -> None:
    different = len(found.tables)
    if not different:
        click.echo(f"{found.other} and {found.base}: {count(found.same, 'table')}, all the same")
        return
    verb = "differs" if different == 1 else "differ"
    click.echo(
        f"{found.other} against {found.base}: {count(different, 'table')} {verb}, {found.same} the same"
    )
    for table in found.tables:
        click.echo()
        for line in _lines(table):
            click.echo(line)


def _lines(table: TableDiff) -> Iterator[str]:
    yield click.style(plain(table.table), bold=True) + f"  {rows_moved(table)} rows{_how(table)}"
    if table.state != "changed":
        yield f"  table {table.state}"
        return
    changed = "" if table.changed is None else f", {table.changed:,} changed"
    yield f"  {table.added:,} added, {table.removed:,} removed{changed}"
    for note in table.notes:
        yield f"  note: {note}"
    for change in table.schema:
        yield f"  column {plain(str(change))}"
    for column in table.columns:
        parts = [] if not column.changed else [f"{count(column.changed, 'row')} changed"]
        parts += [f"by at most {column.largest:.6g}"] if column.largest else []
        parts += figure_shifts(column)
        yield f"  {plain(column.name)}: {', '.join(parts)}"
    yield from _rows(table)


def _how(table: TableDiff) -> str:
    how = METHODS.get(table.method)
    key = f" ({', '.join(table.key)})" if table.key else ""
    return f", {how}{plain(key)}" if how else ""


def _rows(table: TableDiff) -> Iterator[str]:
    signs = {"added": ("+", "green"), "removed": ("-", "red"), "changed": ("~", "yellow")}
    for row in table.sample:
        sign, color = signs[row.change]
        yield click.style(f"    {sign} ", fg=color) + plain("  ".join(_values(row, table.key)))


def _values(row: SampleRow, key: Sequence[str]) -> Iterator[str]:
    """Yield a row's values; of a row that changed only its key and what is another now."""
    before = row.before or {}
    for name, value in (row.after or before).items():
        if row.change == "changed" and before.get(name) != value:
            yield f"{name}={shown_value(before[name])} -> {shown_value(value)}"
        elif row.change != "changed" or name in key:
            yield f"{name}={shown_value(value)}"
