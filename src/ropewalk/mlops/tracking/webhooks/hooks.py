"""Webhooks: who is told of what, and how they are added, changed and tried out."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from dataclasses import replace

from ropewalk.errors import nearest
from ropewalk.mlops.tracking.sealing import Sealer
from ropewalk.mlops.tracking.webhooks.addresses import allowed_hosts, read_target
from ropewalk.mlops.tracking.webhooks.errors import InvalidWebhook, UnknownWebhook
from ropewalk.mlops.tracking.webhooks.examples import EXAMPLES, example
from ropewalk.mlops.tracking.webhooks.sending import Letter, Reply, send
from ropewalk.pipeline import Workspace
from ropewalk.store import Connection
from ropewalk.store.tracking import webhooks as table
from ropewalk.store.tracking.webhooks import Delivery, NewWebhook, Webhook

PURPOSE = "webhooks"
STATUSES = ("ACTIVE", "DISABLED")
DESCRIPTION_LENGTH = 5000
SECRET_LENGTH = 1000
# A list of them fits into one answer, and a change that tells all of them into one short transaction.
MOST = 200
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")


def create_webhook(workspace: Workspace, new: NewWebhook, secret: str | None) -> Webhook:
    """Add a webhook and return it; its secret is kept sealed.

    Raises:
        InvalidWebhook: a value does not fit.
        RefusedAddress: this server does not call that address.
    """
    _check(workspace, new, secret)
    new = replace(new, secret=_sealed(workspace, secret))
    with workspace.database.write() as connection:
        if len(table.list_webhooks(connection, 0, MOST)) >= MOST:
            raise InvalidWebhook(f"there are {MOST} webhooks already", hint="delete one that nobody needs")
        return table.insert_webhook(connection, new)


def change_webhook(
    workspace: Workspace, webhook_id: str, changes: dict[str, object], secret: str | None
) -> Webhook:
    """Change the named fields of a webhook and, if one is given, its secret; return it.

    Raises:
        UnknownWebhook: there is none of that id.
        InvalidWebhook: a value does not fit.
        RefusedAddress: this server does not call that address.
    """
    with workspace.database.write() as connection:
        found = require_webhook(connection, webhook_id)
        before = NewWebhook(
            found.name, found.description, found.url, found.events, found.secret, found.status
        )
        new = replace(before, **changes)  # type: ignore[arg-type]  # the route names the fields of the struct
        _check(workspace, new, secret)
        sealed = found.secret if secret is None else _sealed(workspace, secret)
        return table.change_webhook(connection, found.number, replace(new, secret=sealed))


def get_webhook(workspace: Workspace, webhook_id: str) -> Webhook:
    """Return the webhook of that id.

    Raises:
        UnknownWebhook: there is none.
    """
    with workspace.database.read() as connection:
        return require_webhook(connection, webhook_id)


def list_webhooks(workspace: Workspace, after: int, limit: int) -> list[Webhook]:
    """Return webhooks in the order of creation, those behind the number `after`."""
    with workspace.database.read() as connection:
        return table.list_webhooks(connection, after, limit)


def delete_webhook(workspace: Workspace, webhook_id: str) -> None:
    """Remove a webhook with what was still to be told to it.

    Raises:
        UnknownWebhook: there is none of that id.
    """
    with workspace.database.write() as connection:
        table.delete_webhook(connection, require_webhook(connection, webhook_id).number)


def try_webhook(workspace: Workspace, webhook_id: str, event: str | None) -> Reply:
    """Send an example of an event (of the webhook's first, if None) now, once, and return what became of it.

    Raises:
        UnknownWebhook: there is none of that id.
        InvalidWebhook: there is no such event.
    """
    found = get_webhook(workspace, webhook_id)
    if event is not None:
        _check_events([event])
    content = example(event or found.events[0])
    letter = Letter(str(uuid.uuid4()), found.url, content, opened_secret(workspace, found))
    return send(letter, allowed_hosts(workspace.settings))


def list_deliveries(
    workspace: Workspace, webhook_id: str, states: Sequence[str], limit: int
) -> list[Delivery]:
    """Return the last deliveries of a webhook in any of these states, newest first.

    Raises:
        UnknownWebhook: there is none of that id.
    """
    with workspace.database.read() as connection:
        found = require_webhook(connection, webhook_id)
        return table.list_deliveries(connection, found.number, states, limit)


def revive_deliveries(workspace: Workspace, webhook_id: str) -> int:
    """Let everything that was given up for a webhook be tried again; return how much that is.

    Raises:
        UnknownWebhook: there is none of that id.
    """
    with workspace.database.write() as connection:
        return table.revive_deliveries(connection, require_webhook(connection, webhook_id).number)


def opened_secret(workspace: Workspace, webhook: Webhook) -> str | None:
    """Return the key of a webhook's signatures, if it has one.

    Raises:
        Unsealable: it was sealed with another server's key.
    """
    return None if webhook.secret is None else Sealer.of(workspace, PURPOSE).open(webhook.secret)


def require_webhook(connection: Connection, webhook_id: str) -> Webhook:
    """Return a webhook within a transaction.

    Raises:
        UnknownWebhook: there is none of that id.
    """
    found = table.find_webhook(connection, webhook_id)
    if found is None:
        raise UnknownWebhook(f"Webhook with ID {webhook_id[:64]} not found")
    return found


def _sealed(workspace: Workspace, secret: str | None) -> bytes | None:
    # An empty secret takes the old one away.
    return Sealer.of(workspace, PURPOSE).seal(secret) if secret else None


def _check(workspace: Workspace, new: NewWebhook, secret: str | None) -> None:
    if not _NAME.fullmatch(new.name):
        raise InvalidWebhook(
            f"Webhook name {new.name[:100]!r} is invalid",
            hint="up to 63 letters, digits, dots, underscores and dashes; a letter or digit first and last",
        )
    read_target(new.url, allowed_hosts(workspace.settings))
    _check_events(new.events)
    if new.status not in STATUSES:
        raise InvalidWebhook(f"Invalid webhook status {new.status[:50]!r}", hint="ACTIVE or DISABLED")
    if len(new.description or "") > DESCRIPTION_LENGTH or len(secret or "") > SECRET_LENGTH:
        raise InvalidWebhook("a webhook's description or secret is too long")


def _check_events(events: Sequence[str]) -> None:
    if not events:
        raise InvalidWebhook("Webhook events must be a non-empty list")
    for event in events:
        if event not in EXAMPLES:
            raise InvalidWebhook(f"Invalid webhook event {event[:100]!r}", nearest=nearest(event, EXAMPLES))
