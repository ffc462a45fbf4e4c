"""`ropewalk gc`: removing what nobody can ask for any more."""

from __future__ import annotations

from dataclasses import asdict

import click

from ropewalk.cli.errors import WrongUsage
from ropewalk.cli.output import emit_json
from ropewalk.cli.session import open_session
from ropewalk.pipeline import Swept, collect_garbage, parse_age

UNITS = ("B", "kB", "MB", "GB", "TB")


@click.command("gc")
@click.option("--dry-run", "is_dry", is_flag=True, help="Say what would be removed, and remove nothing.")
@click.option(
    "--older-than",
    default="14d",
    show_default=True,
    metavar="AGE",
    help="Keep whatever is younger, such as 36h or 14d.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(*, is_dry: bool, older_than: str, as_json: bool) -> None:
    """Remove what no environment, release, history or run stands for any more. Runs may go on beside it.

    What an environment pointed at within the last ROPEWALK_KEEP_HISTORY days counts as its history. Environments
    whose `expires` has passed are dropped first.
    """
    age_ms = parse_age(older_than)
    if age_ms is None:
        raise WrongUsage(f"{older_than!r} is no age", hint="write a number and s, m, h, d or w, such as 14d")
    with open_session() as session:
        swept = collect_garbage(session.workspace, age_ms, is_dry=is_dry)
    if as_json:
        emit_json({"dry_run": is_dry, "removed": [asdict(one) for one in swept], "bytes": _bytes(swept)})
        return
    _print(swept, is_dry=is_dry)


def _print(swept: list[Swept], *, is_dry: bool) -> None:
    found = [one for one in swept if one.count]
    for one in found:
        size = f", {amount(one.size)}" if one.size else ""
        click.echo(f"{one.what}: {one.count:,}{size}")
    said = "would be freed" if is_dry else "freed"
    if not found:
        click.echo("nothing to remove")
    else:
        click.echo(f"{amount(_bytes(swept))} {said}")


def _bytes(swept: list[Swept]) -> int:
    return sum(one.size or 0 for one in swept)


def amount(size: int) -> str:
    """Return a number of bytes as people read it: `0 B`, `12 kB`, `3.4 GB`."""
    value, unit = float(size), 0
    while value >= 999.5 and unit < len(UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.0f} {UNITS[unit]}" if value >= 99.5 or unit == 0 else f"{value:.2g} {UNITS[unit]}"
