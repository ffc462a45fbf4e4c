"""`ropewalk schema`: the JSON Schema of the project file, and of files of metrics."""

from __future__ import annotations

import click

from ropewalk import plugins
from ropewalk.cli.output import emit_json
from ropewalk.project import project_schema


@click.command("schema")
@click.argument("of", type=click.Choice(["project", "metrics"]), default="project")
def command(of: str) -> None:
    """Print the JSON Schema of ropewalk.yaml, or of a file of metrics, for completion and checks in an editor."""
    if of == "metrics":
        # Only who asks for it loads what metrics need.
        from ropewalk.dataops.metrics import MetricFile

        emit_json(MetricFile.model_json_schema())
        return
    # Of all plugins' sections, also without a project: an editor asks before there is one.
    emit_json(project_schema(plugins.sections()))
