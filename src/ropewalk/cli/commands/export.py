"""`ropewalk export`: experiments, runs and models to be taken elsewhere."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from ropewalk.cli.output import count, emit_json
from ropewalk.cli.session import directory, open_session
from ropewalk.mlops.migration import export_project


@click.group("export")
def command() -> None:
    """Write what is here to a folder or file that `ropewalk import` reads."""


@command.command("project")
@click.argument("target", metavar="DIR|FILE", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def export_project_command(target: Path, *, as_json: bool) -> None:
    """Write all experiments, runs, artifacts and models to DIR, or to a FILE that ends in .zip.

    `ropewalk import project` brings them into another project, held against their digests.
    """
    with open_session() as session:
        done = export_project(session.workspace, directory() / target)
    if as_json:
        emit_json(asdict(done))
        return
    said = ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in done.counts.items())
    click.echo(f"wrote {done.path}: {said}; {count(done.files, 'file')}")
    click.echo(f"digest of the export: {done.digest}")
