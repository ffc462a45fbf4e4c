"""`ropewalk settings`: the table of settings with the values in force."""

from __future__ import annotations

import click

from ropewalk.cli.output import emit_json, emit_table
from ropewalk.cli.session import current_settings
from ropewalk.settings import describe_settings, shown_value


@click.command("settings")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(*, as_json: bool) -> None:
    """List every setting: its environment variable, its value now, its default and what it is for."""
    settings = current_settings()
    rows = [
        (variable, shown_value(settings, name), default, text)
        for name, variable, default, text in describe_settings()
    ]
    if as_json:
        emit_json({variable: {"value": value, "default": default} for variable, value, default, _ in rows})
    else:
        # As text, because a port is no quantity: all of them stand left.
        shown = [(variable, str(value), str(default), text) for variable, value, default, text in rows]
        emit_table(("variable", "value", "default", "help"), shown)
