"""`ropewalk import`: projects of other tools, and exports of our own, become projects here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from ropewalk.cli.errors import report_error
from ropewalk.cli.output import count, emit_json, emit_table
from ropewalk.cli.session import directory, open_session
from ropewalk.dataops.dbt import Import, convert_manifest, read_manifest, write_import
from ropewalk.mlops.migration import (
    FolderSource,
    ImportDiffers,
    NoSuchSource,
    Outcome,
    ServerSource,
    import_source,
    open_export,
)

DIFFERS = 5


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


@command.command("mlflow")
@click.argument("source", metavar="URI|DIR")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def import_mlflow(source: str, *, as_json: bool) -> int:
    """Move experiments, runs, models and prompts in: from an MLflow server, or a folder `mlruns`.

    Ids, numbers and times stay as they are. What is here already is compared and not written again, so an import that
    was cut off goes on when it is started again. At the end both sides are held against each other.
    """
    with open_session() as session:
        if source.startswith(("http://", "https://")):
            server = ServerSource(source)
            try:
                outcome = import_source(session.workspace, server, _say)
            finally:
                server.close()
        elif "://" in source and not source.startswith("file://"):
            raise NoSuchSource(
                f"{source.partition(':')[0]}:// is neither a server nor a folder",
                hint="start `mlflow server --backend-store-uri` on that database, and import from its address",
            )
        else:
            folder = FolderSource(directory() / source.removeprefix("file://"))
            outcome = import_source(session.workspace, folder, _say)
    return _tell(outcome, as_json=as_json)


@command.command("project")
@click.argument("source", metavar="DIR|FILE", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def import_project(source: Path, *, as_json: bool) -> int:
    """Bring in what `ropewalk export project` wrote: a folder, or a zip file.

    Everything is held against the digests it was exported with, before and after.
    """
    with open_session() as session:
        outcome = import_source(session.workspace, open_export(directory() / source), _say)
    return _tell(outcome, as_json=as_json)


def _say(text: str) -> None:
    click.echo(text, err=True)


def _tell(outcome: Outcome, *, as_json: bool) -> int:
    """Print what was found on both sides and return the exit code: 5 when they are not alike."""
    if as_json:
        tallies = {kind: asdict(tally) for kind, tally in outcome.tallies.items()}
        emit_json(
            {"source": outcome.source, "digest": outcome.digest, "counts": tallies, "notes": outcome.notes}
        )
    else:
        rows = [
            (kind, tally.there, tally.added, tally.kept, len(tally.differing))
            for kind, tally in outcome.tallies.items()
        ]
        emit_table(["what", "there", "added", "here before", "differing"], rows)
        for note in outcome.notes:
            click.echo(f"note: {note}")
        if not outcome.differing:
            click.echo(f"all alike; digest of all that was compared: {outcome.digest}")
    if not outcome.differing:
        return 0
    if not as_json:
        error = ImportDiffers(
            f"{count(len(outcome.differing), 'thing')} of {outcome.source} are not alike here",
            hint="what was here before is never overwritten: delete what should be brought in anew",
            detail="\n".join(outcome.differing[:50]),
        )
        report_error(error, as_json=False, debug=False)
    # Of its own: scripts tell by it that the import did its work and found a difference.
    return DIFFERS


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
