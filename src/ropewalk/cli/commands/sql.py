"""`ropewalk sql`: one read-only question to the lake."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Sequence
from pathlib import Path

import click

from ropewalk.cli.output import count, emit_table, json_text
from ropewalk.cli.session import environment_option, open_session
from ropewalk.dataops.lake import MEMORY, Asking, Form, QueryResult, ask_environment, read_memory
from ropewalk.dataops.privacy import project_masks
from ropewalk.project import NotWritten

FORMATS = ("table", "json", "csv", "parquet", "arrow")


@click.command("sql")
@click.argument("query")
@click.option("--limit", type=click.IntRange(1), default=1000, show_default=True, help="Most rows to return.")
@click.option(
    "--timeout", type=click.FloatRange(0.1), default=30.0, show_default=True, help="Seconds allowed."
)
@click.option("--memory", default=MEMORY, show_default=True, help="Memory allowed, such as 512MB.")
@click.option("--format", "form", type=click.Choice(FORMATS), default="table", show_default=True)
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False), help="Write to this file; its ending says the format."
)
@environment_option
@click.option(
    "--at", metavar="MOMENT", help="Ask all tables as they were at this pin, snapshot or time (UTC)."
)
@click.option(
    "--unmask", is_flag=True, help="Show personal columns in the clear; who has the lake's files may."
)
@click.option("--json", "as_json", is_flag=True, help="Print columns and rows as one JSON object.")
def command(
    query: str,
    *,
    limit: int,
    timeout: float,
    memory: str,
    form: str,
    output: str | None,
    environment: str | None,
    at: str | None,
    unmask: bool,
    as_json: bool,
) -> None:
    """Ask the lake QUERY, one SELECT in DuckDB's SQL; nothing can be changed with it.

    Tables are read as the environment has them; `mart.x AT (VERSION => 3)` is the lake's snapshot 3, `lake.mart.x`
    what was written last. Columns that contracts or the glossary call personal are masked.
    """
    form = "json" if as_json else form_of(output, form)
    asking = Asking(limit, timeout, read_memory(memory), file_form(form))
    with open_session(environment=environment, personal_data="clear" if unmask else None) as session:
        masks = project_masks(session.workspace)
        result = ask_environment(session.workspace, query, asking, masks=masks, at=at)
    emit_result(result, form, output, limit)


def form_of(output: str | None, form: str) -> str:
    """Return the format that a file's ending says, where none was asked for by name."""
    ending = Path(output).suffix.lstrip(".").lower() if output else ""
    return ending if form == "table" and ending in FORMATS else form


def file_form(form: str) -> Form:
    """Return the form in which the lake is asked for a format."""
    return "parquet" if form == "parquet" else "arrow" if form == "arrow" else "rows"


def emit_result(result: QueryResult, form: str, output: str | None, limit: int) -> None:
    """Print a result in a format, or write it to a file; how much it is goes to stderr."""
    if form == "table" and output is None:
        emit_table([column.name for column in result.columns], result.rows)
    else:
        _write(_content(result, form), output)
    # Beside the table, so that a pipe gets rows and nothing else.
    more = "" if result.is_complete else f", and there are more (--limit {limit})"
    if form == "table":
        click.echo(f"{count(len(result.rows), 'row')}{more}", err=True)
    elif more:
        click.echo(f"{count(limit, 'row')}{more}", err=True)


def _content(result: QueryResult, form: str) -> bytes:
    if form in {"parquet", "arrow"}:
        return result.content
    return (json_text(query_document(result)) if form == "json" else csv_text(result)).encode()


def _write(content: bytes, output: str | None) -> None:
    if output is None:
        # As bytes: what is no text must not be taken for some.
        click.echo(content, nl=False)
        return
    try:
        Path(output).write_bytes(content)
    except OSError as error:
        raise NotWritten(f"{output} cannot be written: {error.strerror}") from error


def csv_text(result: QueryResult) -> str:
    """Return a result as CSV with a header; what is missing is empty."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_MINIMAL)
    writer.writerow([column.name for column in result.columns])
    writer.writerows(result.rows)
    return stream.getvalue()


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
