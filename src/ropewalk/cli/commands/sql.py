"""`ropewalk sql`: one read-only question to the lake."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import click

from ropewalk.cli.output import count, emit_json, emit_table
from ropewalk.cli.session import environment_option, open_session
from ropewalk.dataops.contracts import project_masks
from ropewalk.dataops.lake import QueryResult, query_environment


@click.command("sql")
@click.argument("query")
@click.option("--limit", type=click.IntRange(1), default=1000, show_default=True, help="Most rows to return.")
@click.option(
    "--timeout", type=click.FloatRange(0.1), default=30.0, show_default=True, help="Seconds allowed."
)
@environment_option
@click.option(
    "--unmask", is_flag=True, help="Show personal columns in the clear; who has the lake's files may."
)
@click.option("--json", "as_json", is_flag=True, help="Print columns and rows as one JSON object.")
def command(
    query: str, *, limit: int, timeout: float, environment: str | None, unmask: bool, as_json: bool
) -> None:
    """Ask the lake QUERY, one SELECT in DuckDB's SQL; nothing can be changed with it.

    Tables are read as the environment has them; `mart.x AT (VERSION => 3)` is the lake's snapshot 3, `lake.mart.x`
    what was written last. Columns that contracts or the glossary call personal are masked.
    """
    with open_session(environment=environment, personal_data="clear" if unmask else None) as session:
        masks = project_masks(session.workspace)
        result = query_environment(session.workspace, query, limit, timeout, masks=masks)
    names = [column.name for column in result.columns]
    if as_json:
        emit_json(query_document(result))
        return
    emit_table(names, result.rows)
    # Beside the table, so that a pipe gets rows and nothing else.
    more = "" if result.is_complete else f", and there are more (--limit {limit})"
    click.echo(f"{count(len(result.rows), 'row')}{more}", err=True)


def query_document(result: QueryResult) -> dict[str, object]:
    """Return a query's result as plain JSON values, one object per row."""
    names = unique([column.name for column in result.columns])
    return {
        "columns": [
            {"name": name, "type": column.type} for name, column in zip(names, result.columns, strict=True)
        ],
        "rows": [dict(zip(names, row, strict=True)) for row in result.rows],
        "is_complete": result.is_complete,
    }


def unique(names: Sequence[str]) -> list[str]:
    """Return `names` with `_1`, `_2` ... after those that stand there before."""
    # An object has each key once: of two columns of one name the first would be lost without a word.
    found: list[str] = []
    for name in names:
        numbers = itertools.count(1)
        fresh = name
        while fresh in found:
            fresh = f"{name}_{next(numbers)}"
        found.append(fresh)
    return found
