"""Webhooks, and the outbox of what is still to be told to them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ropewalk.store.connections import Connection, Row
from ropewalk.store.database import now_ms

State = Literal["waiting", "delivered", "dead"]
_WEBHOOK = "number, id, name, description, url, events, secret, status, created_at, updated_at"


@dataclass(frozen=True)
class Webhook:
    """An address that is told of changes.

    Attributes:
        number: its number in the order of creation.
        events: what it is told of, each as `entity.action`.
        secret: the key of its signatures, sealed; None for unsigned deliveries.
    """

    number: int
    id: str
    name: str
    description: str | None
    url: str
    events: tuple[str, ...]
    secret: bytes | None
    status: str
    created_at: int
    updated_at: int


@dataclass(frozen=True)
class NewWebhook:
    """What a webhook begins with, and what a change leaves of it; the fields are those of `Webhook`."""

    name: str
    description: str | None
    url: str
    events: tuple[str, ...]
    secret: bytes | None
    status: str


@dataclass(frozen=True)
class Delivery:
    """One thing to tell one webhook.

    Attributes:
        id: what the receiver tells repetitions by; the same for every attempt.
        content: the body as it is sent.
        attempts: how often it was tried.
        answer: the receiver's last HTTP status, if there was one.
        problem: why the last attempt failed.
    """

    number: int
    id: str
    webhook: int
    event: str
    content: str
    state: State
    attempts: int
    due_at: int
    created_at: int
    ended_at: int | None
    answer: int | None
    problem: str | None


def insert_webhook(connection: Connection, new: NewWebhook) -> Webhook:
    """Add a webhook and return it."""
    now = now_ms()
    row = connection.execute(
        "INSERT INTO webhook (id, name, description, url, events, secret, status, created_at, updated_at)"  # noqa: S608  # names are ours
        f" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING {_WEBHOOK}",
        (uuid.uuid4().hex, *_columns(new), now, now),
    ).fetchone()
    return _webhook(row)


def change_webhook(connection: Connection, number: int, new: NewWebhook) -> Webhook:
    """Let a webhook be as `new` says, and return it."""
    row = connection.execute(
        "UPDATE webhook SET name = ?, description = ?, url = ?, events = ?, secret = ?, status = ?,"  # noqa: S608  # names are ours
        f" updated_at = ? WHERE number = ? RETURNING {_WEBHOOK}",
        (*_columns(new), now_ms(), number),
    ).fetchone()
    return _webhook(row)


def find_webhook(connection: Connection, webhook_id: str) -> Webhook | None:
    """Return the webhook of that id, or None."""
    row = connection.execute(f"SELECT {_WEBHOOK} FROM webhook WHERE id = ?", (webhook_id,)).fetchone()  # noqa: S608  # names are ours
    return _webhook(row) if row else None


def list_webhooks(connection: Connection, after: int, limit: int) -> list[Webhook]:
    """Return webhooks in the order of creation, those behind the number `after`."""
    rows = connection.execute(
        f"SELECT {_WEBHOOK} FROM webhook WHERE number > ? ORDER BY number LIMIT ?",  # noqa: S608  # names are ours
        (after, limit),
    )
    return [_webhook(row) for row in rows]


def delete_webhook(connection: Connection, number: int) -> None:
    """Remove a webhook with what was still to be told to it."""
    connection.execute("DELETE FROM webhook WHERE number = ?", (number,))


def is_anyone_listening(connection: Connection) -> bool:
    """Return whether there is any active webhook: without one, no change needs to be written down."""
    return connection.execute("SELECT 1 FROM webhook WHERE status = 'ACTIVE' LIMIT 1").fetchone() is not None


def add_deliveries(connection: Connection, event: str, content: str) -> None:
    """Put `content` into the outbox for every active webhook that is to be told of `event`."""
    now = now_ms()
    # In the transaction of the change itself: what is rolled back is told to nobody, what is kept is told for sure.
    listening = connection.execute("SELECT number, events FROM webhook WHERE status = 'ACTIVE'").fetchall()
    connection.executemany(
        "INSERT INTO webhook_delivery (id, webhook, event, content, state, attempts, due_at, created_at)"
        " VALUES (?, ?, ?, ?, 'waiting', 0, ?, ?)",
        [
            (str(uuid.uuid4()), row["number"], event, content, now, now)
            for row in listening
            if event in json.loads(row["events"])
        ],
    )


def due_deliveries(connection: Connection, now: int, limit: int) -> list[tuple[Delivery, Webhook]]:
    """Return what waits to be told by `now`, longest due first, each with its active webhook.

    What is due for a disabled webhook waits until somebody enables or deletes it.
    """
    rows = connection.execute(
        "SELECT webhook_delivery.* FROM webhook_delivery JOIN webhook ON webhook.number = webhook_delivery.webhook"
        " WHERE webhook_delivery.state = 'waiting' AND webhook_delivery.due_at <= ? AND webhook.status = 'ACTIVE'"
        " ORDER BY webhook_delivery.due_at, webhook_delivery.number LIMIT ?",
        (now, limit),
    ).fetchall()
    hooks = {hook.number: hook for hook in list_webhooks(connection, 0, 1_000_000)} if rows else {}
    return [(_delivery(row), hooks[row["webhook"]]) for row in rows]


def settle_delivery(
    connection: Connection,
    number: int,
    state: State,
    *,
    due_at: int,
    answer: int | None,
    problem: str | None,
) -> None:
    """Note what became of one more attempt; `due_at` is when the next is, if it still waits."""
    connection.execute(
        "UPDATE webhook_delivery SET state = ?, attempts = attempts + 1, due_at = ?, ended_at = ?, answer = ?,"
        " problem = ? WHERE number = ?",
        (state, due_at, None if state == "waiting" else now_ms(), answer, problem, number),
    )


def list_deliveries(
    connection: Connection, webhook: int, states: Sequence[str], limit: int
) -> list[Delivery]:
    """Return the last deliveries of a webhook in any of these states, newest first."""
    rows = connection.execute(
        "SELECT * FROM webhook_delivery WHERE webhook = ? AND state IN (SELECT value FROM json_each(?))"
        " ORDER BY number DESC LIMIT ?",
        (webhook, json.dumps(list(states)), limit),
    )
    return [_delivery(row) for row in rows]


def revive_deliveries(connection: Connection, webhook: int) -> int:
    """Let everything dead of a webhook be tried again from now on; return how much that is."""
    done = connection.execute(
        "UPDATE webhook_delivery SET state = 'waiting', attempts = 0, due_at = ?, ended_at = NULL"
        " WHERE webhook = ? AND state = 'dead'",
        (now_ms(), webhook),
    )
    return done.rowcount


def forget_deliveries(connection: Connection, delivered_before: int, dead_before: int) -> int:
    """Remove what was delivered, or given up, before these times; return how much that was."""
    # The dead are kept by a time of their own: somebody may still revive them, and what arrived nobody asks for.
    done = connection.execute(
        "DELETE FROM webhook_delivery"
        " WHERE (state = 'delivered' AND ended_at < ?) OR (state = 'dead' AND ended_at < ?)",
        (delivered_before, dead_before),
    )
    return done.rowcount


def _columns(new: NewWebhook) -> tuple[str | bytes | None, ...]:
    return (new.name, new.description, new.url, json.dumps(new.events), new.secret, new.status)


def _webhook(row: Row) -> Webhook:
    columns = dict(row)
    return Webhook(**{**columns, "events": tuple(json.loads(row["events"]))})


def _delivery(row: Row) -> Delivery:
    return Delivery(**dict(row))
