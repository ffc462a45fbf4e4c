"""`ropewalk up`: pages, tracking and predictions on this machine, until it is stopped."""

from __future__ import annotations

import click

from ropewalk.cli.session import open_session
from ropewalk.web import serve


@click.command("up")
@click.option("--host", help="Address to listen on (default 127.0.0.1).")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on (default 8765).")
def command(host: str | None, port: int | None) -> None:
    """Serve the project's pages, its MLflow endpoint and its deployments, until Ctrl-C."""
    with open_session(has_logs=True, host=host, port=port) as session:
        # From the settings, which by now know both the options and the environment.
        settings = session.workspace.settings
        serve(session.workspace, settings.host, settings.port, _say)


def _say(address: str) -> None:
    click.echo(f"open {address}  (Ctrl-C stops)", err=True)
