"""`ropewalk profile`: what the values of a table are like."""

from __future__ import annotations

from dataclasses import asdict

import click

from ropewalk.cli.output import emit_json, emit_table, plain, shorten
from ropewalk.cli.session import environment_option, open_session
from ropewalk.dataops.catalog import ColumnProfile, TableProfile, find_table, table_profile

# From nothing to the fullest bar.
BARS = " ▁▂▃▄▅▆▇█"
WIDTH = 40


@click.command("profile")
@click.argument("table")
@environment_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(table: str, *, environment: str | None, as_json: bool) -> None:
    """Show what the values of TABLE's columns are like: missing, distinct, least, greatest, mean, most frequent.

    At most 100,000 rows are looked at; what was found is kept for the snapshot. Of personal columns no value is shown
    to those without the right to see them.
    """
    with open_session(environment=environment) as session:
        found = table_profile(session.workspace, find_table(session.workspace, table))
    assert found is not None
    if as_json:
        emit_json(asdict(found))
    else:
        _print(found)


def _print(found: TableProfile) -> None:
    sampled = "all" if found.is_whole else f"{found.sampled:,} sampled"
    click.echo(f"{plain(found.table)} at snapshot {found.snapshot}: {found.rows:,} rows, {sampled}")
    header = ("column", "type", "missing", "distinct", "least", "greatest", "mean", "values")
    emit_table(header, [_row(column) for column in found.columns])


def _row(column: ColumnProfile) -> tuple[object, ...]:
    return (
        column.name,
        column.type.lower(),
        f"{100 * column.null_share:.1f} %",
        column.distinct,
        column.least,
        column.most,
        column.mean,
        "hidden" if column.is_hidden else histogram(column),
    )


def histogram(column: ColumnProfile) -> str:
    """Return the column's histogram as one line of bars, or else its most frequent values."""
    most = max((item.count for item in column.bins), default=0)
    if len(column.bins) > 1 and most:
        steps = len(BARS) - 1
        return "".join(BARS[-(-item.count * steps // most)] for item in column.bins)
    return shorten(", ".join(f"{value} ({number:,})" for value, number in column.top), WIDTH)
