"""`ropewalk init`: a small project of the user's own."""

from __future__ import annotations

import click

from ropewalk.cli.session import directory
from ropewalk.project import init_project


@click.command("init")
def command() -> None:
    """Write a small project that runs: a CSV file, tables, a model, a gate and a deployment.

    Nothing that exists is overwritten.
    """
    # Resolved, because a folder's own name becomes the project's, and `.` has none.
    folder = directory().resolve()
    for path in init_project(folder):
        click.echo(f"+ {path.relative_to(folder)}")
    click.echo("next: `ropewalk run`, then `ropewalk up`")
