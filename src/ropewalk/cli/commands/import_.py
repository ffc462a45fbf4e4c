"""`ropewalk import`: projects of other tools become projects here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from ropewalk.cli.output import count, emit_json, emit_table
from ropewalk.cli.session import directory
from ropewalk.dataops.dbt import Import, convert_manifest, read_manifest, write_import


@click.group("import")
def command() -> None:
    """Move a project of another tool in."""


@command.command("dbt")
@click.argument("path", type=click.Path(path_type=Path), default=Path())
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder of the project to be; by default the current one.",
)
@click.option("--dry-run", is_flag=True, help="Say what would move, and write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def import_dbt(path: Path, *, into: Path | None, dry_run: bool, as_json: bool) -> None:
    """Move the dbt project at PATH in: a folder with target/manifest.json, or that file itself.

    Compiled models become tables, snapshots histories, seeds and sources sources, tests and descriptions contracts.
    dbt is not needed; what cannot move is said.
    """
    manifest = read_manifest(path)
    found = convert_manifest(manifest)
    target = into or directory()
    written = [] if dry_run else write_import(found, Path(manifest.root), target)
    if as_json:
        emit_json(_document(found, [item.relative_to(target).as_posix() for item in written]))
    else:
        _print(found, target, is_written=not dry_run)


def _document(found: Import, written: list[str]) -> dict[str, object]:
    return {
        "project": found.project,
        "moved": [asdict(moved) for moved in found.moved],
        "left": [asdict(left) for left in found.left],
        "files": sorted([*found.files, *found.copies]),
        "written": written,
    }


def _print(found: Import, target: Path, *, is_written: bool) -> None:
    verb = "moved" if is_written else "would move"
    counted = Counter(moved.what for moved in found.moved)
    said = ", ".join(count(number, what) for what, number in counted.items()) or "nothing"
    click.echo(f"{verb}: {said.replace('documentations', 'documentation')}")
    # What became of a test stands in its contract; there may be hundreds.
    noted = [(item.what, item.name, item.note) for item in found.moved if item.note and item.what != "test"]
    _print_part("to know", "note", noted)
    _print_part("for you to do", "why", [(left.what, left.name, left.why) for left in found.left])
    if is_written:
        click.echo(f"\n{target}: `ropewalk plan` shows what a run would do", err=True)


def _print_part(title: str, last: str, rows: Sequence[tuple[str, str, str]]) -> None:
    if rows:
        click.echo(f"\n{title}:")
        emit_table(["what", "name", last], rows)
