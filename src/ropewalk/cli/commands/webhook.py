"""`ropewalk webhook`: who is told of what happens in the registry, and what became of it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime

import click

from ropewalk.cli.errors import WrongUsage
from ropewalk.cli.output import emit_json, emit_table
from ropewalk.cli.session import open_session
from ropewalk.dataops.sources import resolve_secrets
from ropewalk.mlops.tracking import (
    create_webhook,
    delete_webhook,
    list_deliveries,
    list_webhooks,
    revive_deliveries,
    try_webhook,
)
from ropewalk.store.tracking.webhooks import Delivery, NewWebhook, Webhook

SECRET = "secret://"  # noqa: S105  # how secrets are named, and none itself
STATES = ("waiting", "delivered", "dead")
_MOST = 200
FAILED = 1


@click.group("webhook")
def command() -> None:
    """List, add, test and remove webhooks, and see what became of deliveries."""


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def list_command(*, as_json: bool) -> None:
    """List the webhooks; of their secrets, whether there is one."""
    with open_session() as session:
        found = list_webhooks(session.workspace, 0, _MOST)
    if as_json:
        emit_json({"webhooks": [_about(webhook) for webhook in found]})
        return
    rows = [
        (one.id, one.name, one.url, ",".join(one.events), one.status, "yes" if one.secret else "no")
        for one in found
    ]
    emit_table(("id", "name", "address", "events", "status", "signed"), rows)


@command.command("add")
@click.argument("name")
@click.argument("url")
@click.option(
    "--event", "events", multiple=True, required=True, help="Such as model_version.created; again for more."
)
@click.option(
    "--secret",
    metavar="secret://NAME",
    help="The environment variable that holds the key of signatures; it is kept sealed and never shown.",
)
@click.option("--description", help="What it is for.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def add_command(name: str, url: str, *, as_json: bool, **options: object) -> None:
    """Add a webhook called NAME that is told at URL."""
    key = _key(options["secret"])
    events = tuple(dict.fromkeys(options["events"]))  # type: ignore[call-overload]  # click's multiple is a tuple
    description = None if options["description"] is None else str(options["description"])
    new = NewWebhook(name, description, url, events, None, "ACTIVE")
    with open_session() as session:
        made = create_webhook(session.workspace, new, key)
    if as_json:
        emit_json(_about(made))
    else:
        click.echo(f"added webhook {made.name}, {made.id}; `ropewalk webhook test {made.id}` tries it")


def _key(named: object) -> str | None:
    if named is None:
        return None
    # A secret on the command line stands in the shell's history, and in the list of processes.
    if not str(named).startswith(SECRET):
        raise WrongUsage("a secret is named, not written", hint="--secret secret://NAME takes it from NAME")
    return resolve_secrets({"secret": str(named)})["secret"]


@command.command("test")
@click.argument("webhook_id", metavar="ID")
@click.option("--event", help="Which of the events to send an example of; by default its first.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def test_command(webhook_id: str, *, event: str | None, as_json: bool) -> int:
    """Send an example to the webhook ID now, and say what it answered; exit code 1 when it did not take it."""
    with open_session() as session:
        reply = try_webhook(session.workspace, webhook_id, event)
    if as_json:
        emit_json({"taken": reply.is_taken, "status": reply.status, "problem": reply.problem})
    elif reply.is_taken:
        click.echo(f"taken: it answered {reply.status}")
    else:
        click.echo(f"not taken: {reply.problem or f'it answered {reply.status}'}")
    return 0 if reply.is_taken else FAILED


@command.command("remove")
@click.argument("webhook_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def remove_command(webhook_id: str, *, as_json: bool) -> None:
    """Remove the webhook ID, with what was still to be told to it."""
    with open_session() as session:
        delete_webhook(session.workspace, webhook_id)
    if as_json:
        emit_json({"removed": webhook_id})
    else:
        click.echo(f"removed webhook {webhook_id}")


@command.command("deliveries")
@click.argument("webhook_id", metavar="ID")
@click.option(
    "--state", "states", multiple=True, type=click.Choice(STATES), help="Only these; may be given again."
)
@click.option("--retry", is_flag=True, help="First let what was given up be tried again.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="At most so many.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def deliveries_command(webhook_id: str, *, as_json: bool, **options: object) -> None:
    """Show the last deliveries to the webhook ID, newest first."""
    states: tuple[str, ...] = tuple(options["states"]) or STATES  # type: ignore[arg-type]  # click's multiple is a tuple
    with open_session() as session:
        revived = revive_deliveries(session.workspace, webhook_id) if options["retry"] else 0
        found = list_deliveries(session.workspace, webhook_id, states, int(str(options["limit"])))
    if as_json:
        emit_json({"revived": revived, "deliveries": [asdict(one) for one in found]})
        return
    if options["retry"]:
        click.echo(f"to be tried again: {revived}", err=True)
    emit_table(("event", "state", "tries", "answer", "why", "due"), [_row(one) for one in found])


def _row(one: Delivery) -> tuple[object, ...]:
    due = datetime.fromtimestamp(one.due_at / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return (one.event, one.state, one.attempts, one.answer or "", one.problem or "", due)


def _about(webhook: Webhook) -> dict[str, object]:
    hidden = {"secret", "number"}
    shown = {key: value for key, value in asdict(webhook).items() if key not in hidden}
    return {**shown, "signed": webhook.secret is not None}
