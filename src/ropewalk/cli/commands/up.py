"""`ropewalk up`: pages, tracking and predictions on this machine, until it is stopped."""

from __future__ import annotations

from contextlib import nullcontext

import click

from ropewalk.cli.commands.schedule import scheduling
from ropewalk.cli.output import count
from ropewalk.cli.session import Session, environment_option, open_session
from ropewalk.mlops.tracking import Courier
from ropewalk.routes import Route
from ropewalk.web import serve


@click.command("up")
@click.option("--host", help="Address to listen on (default 127.0.0.1).")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on (default 8765).")
@click.option(
    "--schedule/--no-schedule", default=True, help="Whether to run what becomes due (default: yes)."
)
@click.option(
    "--testing", is_flag=True, help="Let POST /-/reset remove all runs and models: for suites of tests only."
)
@environment_option
def command(
    host: str | None, port: int | None, *, schedule: bool, testing: bool, environment: str | None
) -> None:
    """Serve the project's pages, its MLflow endpoint and its deployments, until Ctrl-C.

    What `schedule:` in ropewalk.yaml makes due is run meanwhile, each due time by one of all that watch.
    """
    with open_session(host=host, port=port, environment=environment) as session:
        # From the settings, which by now know both the options and the environment.
        settings = session.workspace.settings
        if deployments := session.workspace.project.entries("deploy"):
            # A model's library takes seconds to load, and nothing is served before.
            click.echo(f"starting {count(len(deployments), 'deployment')}", err=True)
        with scheduling(session) if schedule else nullcontext(), Courier(session.workspace).beside():
            serve(session.workspace, settings.host, settings.port, _say, _testing(session) if testing else ())


def _testing(session: Session) -> list[Route]:
    # Only those who test load this.
    from ropewalk.mlops.tracking import reset_routes

    click.echo("anyone who reaches this server can empty it by POST /-/reset", err=True)
    return reset_routes(session.workspace)


def _say(address: str) -> None:
    click.echo(f"open {address}  (Ctrl-C stops)", err=True)
