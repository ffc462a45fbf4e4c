"""`ropewalk audit`: who did what, from where, when, and how it ended."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime

import click

from ropewalk.cli.errors import WrongUsage
from ropewalk.cli.output import emit_json, emit_table
from ropewalk.cli.session import open_session
from ropewalk.pipeline import parse_age
from ropewalk.store import now_ms
from ropewalk.store.access_audit import read_audit


@click.command("audit")
@click.option("--actor", help="Only what this user, token or job did.")
@click.option("--since", metavar="AGE", help="Only what is younger than AGE, such as 7d or 12h.")
@click.option(
    "--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="How many, newest first."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(*, actor: str | None, since: str | None, limit: int, as_json: bool) -> None:
    """Show the audit log: logins, refusals, deletions, changes of users, tokens, models and settings."""
    age = parse_age(since) if since else None
    if since and age is None:
        raise WrongUsage(f"{since!r} is no age", hint="write it as 12h, 7d or 4w")
    with open_session() as session, session.workspace.database.read() as connection:
        entries = read_audit(connection, limit, actor=actor, since_ms=now_ms() - age if age else 0)
    if as_json:
        emit_json({"entries": [asdict(entry) for entry in entries]})
        return
    rows = [
        (_time(one.at), one.actor, one.action, one.target, one.project, one.address, one.outcome)
        for one in entries
    ]
    emit_table(("when", "who", "did", "to", "project", "from", "outcome"), rows)


def _time(moment: int) -> str:
    return datetime.fromtimestamp(moment / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
