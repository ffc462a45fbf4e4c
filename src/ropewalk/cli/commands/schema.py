"""`ropewalk schema`: the JSON Schema of the project file."""

from __future__ import annotations

import click

from ropewalk import plugins
from ropewalk.cli.output import emit_json
from ropewalk.project import project_schema


@click.command("schema")
def command() -> None:
    """Print the JSON Schema of ropewalk.yaml, for completion and checks in an editor."""
    # Of all plugins' sections, also without a project: an editor asks before there is one.
    emit_json(project_schema(plugins.sections()))
